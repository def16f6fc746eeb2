"""What a lookup may use: the templar of the template that called it, and the search for files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioner.templating.errors import PluginError
from provisioner.templating.vault import VaultError, plain

if TYPE_CHECKING:
    from provisioner.templating.templar import Templar

Terms = Sequence[Any]
Options = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One call of one lookup."""

    name: str
    templar: Templar
    folder: str = ""
    """Of the task that loops over this lookup, where its action has its files (`vars`, `templates`, `files`)."""

    def find(self, name: str, kind: str = "files") -> Path | None:
        """A file by name: absolute, or under `kind/` of each search directory, or in the directory itself."""
        return find_file(name, self.templar.search, kind)

    def find_or_fail(self, name: str, kind: str = "files") -> Path:
        found = self.find(name, kind)
        if found is None:
            places = ", ".join(str(directory / kind) for directory in self.templar.search)
            raise PluginError(f"Unable to access the file '{name}': File not found. Looked in {places}")
        return found

    def read(self, path: Path) -> bytes:
        """A file's content, decrypted when it is a vault."""
        try:
            data = path.read_bytes()
        except OSError as e:
            raise PluginError(f"{path} cannot be read: {e.strerror}") from e
        try:
            return plain(data, path, self.templar.variables.get("__vault__"))
        except VaultError as e:
            raise PluginError(str(e)) from e

    def variable(self, name: str) -> Any:
        return self.templar.scope[name]


def find_file(name: str, search: Sequence[Path], kind: str = "files") -> Path | None:
    path = Path(name).expanduser()
    if path.is_absolute():
        return path if path.exists() else None
    for directory in search:
        for candidate in (directory / kind / path, directory / path):
            if candidate.exists():
                return candidate
    return None


Lookup = Callable[[Call, Terms, Options], list[Any]]
