"""group_by: puts the host into a group named by its variables."""

from __future__ import annotations

from typing import Any

from provisioner.engine.actions.action_call import ActionCall
from provisioner.engine.errors import TaskError

LOCAL = True


def plan(call: ActionCall) -> dict[str, Any]:
    call.known("key", "parents")
    if "key" not in call.args:
        raise TaskError("the 'key' param is required when using group_by")
    name = str(call.args["key"]).replace(" ", "-")
    raw = call.args.get("parents", ["all"])
    parents = [str(parent).replace(" ", "-") for parent in ([raw] if isinstance(raw, str) else raw)]
    with call.run.lock:
        inventory = call.run.inventory
        group = inventory.groups.get(inventory.group_name(name))
        known = group is not None and all(parent == "all" or inventory.group_name(parent) in group.parents for parent in parents)
        changed = not known or group is None or call.state.name not in group.host_names
        for parent in parents:
            inventory.add_group(name, parent)
        joins = group is None or call.state.name not in group.host_names
        if joins and call.state.name in inventory.hosts:
            inventory.add_host(call.state.name, [name])
            inventory.finish()
        call.run.variables.inventory_changed()
    return {"changed": changed, "add_group": name, "parent_groups": parents}
