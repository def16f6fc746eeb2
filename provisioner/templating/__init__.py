"""Renders values and files with Jinja under Ansible's rules: filters, tests, lookups, lazy variables, `omit`."""
