"""Dynamic inventory: the machines of a Vagrantfile, reached as `vagrant ssh-config` says at this moment.

An inventory file is `plugin: vagrant` with the Vagrantfile's `folder`, and may say `groups` (group: patterns of machines' names), `vars` (for
all) and `settings` (a YAML file beside the Vagrantfile whose `network` numbers the machines: .11, .12… in the Vagrantfile's order).
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from provisioner.machines.errors import MachineError
from provisioner.machines.spec import SSH_TIMEOUT_S, number_hosts
from provisioner.machines.vagrant.command import Ssh, Vagrant

KEYS = {"plugin", "folder", "groups", "vars", "settings"}
GROUPS = {"masters": ["master-*"], "workers": ["worker-*"]}
RUNNING = "running"


def listing(document: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Groups and host variables, as executable inventories print them."""
    unknown = document.keys() - KEYS
    if unknown:
        raise MachineError(f"unknown keys: {', '.join(sorted(map(str, unknown)))}", hint=f"known: {', '.join(sorted(KEYS))}")
    folder = path.resolve().parent / Path(str(document.get("folder", "."))).expanduser()
    vagrant = Vagrant(folder)
    states = vagrant.states()
    ways = vagrant.ssh([name for name, state in states.items() if state == RUNNING])
    nodes = addresses(list(states), folder / str(document["settings"]) if "settings" in document else None)
    return arranged(document, states, ways, nodes)


def arranged(document: Mapping[str, Any], states: Mapping[str, str], ways: Mapping[str, Ssh], nodes: Mapping[str, str]) -> dict[str, Any]:
    """Without I/O: what is listed."""
    found: dict[str, Any] = {"all": {"vars": dict(document.get("vars") or {})}, "_meta": {"hostvars": {}}}
    for name, state in states.items():
        values = {**connection(ways[name]), "vagrant_state": state} if name in ways else {"vagrant_state": state}
        if name in nodes:
            values["node_address"] = nodes[name]
        found["_meta"]["hostvars"][name] = values
        groups = [group for group, patterns in _groups(document).items() if any(fnmatchcase(name, pattern) for pattern in patterns)]
        for group in groups or ["ungrouped"]:
            found.setdefault(group, {"hosts": []})["hosts"].append(name)
    return found


def connection(way: Ssh) -> dict[str, object]:
    """Ansible's variables. A machine that was just made is a stranger, on a network of this computer: its key is kept when first seen."""
    values: dict[str, object] = {"ansible_host": way.address, "ansible_port": way.port, "ansible_user": way.user}
    values["ansible_timeout"] = SSH_TIMEOUT_S
    if way.keys:
        values["ansible_ssh_private_key_file"] = way.keys[0]
    return values


def addresses(names: list[str], settings: Path | None) -> dict[str, str]:
    """What machines call each other by: as the Vagrantfile numbers them on the network between them. None: as they are reached from here."""
    if settings is None:
        return {}
    try:
        said = yaml.safe_load(settings.read_text())
        network = os.environ.get("PROVISION_NETWORK") or said["network"]
        return {name: str(address) for name, address in number_hosts(names, ipaddress.IPv4Network(network), {}).items()}
    except OSError as e:
        raise MachineError(f"settings: {settings} can't be read: {e.strerror}") from e
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as e:
        raise MachineError(f"settings: {settings} must be a YAML file with `network`, such as 10.93.0.0/24: {e}") from e


def _groups(document: Mapping[str, Any]) -> Mapping[str, list[str]]:
    groups = document.get("groups", GROUPS)
    if not isinstance(groups, Mapping):
        raise MachineError("groups must be a mapping, such as {masters: [master-*]}")
    return {str(name): [patterns] if isinstance(patterns, str) else list(patterns) for name, patterns in groups.items()}
