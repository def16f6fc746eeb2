"""Loaders of plugins, for people's own action plugins: other actions can be had, and nothing else."""

from typing import Any

from ansible.errors import AnsibleError


class Loader:
    """What is asked of a loader that is not here fails with its name."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AnsibleError("ansible.plugins.loader.%s_loader.%s does not exist here" % (self._kind, name))


class ActionLoader(Loader):
    def get(self, name: str, *_: Any, task: Any, connection: Any, **__: Any) -> Any:
        """An action whose `run(task_vars=…)` does that of the name with the task's arguments; None when nobody has it."""
        return connection.host.action(name, task)


action_loader = ActionLoader("action")
become_loader, cache_loader, callback_loader, connection_loader = (Loader(kind) for kind in ("become", "cache", "callback", "connection"))
filter_loader, inventory_loader, lookup_loader, module_loader = (Loader(kind) for kind in ("filter", "inventory", "lookup", "module"))
shell_loader, strategy_loader, test_loader, vars_loader = (Loader(kind) for kind in ("shell", "strategy", "test", "vars"))
