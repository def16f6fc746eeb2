"""What a run knows about each host: facts, variables set while running, and how it fares in the current play."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from provisioner.inventory import Host
from provisioner.templating import Resolved

# Facts that change how a host is reached when a task sets them.
_CONNECTION = (
    "ansible_host",
    "ansible_port",
    "ansible_user",
    "ansible_ssh_",
    "ansible_password",
    "ansible_connection",
    "ansible_become",
    "ansible_p",
)

# Variables that no fact can be, since they say how hosts are reached and as whom (Ansible's restricted names).
_RESTRICTED = re.compile(
    r"ansible_(connection(_user)?|host|user|port|password|pipelining|timeout|shell_(executable|type)|executable|module_compression"
    r"|private_key_file|network_os|facts|playbook_python|rsync_path|become|become_.*|(local|ssh|paramiko|paramiko_ssh|psrp|winrm)_.*"
    r"|(docker|podman|buildah|kubectl|oc|lxd|lxc|incus|chroot)_.*|.*_interpreter)|(ansible_)?discovered_interpreter_.*"
)
_HARMLESS = re.compile(r"ansible_ssh_host_key_.*|.*_bridge|.*_gwbridge")


def is_restricted(name: str) -> bool:
    """Whether a fact of that name is known as a part of `ansible_facts` only."""
    return _RESTRICTED.fullmatch(name) is not None and _HARMLESS.fullmatch(name) is None


class HostStore:
    """Variables of one host that live as long as the run. `version` grows when what `base` variables hold changes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.facts: dict[str, Any] = {}
        """The `ansible_facts` mapping: names without the `ansible_` prefix."""
        self.fact_vars: dict[str, Any] = {}
        self.set_vars: dict[str, Any] = {}
        """set_fact and registered variables; final values."""
        self.include_vars: dict[str, Any] = {}
        """From include_vars; rendered when used."""
        self.to_cache = False
        """Whether facts are other than those the fact cache has."""
        self.version = 0
        self.connection_version = 0
        self.facts_gathered: str | None = None
        """With which arguments facts were gathered; None when they were not, or something has changed since."""

    def add_facts(self, facts: Mapping[str, Any]) -> None:
        """Facts as modules return them; names get both their forms, but for restricted ones."""
        for key, value in facts.items():
            bare = key if key == "ansible_local" else key.removeprefix("ansible_")
            self.facts[bare] = value
            if not is_restricted(key):
                self.fact_vars[key] = Resolved(value)
        self.to_cache = True
        self.version += 1

    def held(self) -> tuple[dict[str, Any], ...]:
        """Everything as it is now, for `back_to`."""
        return tuple(dict(part) for part in (self.facts, self.fact_vars, self.set_vars, self.include_vars))

    def back_to(self, held: tuple[dict[str, Any], ...]) -> None:
        self.facts, self.fact_vars, self.set_vars, self.include_vars = held
        self.version += 1
        self.connection_version += 1

    def clear_facts(self) -> None:
        self.facts, self.fact_vars = {}, {}
        self.facts_gathered = None
        self.to_cache = True
        self.version += 1

    def set(self, name: str, value: Any) -> None:
        self.set_vars[name] = Resolved(value)

    def set_facts(self, values: Mapping[str, Any], *, cacheable: bool = False) -> None:
        for name, value in values.items():
            self.set(name, value)
            if name.startswith(_CONNECTION):
                self.connection_version += 1
        if cacheable:
            self.add_facts(values)

    def add_include_vars(self, values: Mapping[str, Any]) -> None:
        self.include_vars.update(values)
        if any(name.startswith(_CONNECTION) for name in values):
            self.connection_version += 1


class HostState:
    """One host in one play."""

    def __init__(self, host: Host, store: HostStore) -> None:
        self.host = host
        self.name = host.name
        self.store = store
        self.failed = False
        """Failed in the block being run; a rescue clears it."""
        self.goes_on = False
        """Failed in a block whose always section it has been through: with its error cleared it goes on behind that block."""
        self.forgiven = False
        """Failed, but is to take part in later plays (meta: clear_host_errors)."""
        self.failed_in_handlers = False
        """No more handlers run then, forced or not."""
        self.unreachable = False
        self.left = False
        """Is counted among the play's hosts no more: was not reached, failed where nothing rescues it, or has ended."""
        self.ended = False
        """Left the play without failing (meta: end_host)."""
        self.notifications: dict[str, None] = {}
        """Names and topics that tasks notified since handlers ran last."""
        self.notified: dict[int, None] = {}
        """Indexes of handlers to run, in the play's list of handlers."""
        self.roles_done: set[str] = set()
        self.roles_touched: set[str] = set()
        """Roles of which a task has really run."""
        self.ended_roles: set[str] = set()
        self.debugged_vars: dict[str, Any] = {}
        """What was set in the task debugger, for the task that is done again."""

    @property
    def lost(self) -> bool:
        """Whether the host takes no part in later plays."""
        return (self.failed or self.unreachable) and not self.forgiven

    @property
    def alive(self) -> bool:
        return not (self.failed or self.unreachable or self.ended)

    def __repr__(self) -> str:
        return f"HostState({self.name!r}, failed={self.failed}, unreachable={self.unreachable}, ended={self.ended})"
