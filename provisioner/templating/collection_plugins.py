"""Filters, tests and lookups of installed collections, loaded when a template names one, most often in full (`namespace.collection.name`)."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from provisioner.templating.errors import PluginError
from provisioner.templating.plugins import STAND_INS, Plugins, lookup_of, naming_itself

FindFiles = Callable[[str, str], Iterator[Path]]
"""(collection, kind of plugin) -> its files."""
FindName = Callable[[str, str], str]
"""(name as written, kind of plugin) -> its full name now, moves followed."""


class _Named(dict[str, Any]):
    """A dict that asks `find` for names it does not have, once each."""

    def __init__(self, known: dict[str, Any], find: Callable[[str], Any]) -> None:
        super().__init__(known)
        self._find = find

    def __missing__(self, name: str) -> Any:
        found = self._find(name)
        if found is None:
            raise KeyError(name)
        self[name] = found
        return found

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None


def with_collections(plugins: Plugins, files: FindFiles, full_name: FindName, roots: Sequence[Path]) -> Plugins:
    """The plugins, and those of collections; what plugins import of collections is found below `roots`."""

    def methods(kind: str, cls: str, method: str) -> Callable[[str], Any]:
        def find(written: str) -> Any:
            name = full_name(written, kind)
            for module in _modules(name, kind, files, roots):
                made = getattr(module, cls, None)
                offered = getattr(made(), method)() if made is not None else {}
                if name.rsplit(".", 1)[-1] in offered:
                    return naming_itself(kind, name, offered[name.rsplit(".", 1)[-1]])
            return None

        return find

    def lookup(written: str) -> Any:
        name = full_name(written, "lookup")
        for module in _modules(name, "lookup", files, roots):
            if module.__name__.rsplit(".", 1)[-1] == name.rsplit(".", 1)[-1]:
                return lookup_of(module.LookupModule)
        return None

    return Plugins(
        _Named(plugins.filters, methods("filter", "FilterModule", "filters")),
        _Named(plugins.tests, methods("test", "TestModule", "tests")),
        plugins.globals,
        _Named(plugins.lookups, lookup),
    )


def importable(roots: Sequence[Path]) -> None:
    """Lets Python import what lies below collections' folders, and what that imports from ansible: ours, also where a real one lies beside."""
    for folder in [STAND_INS, *(str(root.parent if root.name == "ansible_collections" else root) for root in roots)]:
        if folder not in sys.path:
            sys.path.append(folder)


def _modules(name: str, kind: str, files: FindFiles, roots: Sequence[Path]) -> Iterator[Any]:
    """The collection's plugin modules of a kind, the one named like the plugin first. Raises PluginError."""
    parts = name.split(".")
    if len(parts) < 3:
        return
    importable(roots)
    for path in sorted(files(".".join(parts[:2]), kind), key=lambda found: found.stem != parts[-1]):
        inner = path.parts[len(path.parts) - 1 - path.parts[::-1].index("ansible_collections") :]
        try:
            yield importlib.import_module(".".join(inner).removesuffix(".py"))
        except Exception as e:
            if path.stem == parts[-1]:
                raise PluginError(f"The {kind} plugin '{name}' failed to load: {e}") from e
