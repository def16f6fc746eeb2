"""add_host: a new host, and its groups, for the plays that follow."""

from __future__ import annotations

from typing import Any

from provisioner.engine.actions.action_call import ActionCall
from provisioner.engine.errors import TaskError

LOCAL = True
RUNS_ONCE = True
_OWN = {"name", "hostname", "host", "groups", "group", "groupname"}


def plan(call: ActionCall) -> dict[str, Any]:
    name = call.args.get("name", call.args.get("hostname", call.args.get("host")))
    if not name:
        raise TaskError("name, host or hostname needs to be provided")
    raw = call.args.get("groups", call.args.get("groupname", call.args.get("group", [])))
    groups = [str(group).strip() for group in (raw.split(",") if isinstance(raw, str) else raw or [])]
    variables = {key: value for key, value in call.args.items() if key not in _OWN}
    with call.run.lock:
        inventory = call.run.inventory
        host = inventory.hosts.get(str(name))
        same = host is not None and set(groups) <= {*host.groups, "all"} and all(host.own_vars.get(k) == v for k, v in variables.items())
        if not same:
            inventory.add_host(str(name), groups or ["ungrouped"], variables)
            inventory.finish()
            call.run.variables.inventory_changed()
            call.run.variables.store(str(name)).connection_version += 1
    return {"changed": not same, "add_host": {"host_name": str(name), "groups": groups, "host_vars": variables}}
