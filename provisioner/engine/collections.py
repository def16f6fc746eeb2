"""Installed collections: where `namespace.collection.name` finds its role, module, plugin or playbook.

They lie under `ansible_collections/` of `collections/` beside a playbook, which comes first, of the folders in $ANSIBLE_COLLECTIONS_PATH (else
~/.ansible/collections and /usr/share/ansible/collections), and of Python's own folders, where the package `ansible` brings a hundred of them.
What a collection moved elsewhere (`plugin_routing` in its meta/runtime.yml) is followed. Modules run through AnsibleModule, action plugins
through ActionBase.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

_STANDARD = "~/.ansible/collections:/usr/share/ansible/collections"
# A collection that names itself in circles is a mistake of its own.
_MAX_REDIRECTS = 10


def standard_roots() -> list[Path]:
    """The folders of the environment, else the usual ones."""
    named = os.environ.get("ANSIBLE_COLLECTIONS_PATH") or os.environ.get("ANSIBLE_COLLECTIONS_PATHS") or _STANDARD
    return [Path(part).expanduser() for part in named.split(":") if part]


def python_roots() -> list[Path]:
    """Where Python packages have collections: in our own environment, and in that of the Ansible that users have on their $PATH."""
    folders = [Path(part) for part in sys.path if part]
    program = shutil.which("ansible-playbook")
    if program is not None:
        folders += sorted(Path(program).resolve().parent.parent.glob("lib/python3*/*-packages"))
    return [folder for folder in dict.fromkeys(folders) if (folder / "ansible_collections").is_dir()]


class Collections:
    """Looks names up; nothing is read before it is asked for."""

    def __init__(self, roots: Sequence[Path] | None = None) -> None:
        self._roots = list(standard_roots() if roots is None else roots)
        self._runtimes: dict[Path, dict[str, Any]] = {}
        self._holding: dict[tuple[str, str], str | None] = {}

    def add_beside(self, playbook_directory: Path) -> None:
        """What lies in `collections/` beside a playbook comes before the rest."""
        folder = playbook_directory / "collections"
        if folder.is_dir() and folder not in self._roots:
            self._roots.insert(0, folder)

    @property
    def roots(self) -> list[Path]:
        return list(self._roots)

    def folder(self, collection: str) -> Path | None:
        """Of `namespace.collection`."""
        namespace, _, name = collection.partition(".")
        for root in self._roots:
            for base in (root / "ansible_collections", root):
                found = base / namespace / name
                if (base.name == "ansible_collections") and found.is_dir():
                    return found
        return None

    def of_path(self, path: Path) -> str | None:
        """The collection that a file belongs to."""
        parts = path.parts
        if "ansible_collections" not in parts:
            return None
        at = len(parts) - 1 - parts[::-1].index("ansible_collections")
        return ".".join(parts[at + 1 : at + 3]) if len(parts) > at + 2 else None

    def role(self, name: str) -> Path | None:
        return self._inner(name, "roles")

    def playbook(self, name: str) -> Path | None:
        collection, _, inner = _split(name)
        folder = self.folder(collection)
        for ending in ("", ".yml", ".yaml"):
            if folder is not None and (found := folder / "playbooks" / f"{inner.replace('.', '/')}{ending}").is_file():
                return found
        return None

    def _inner(self, name: str, kind: str) -> Path | None:
        collection, _, inner = _split(name)
        folder = self.folder(collection)
        found = folder / kind / inner.replace(".", "/") if folder is not None and inner else None
        return found if found is not None and found.is_dir() else None

    def resolve(self, name: str, kind: str = "modules") -> str:
        """The name that this one was moved to; itself when it was not. `kind` is modules, action, filter, test or lookup."""
        for _ in range(_MAX_REDIRECTS):
            collection, _, inner = _split(name)
            folder = self.folder(collection)
            if folder is None:
                break
            entry = self._routes(folder).get(kind, {}).get(inner) or {}
            moved = entry.get("redirect")
            if not moved:
                break
            name = str(moved) if str(moved).count(".") >= 2 else f"{collection}.{moved}"
        return name

    def tombstone(self, name: str) -> str:
        """What is to be said of a module, by its full name, that its collection has no more; "" for others."""
        collection, _, inner = _split(name)
        folder = self.folder(collection)
        gone = None if folder is None else (self._routes(folder).get("modules", {}).get(inner) or {}).get("tombstone")
        if not isinstance(gone, dict):
            return ""
        when = f"version {gone['removal_version']}" if gone.get("removal_version") else f"in a release after {gone.get('removal_date')}"
        why = str(gone.get("warning_text") or "").strip().rstrip(".")
        return f"The '{name}' module has been removed. {why}. This feature was removed from collection '{collection}' {when}."

    def module(self, name: str) -> Path | None:
        """The file of a module by its full name, moves followed."""
        return self._plugin(self.resolve(name), "modules")

    def lookup(self, name: str) -> Path | None:
        """The file of a lookup by its full name, moves followed."""
        return self.plugin(name, "lookup")

    def plugin(self, name: str, kind: str) -> Path | None:
        """The file of a plugin of any kind by its full name, moves followed."""
        return self._plugin(self.resolve(name, kind), kind)

    def holding(self, name: str, kind: str) -> str | None:
        """The full name of what content from before collections calls by its bare name. `kind` is modules, filter, test or lookup."""
        key = (name, kind)
        if key not in self._holding:
            self._holding[key] = next(self._holders(name, kind), None) if name.isidentifier() else None
        return self._holding[key]

    def _holders(self, name: str, kind: str) -> Iterator[str]:
        """Full names: of those that have it, then of those that know what it is called today."""
        installed = self._installed()
        yield from (f"{collection}.{name}" for collection in installed if self._plugin(f"{collection}.{name}", kind) is not None)
        for collection in installed:
            folder = self.folder(collection)
            if folder is not None and (self._routes(folder).get(kind, {}).get(name) or {}).get("redirect"):
                yield f"{collection}.{name}"

    def full_name(self, name: str, kind: str) -> str:
        """Where a plugin is now; the name itself when no collection has it."""
        return self.resolve(name if "." in name else self.holding(name, kind) or name, kind)

    def _installed(self) -> list[str]:
        """All collections, those to which most of Ansible's own plugins moved first."""
        bases = [base for root in self._roots for base in (root / "ansible_collections", root) if base.name == "ansible_collections"]
        names = {".".join(path.parts[-2:]) for base in bases for path in base.glob("*/*") if path.is_dir()}
        return sorted(names, key=lambda name: (name != "community.general", not name.startswith(("ansible.", "community.")), name))

    def is_for_windows(self, name: str) -> bool:
        """Whether a module is one of a collection for PowerShell: it can stand in a role, and fails where it is run."""
        path = self.module(name)
        return path is not None and next(path.parent.glob("*.ps1"), None) is not None

    def action(self, name: str) -> Path | None:
        """The file of the action plugin that does a module's work on the controller, if one does."""
        moved = self.resolve(name)
        folder = self.folder(_split(moved)[0])
        named = None
        if folder is not None:
            named = (self._routes(folder).get("modules", {}).get(_split(moved)[2]) or {}).get("action_plugin")
        return self._plugin(self.resolve(str(named) if named else moved, "action"), "action")

    def _plugin(self, name: str, kind: str) -> Path | None:
        collection, _, inner = _split(name)
        folder = self.folder(collection)
        if folder is None or not inner:
            return None
        *subfolders, stem = inner.split(".")
        base = folder / "plugins" / kind
        exact = base.joinpath(*subfolders, f"{stem}.py")
        if exact.is_file() or subfolders:
            return exact if exact.is_file() else None
        return next(base.rglob(f"{stem}.py"), None)

    def plugin_files(self, collection: str, kind: str) -> Iterator[Path]:
        """All files of plugins of one kind (filter, test, lookup)."""
        folder = self.folder(collection)
        if folder is not None:
            yield from (path for path in sorted((folder / "plugins" / kind).rglob("*.py")) if path.stem != "__init__")

    def action_group(self, name: str) -> list[Any] | None:
        """The entries of `namespace.collection.group`, as its meta/runtime.yml has them; None when there is no such group."""
        collection, _, group = _split(name)
        folder = self.folder(collection)
        groups = self._runtime(folder).get("action_groups") if folder is not None else None
        found = groups.get(name, groups.get(group)) if isinstance(groups, dict) else None
        return found if isinstance(found, list) else None

    def _routes(self, folder: Path) -> dict[str, Any]:
        routing = self._runtime(folder).get("plugin_routing")
        return routing if isinstance(routing, dict) else {}

    def _runtime(self, folder: Path) -> dict[str, Any]:
        """A collection's meta/runtime.yml."""
        if folder not in self._runtimes:
            path = folder / "meta" / "runtime.yml"
            try:
                document = yaml.CSafeLoader(path.read_bytes()).get_single_data() if path.is_file() else {}
            except (OSError, yaml.YAMLError):
                document = {}  # a collection's own mistake: its names are found where they lie
            self._runtimes[folder] = document if isinstance(document, dict) else {}
        return self._runtimes[folder]


def _split(name: str) -> tuple[str, str, str]:
    """(namespace.collection, ., the rest)."""
    parts = name.split(".", 2)
    return (".".join(parts[:2]), ".", parts[2]) if len(parts) == 3 else (name, "", "")
