"""What every daemon stands on: a typed client, informers, a work queue, leader election, events and the daemon skeleton.

Talks to the API server alone. It refuses to hide failure: every error is a StatusError or a ConnectionFailed, every wait is bounded,
every background task is named and guarded.
"""
