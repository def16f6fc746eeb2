"""Modules compared with ansible-core: each playbook calls one module in all its ways; what the real program answered is recorded beside it."""
