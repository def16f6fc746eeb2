"""Modules that are not ours but a playbook's, a role's (`library/`, with `module_utils/` beside) or a collection's, packed for a host."""

from __future__ import annotations

import ast
import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from provisioner.engine.collections import Collections
from provisioner.engine.own_programs import PYTHON, may_be_module, python_source, style_of

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date a zip can hold: equal files make equal archives


class OwnModules:
    """What was found so far; the first of equal names counts."""

    def __init__(self, collections: Collections) -> None:
        self._collections = collections
        self._modules: dict[str, Path] = {}
        self._shared: dict[str, Path] = {}
        self._packed: dict[str, tuple[str, bytes]] = {}
        self._programs: dict[str, tuple[str, str, bytes]] = {}

    def add(self, root: Path) -> None:
        """The modules under a playbook's or role's folder."""
        self.add_library(root / "library")
        shared = root / "module_utils"
        if shared.is_dir():
            for path in sorted(shared.rglob("*.py")):
                self._shared.setdefault(path.relative_to(shared).as_posix(), path)
            self._packed.clear()

    def add_library(self, library: Path) -> None:
        """All modules of one folder."""
        if library.is_dir():
            for path in filter(may_be_module, sorted(library.rglob("*"))):
                self._modules.setdefault(path.stem, path)

    def add_of_collection(self, name: str, path: Path) -> None:
        """One module under its full name."""
        self._modules.setdefault(name, path)

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def names(self) -> list[str]:
        return list(self._modules)

    def entry(self, name: str) -> str:
        """The module's dotted name inside its archive."""
        if self._collections.of_path(self._modules[name]) is None or "." not in name:
            return f"own.{name}"
        return _inner_name(self._modules[name]).removesuffix(".py").replace("/", ".")

    def program(self, name: str) -> tuple[str, str, bytes] | None:
        """(how it gets its arguments, SHA-256, content) of one that is no Python module for AnsibleModule."""
        found = self._programs.get(name)
        if found is None:
            source = self._modules[name].read_bytes()
            style = style_of(self._modules[name], source)
            found = self._programs[name] = (style, hashlib.sha256(source).hexdigest(), source)
        return None if found[0] == PYTHON else found

    def packed(self, name: str) -> tuple[str, bytes]:
        """(SHA-256, zip) of a module and all of module_utils that it may import."""
        found = self._packed.get(name)
        if found is None:
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
                for inner, path in sorted(self._files(name).items()):
                    archive.writestr(zipfile.ZipInfo(inner, _EPOCH), python_source(path.read_bytes()))
            data = buffer.getvalue()
            found = self._packed[name] = (hashlib.sha256(data).hexdigest(), data)
        return found

    def _files(self, name: str) -> dict[str, Path]:
        module = self._modules[name]
        files = {self.entry(name).replace(".", "/") + ".py": module}
        files.update((f"ansible/module_utils/{inner}", path) for inner, path in self._shared.items())
        # What a collection's files import of collections comes along, and what that imports.
        pending = [module, *self._shared.values()]
        while pending:
            for path in self._imported(pending.pop()):
                inner = _inner_name(path)
                if inner not in files:
                    files[inner] = path
                    pending.append(path)
        return files

    def _imported(self, path: Path) -> Iterator[Path]:
        """The collections' files that one file imports, packages around them included."""
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            return  # the host's Python says what is wrong, where it matters
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield from self._located(alias.name.split("."))
            elif isinstance(node, ast.ImportFrom):
                base = (node.module or "").split(".") if node.module else []
                if node.level:
                    around = _inner_name(path).split("/")[: -node.level]
                    base = around + base
                yield from self._located(base)
                for alias in node.names:
                    yield from self._located([*base, alias.name])

    def _located(self, parts: list[str]) -> Iterator[Path]:
        if len(parts) < 4 or parts[0] != "ansible_collections":
            return
        folder = self._collections.folder(".".join(parts[1:3]))
        if folder is None:
            return
        inner = folder
        for part in parts[3:]:
            inner = inner / part
            for candidate in (inner / "__init__.py", inner.with_name(inner.name + ".py")):
                if candidate.is_file():
                    yield candidate


def _inner_name(path: Path) -> str:
    """A collection's file as its path from `ansible_collections/` on."""
    parts = path.parts
    return "/".join(parts[len(parts) - 1 - parts[::-1].index("ansible_collections") :])
