"""What add_host and group_by have done is undone where their task fails after all: by its failed_when, or in another item of its loop."""

from __future__ import annotations

from typing import Any

from provisioner.engine.playbook import Task
from provisioner.engine.run_context import Run
from provisioner.engine.variables import PlayContext

_CHANGING = frozenset({"add_host", "group_by"})


class InventoryHeld:
    """The inventory as it is now."""

    def __init__(self, run: Run, context: PlayContext) -> None:
        self._run = run
        self._context = context
        self._hosts = {name: (host, dict(host.own_vars)) for name, host in run.inventory.hosts.items()}
        self._groups = {
            name: (group, dict(group.own_vars), dict(group.host_names), dict(group.children), dict(group.parents))
            for name, group in run.inventory.groups.items()
        }
        self._all_hosts = list(context.all_hosts)

    @classmethod
    def before(cls, task: Task, run: Run, context: PlayContext) -> InventoryHeld | None:
        """None for a task that leaves the inventory alone, or can only fail before it changes it."""
        can_fail_late = task.loop is not None or task.failed_when is not None
        return cls(run, context) if task.action in _CHANGING and can_fail_late else None

    def restore(self, result: dict[str, Any]) -> None:
        """Puts it back, and has the result say that nothing changed."""
        inventory = self._run.inventory
        with self._run.lock:
            inventory.hosts = {name: host for name, (host, _) in self._hosts.items()}
            for host, own_vars in self._hosts.values():
                host.own_vars = own_vars
            inventory.groups = {name: group for name, (group, *_) in self._groups.items()}
            for group, own_vars, names, children, parents in self._groups.values():
                group.own_vars, group.host_names, group.children, group.parents = own_vars, names, children, parents
            self._context.all_hosts[:] = self._all_hosts
            inventory.changed()
            self._run.variables.inventory_changed()
        for part in [result, *(result.get("results") or ())]:
            if isinstance(part, dict) and "changed" in part:
                part["changed"] = False
