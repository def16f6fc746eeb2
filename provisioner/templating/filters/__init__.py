"""Ansible's filters, grouped by what they work on; each module's FILTERS maps names to functions."""
