"""What a whole cluster goes through: up, plan, status, down, destroy.

`up` runs the stages machines -> preflight -> plan -> apply -> verify, each with a deadline and each an event in the run's log. Roles do the
work on hosts; this package decides what they are told (`variables`), keeps the operator's state (`state`, `lock`) and looks whether the
result is what was asked for (`verify`, `status`). It prints nothing: callers listen to events.
"""
