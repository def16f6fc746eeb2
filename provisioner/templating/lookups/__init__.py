"""Ansible's lookups: each is a function of (call, terms, options) that returns a list of values.

They run on the controller, see the variables of the template that calls them, and find files beside the role or playbook.
"""
