"""Loaders of plugins, for people's own action and lookup plugins: other actions and lookups can be had, and nothing else."""

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


class LookupLoader(Loader):
    def get(self, name: str, *_: Any, templar: Any, **__: Any) -> Any:
        """A lookup whose `run(terms)` does that of the name; None when nobody has it."""
        return templar.lookup(name)


action_loader, lookup_loader = ActionLoader("action"), LookupLoader("lookup")
become_loader, cache_loader, callback_loader, connection_loader = (Loader(kind) for kind in ("become", "cache", "callback", "connection"))
filter_loader, inventory_loader, module_loader = (Loader(kind) for kind in ("filter", "inventory", "module"))
shell_loader, strategy_loader, test_loader, vars_loader = (Loader(kind) for kind in ("shell", "strategy", "test", "vars"))
