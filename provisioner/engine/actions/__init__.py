"""Actions: the parts of a task that run on the controller.

Each module here holds `plan(call)`, which returns a result, or is a generator that yields modules to run on the host, gets their
results, and returns the task's. An action without a module here is a plain module: one call with its arguments as they are.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import pkgutil
from collections.abc import Callable
from types import ModuleType
from typing import Any

# Other names of an action, and modules whose controller side is shared.
ALIASES = {"systemd_service": "systemd", "service": "service"}
_NOT_ACTIONS = frozenset({"action_call"})
# Handled by the engine itself.
ENGINE_ACTIONS = frozenset({"meta", "include_tasks", "include_role", "import_tasks", "import_role"})


@functools.cache
def _files() -> frozenset[str]:
    return frozenset(info.name for info in pkgutil.iter_modules(__path__)) - _NOT_ACTIONS


@functools.cache
def action_names() -> frozenset[str]:
    return _files() | {"assert", "raw"}


@functools.cache
def action_module(name: str) -> ModuleType | None:
    """The module that holds an action, None for plain modules."""
    file = f"{name}_" if name == "assert" else name
    return importlib.import_module(f"{__name__}.{file}") if file in _files() else None


def planner(name: str) -> Callable[..., Any] | None:
    module = action_module(name)
    return None if module is None else module.plan


def is_local(name: str) -> bool:
    """Whether an action never talks to the host."""
    module = action_module(name)
    return bool(module is not None and getattr(module, "LOCAL", False))


def runs_once(name: str) -> bool:
    """Whether an action works for all hosts at a time, and so runs for the first one only."""
    module = action_module(name)
    return bool(module is not None and getattr(module, "RUNS_ONCE", False))


@functools.cache
def module_names() -> frozenset[str]:
    """Modules that run on hosts."""
    if importlib.util.find_spec("provisioner.modules") is None:
        return frozenset()
    package = importlib.import_module("provisioner.modules")
    return frozenset(info.name.rstrip("_") for info in pkgutil.iter_modules(package.__path__) if not info.name.startswith("_"))


@functools.cache
def hidden_arguments(name: str) -> frozenset[str]:
    """Whose values nobody is to be told, by all their names: what the module that does the work declares `no_log`, and what a file is to hold."""
    found = {"content"}
    if name in module_names():
        declared = getattr(importlib.import_module(f"provisioner.modules.{name}"), "ARGUMENTS", {})
        for option, rules in declared.items():
            if rules.get("no_log"):
                found.update((option, *rules.get("aliases", ())))
    return frozenset(found)


def is_known(name: str) -> bool:
    return name in ENGINE_ACTIONS or name in action_names() or name in module_names()


def known_names() -> list[str]:
    return sorted(ENGINE_ACTIONS | action_names() | module_names())
