"""Modules under Ansible's names: each has ARGUMENTS and `run(args, context)`, and gives the result that Ansible documents.

They run inside the agent on the host: standard library only, Python 3.7 or newer. A second run of the same call changes nothing.
"""
