"""group_by: puts the host into a group named by its variables."""

from __future__ import annotations

from typing import Any

from provisioner.engine.actions.action_call import ActionCall

LOCAL = True


def plan(call: ActionCall) -> dict[str, Any]:
    name = str(call.required("key")).replace(" ", "-")
    raw = call.args.get("parents", "all")
    parents = [str(parent).strip().replace(" ", "-") for parent in (raw.split(",") if isinstance(raw, str) else raw)]
    with call.run.lock:
        inventory = call.run.inventory
        group = inventory.groups.get(name)
        changed = group is None or call.state.name not in group.host_names
        for parent in parents:
            inventory.add_group(name, parent)
        if changed and call.state.name in inventory.hosts:
            inventory.add_host(call.state.name, [name])
            inventory.finish()
        call.run.variables.inventory_changed()
    return {"changed": changed, "add_group": name, "parent_groups": parents}
