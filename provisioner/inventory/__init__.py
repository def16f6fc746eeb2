"""Reads Ansible inventories into hosts, groups, variables and the two typed trees `cluster:` and `machines:`.

It accepts YAML, INI, comma lists, directories and executable sources, with group_vars/ and host_vars/ beside them. Every mistake
found is reported at once as a `Problem` with file, line and column; nothing is guessed. It does not connect to hosts (transport does)
and does not render templates (templating does): `Host.vars` holds values as written. The typed trees' modules are for those who use them:
most inventories have neither tree.
"""

from provisioner.inventory.errors import InventoryError, Problem
from provisioner.inventory.loader import Ignored, load
from provisioner.inventory.model import Group, Host, Inventory

__all__ = ["Group", "Host", "Ignored", "Inventory", "InventoryError", "Problem", "load"]
