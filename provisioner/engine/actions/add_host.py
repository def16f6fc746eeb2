"""add_host: a new host, and its groups, for the plays that follow."""

from __future__ import annotations

import re
from typing import Any

from provisioner.engine.actions.action_call import ActionCall
from provisioner.engine.errors import TaskError
from provisioner.templating.values import final

LOCAL = True
RUNS_ONCE = True
_OWN = {"name", "hostname", "host", "groups", "group", "groupname"}


def plan(call: ActionCall) -> dict[str, Any]:
    given = next((call.args[key] for key in ("name", "hostname", "host") if call.args.get(key)), None)
    if given is None:
        raise TaskError("name, host or hostname needs to be provided")
    variables = final({key: value for key, value in call.args.items() if key not in _OWN})
    name, port = _address(str(given))
    if port is not None:
        variables["ansible_ssh_port"] = port
    raw: Any = next((call.args[key] for key in ("groups", "groupname", "group") if call.args.get(key)), [])
    if not isinstance(raw, str | list | tuple):
        raise TaskError("Groups must be specified as a list.")
    names = [str(group).strip() for group in (raw.split(",") if isinstance(raw, str) else raw)]
    groups = list(dict.fromkeys(group for group in names if group))
    with call.run.lock:
        inventory = call.run.inventory
        host = inventory.hosts.get(name)
        same = host is not None and set(groups) <= {*host.groups, "all"} and all(host.own_vars.get(k) == v for k, v in variables.items())
        if not same:
            inventory.add_host(name, ["all", *groups], variables)
            inventory.finish()
            call.run.variables.inventory_changed()
            call.run.variables.store(name).connection_version += 1
            if name not in call.context.all_hosts:
                call.context.all_hosts.append(name)  # a play counts whom it adds among its hosts, though they wait for the next one
    return {"changed": not same, "add_host": {"host_name": name, "groups": groups, "host_vars": variables}}


def _address(text: str) -> tuple[str, int | None]:
    """A name, and the port that may stand behind it: host:22, [fe80::1]:22. An address of IPv6 alone has colons of its own."""
    found = re.fullmatch(r"\[([^\]]+)\](?::(\d+))?|([^:]+):(\d+)", text)
    if found is None:
        return text, None
    port = found.group(2) or found.group(4)
    return found.group(1) or found.group(3), int(port) if port else None
