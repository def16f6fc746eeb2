"""The server's configuration files (policies, encryption, authentication, authorization, admission): YAML into one frozen Struct.

A file says what it is by apiVersion and kind. Unknown fields are errors that name the nearest right one; every message names the file and
the field.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

T = TypeVar("T", bound="Section")


class Section(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """One part of a configuration file; fields have the API's names."""


class Configuration(Section, frozen=True, kw_only=True):
    """A whole file: what every one of them begins with."""

    api_version: str = ""
    kind: str = ""
    metadata: dict[str, Any] = {}


_UNKNOWN = re.compile(r"unknown field `(\w+)`(?: - at `([^`]+)`)?")


def load(path: str, cls: type[T], kind: str, versions: tuple[str, ...]) -> T:
    """Raises ValueError: what is wrong, where."""
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: can't be read: {error.strerror}") from None
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: no YAML: {' '.join(str(error).split())}") from None
    return parse(document, path, cls, kind, versions)


def parse(document: Any, path: str, cls: type[T], kind: str, versions: tuple[str, ...]) -> T:
    """As `load`, of a document that is read already; `path` is for messages."""
    if not isinstance(document, Mapping):
        raise ValueError(f"{path}: expected a {kind} ({versions[0]})")
    if document.get("kind") != kind or document.get("apiVersion") not in versions:
        given = f"{document.get('apiVersion')}, Kind={document.get('kind')}"
        raise ValueError(f"{path}: expected {versions[0]}, Kind={kind}, found {given}")
    return convert(document, path, cls)


def convert(document: Any, path: str, cls: type[T]) -> T:
    """As `parse`, of a document that does not say what it is."""
    try:
        return msgspec.convert(document, cls)
    except msgspec.ValidationError as error:
        raise ValueError(f"{path}: {_told(str(error), cls)}") from None


def _told(message: str, cls: type[Any]) -> str:
    found = _UNKNOWN.search(message)
    if found is None:
        return message.replace("$.", "")
    near = difflib.get_close_matches(found[1], sorted(_names(cls, set())), n=1)
    where = f"{found[2].removeprefix('$.')}." if found[2] and found[2] != "$" else ""
    return f"{where}{found[1]}: unknown field" + (f"; did you mean {near[0]}?" if near else "")


def _names(cls: Any, seen: set[Any]) -> set[str]:
    """The field names of a Struct and of all below it."""
    if cls in seen:
        return set()
    seen.add(cls)
    found: set[str] = set()
    for field in msgspec.structs.fields(cls):
        found.add(field.encode_name)
        for below in _structs(field.type):
            found |= _names(below, seen)
    return found


def _structs(type_: Any) -> list[Any]:
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        return [type_]
    return [struct for argument in getattr(type_, "__args__", ()) for struct in _structs(argument)]
