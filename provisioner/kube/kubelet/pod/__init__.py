"""Pods: one worker each, which decides (decide.py), acts (worker.py) and reports (status.py). Deciding and reporting are pure."""
