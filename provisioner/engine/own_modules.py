"""Modules that come with a playbook or role (`library/`, with `module_utils/` beside), packed so that a host can run them."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date a zip can hold: equal files make equal archives


class OwnModules:
    """What was found so far; the first of equal names counts."""

    def __init__(self) -> None:
        self._modules: dict[str, Path] = {}
        self._shared: dict[str, Path] = {}
        self._packed: dict[str, tuple[str, bytes]] = {}

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
            for path in sorted(library.rglob("*.py")):
                if path.stem != "__init__":
                    self._modules.setdefault(path.stem, path)

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def names(self) -> list[str]:
        return list(self._modules)

    def packed(self, name: str) -> tuple[str, bytes]:
        """(SHA-256, zip) of a module and everything in module_utils."""
        found = self._packed.get(name)
        if found is None:
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
                files = {f"own/{name}.py": self._modules[name]}
                files.update((f"ansible/module_utils/{inner}", path) for inner, path in self._shared.items())
                for inner, path in sorted(files.items()):
                    archive.writestr(zipfile.ZipInfo(inner, _EPOCH), path.read_bytes())
            data = buffer.getvalue()
            found = self._packed[name] = (hashlib.sha256(data).hexdigest(), data)
        return found
