"""YAML files as plain values that remember where each mapping and key was written.

The safe C loader builds the values (YAML 1.1, as Ansible reads it). `!unsafe` strings are never templated, `!vault` strings and
whole encrypted files are decrypted with the secrets given. A key written twice is reported, since YAML would silently drop the first.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from provisioner.inventory.errors import InventoryError, Problem, SealedError
from provisioner.templating.values import Sealed, Unsafe, Vaulted
from provisioner.templating.vault import HEADER, VaultError, VaultSecrets


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    def problem(self, message: str, hint: str = "") -> Problem:
        return Problem(self.file, self.line, self.column, message, hint)


class LocatedDict(dict[Any, Any]):
    """A mapping that knows where it and each of its keys and values stand; copies of it are plain dicts."""

    __slots__ = ("duplicates", "key_locations", "location", "value_locations")
    location: Location
    key_locations: dict[Hashable, Location]
    value_locations: dict[Hashable, Location]
    duplicates: list[tuple[str, Location]]

    def at(self, key: Hashable) -> Location:
        return self.key_locations.get(key, self.location)

    def value_at(self, key: Hashable) -> Location:
        return self.value_locations.get(key, self.location)


def location_of(mapping: Any, key: Hashable | None = None) -> Location | None:
    """Where a mapping, or one key of it, was written; None for values that no file holds."""
    if not isinstance(mapping, LocatedDict):
        return None
    return mapping.location if key is None else mapping.at(key)


class Loader(yaml.CSafeLoader):
    file: str = ""
    secrets: VaultSecrets | None = None
    duplicates: list[tuple[str, Location]]

    def place(self, node: yaml.Node) -> Location:
        return Location(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def located_mapping(self, node: yaml.MappingNode) -> Any:
        result = LocatedDict()
        result.location = self.place(node)
        result.key_locations = {}
        result.value_locations = {}
        yield result
        own = {id(key) for key, _ in node.value}  # what a merge (<<) brings may be said again
        said: set[Hashable] = set()
        self.flatten_mapping(node)
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise yaml.constructor.ConstructorError(None, None, "a mapping or list cannot be a key", key_node.start_mark)
            if id(key_node) in own:
                if key in said:
                    self.duplicates.append((str(key), self.place(key_node)))
                said.add(key)
            result[key] = self.construct_object(value_node, deep=True)
            result.key_locations[key] = self.place(key_node)
            result.value_locations[key] = self.place(value_node)

    def unsafe(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return Unsafe(self.construct_scalar(node))
        if isinstance(node, yaml.MappingNode):
            return _mark_unsafe(self.construct_mapping(node, deep=True))
        assert isinstance(node, yaml.SequenceNode)
        return _mark_unsafe(self.construct_sequence(node, deep=True))

    def vault(self, node: yaml.Node) -> str:
        """What is not opened by the secrets at hand is an error of who uses it, not of the file."""
        if not isinstance(node, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(None, None, "a vault must be a text", node.start_mark)
        text = str(self.construct_scalar(node))
        if not text.lstrip().encode().startswith(HEADER):
            raise yaml.constructor.ConstructorError(None, None, "this value is no vault envelope", node.start_mark)
        if self.secrets is None:
            return Sealed.because(text, f"{self.place(node)}: Attempting to decrypt but no vault secrets found.")
        try:
            return Vaulted.opened(self.secrets.decrypt(text.encode()).decode(errors="surrogateescape"), text)
        except VaultError as e:
            return Sealed.because(text, f"{self.place(node)}: Decryption failed ({e}).")


def _mark_unsafe(value: Any) -> Any:
    if isinstance(value, str):
        return Unsafe(value)
    if isinstance(value, list):
        return [_mark_unsafe(item) for item in value]
    if isinstance(value, dict):
        return {key: _mark_unsafe(item) for key, item in value.items()}
    return value


Loader.add_constructor("tag:yaml.org,2002:map", Loader.located_mapping)
Loader.add_constructor("!unsafe", Loader.unsafe)
Loader.add_constructor("!vault", Loader.vault)
Loader.add_constructor("!vault-encrypted", Loader.vault)


@dataclass(frozen=True)
class Document:
    """One file's value, and the keys that were written twice in it."""

    value: Any
    duplicates: tuple[Problem, ...]


def parse(text: str | bytes, file: str, secrets: VaultSecrets | None = None) -> Document:
    """The first document of a YAML text. Raises InventoryError with the place of the mistake."""
    try:
        loader = Loader(text)
    except yaml.reader.ReaderError as e:
        raise InventoryError([_unreadable(e, text, file)]) from e
    loader.file = file
    loader.secrets = secrets
    loader.duplicates = []
    try:
        value = loader.get_single_data()
    except yaml.reader.ReaderError as e:
        raise InventoryError([_unreadable(e, text, file)]) from e
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise InventoryError([Problem(file, line, column, f"YAML: {e.problem or e.context}", _yaml_hint(str(e.problem)))]) from e
    except (yaml.YAMLError, ValueError) as e:
        raise InventoryError([Problem(file, 0, 0, f"YAML: {e}")]) from e
    finally:
        loader.dispose()
    twice = tuple(place.problem(f"key {key!r} is written twice; the first value is lost") for key, place in loader.duplicates)
    return Document(value, twice)


def _unreadable(error: yaml.reader.ReaderError, text: str | bytes, file: str) -> Problem:
    """Where a character is that YAML does not have. The reader tells its offset in bytes."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    before = data[: error.position]
    column = len(before[before.rfind(b"\n") + 1 :].decode(errors="replace")) + 1
    return Problem(file, before.count(b"\n") + 1, column, f"not readable as YAML: {error.reason}", "save the file as UTF-8 text")


def _yaml_hint(problem: str) -> str:
    return next((hint for said, hint in _HINTS.items() if said in problem), "")


_HINTS = {
    "mapping values are not allowed": "a value that contains ': ' needs quotes, or the indentation is wrong",
    "cannot start any token": "check tabs, quotes and indentation; a value that starts with {{ needs quotes",
    "could not find expected": "check tabs, quotes and indentation; a value that starts with {{ needs quotes",
    "cannot be a key": "a value that starts with {{ needs quotes",
    "tab character": "indent with spaces",
    "expected '-' indicator": "check the indentation",
    "expected key": "text behind the closing quote of a value: quote the whole of it; or check the indentation",
    "expected ',' or": "within braces and brackets, values that contain one of , : { } [ ] need quotes",
    "undefined alias": "a value that starts with * needs quotes",
    "unexpected end of stream": "a quote or bracket is not closed",
}
"""What may be meant, by words of libyaml's message."""


def read_text(path: Path, secrets: VaultSecrets | None = None) -> bytes:
    """A file's content, decrypted when it is a vault. Raises InventoryError, of which SealedError."""
    try:
        data = path.read_bytes()
    except OSError as e:
        raise InventoryError([Problem(str(path), 0, 0, f"cannot be read: {e.strerror}")]) from e
    if not data.startswith(HEADER):
        return data
    if secrets is None:
        raise SealedError([Problem(str(path), 1, 1, "the file is encrypted", "give --vault-password-file or --ask-vault-pass")])
    try:
        return secrets.decrypt(data)
    except VaultError as e:
        raise SealedError([Problem(str(path), 1, 1, f"cannot be decrypted: {e}")]) from e


def read(path: Path, secrets: VaultSecrets | None = None) -> Document:
    """A YAML file. Raises InventoryError."""
    return parse(read_text(path, secrets), str(path), secrets)
