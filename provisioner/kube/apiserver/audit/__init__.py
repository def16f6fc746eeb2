"""The audit log (audit.k8s.io/v1): who asked for what, and what came of it.

`policy` decides how much of a request is told, `events` makes the events of a request's stages, `log_file` and `webhook` take them away. Off
unless there is a policy and a place for the events; then it costs nothing. What Secrets, tokens and token reviews hold is never told,
whatever the policy says.
"""
