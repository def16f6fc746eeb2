"""Turns a variable tree into a frozen dataclass, collecting every mistake with its place.

Unknown keys name the nearest right one. A field's check is a function that returns what is wrong, or None. Values that still hold a
template are refused here: the caller renders the tree first.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from provisioner.inventory.documents import LocatedDict, Location
from provisioner.inventory.errors import Problem

T = TypeVar("T")
Check = Callable[[Any], str | None]
NOWHERE = Location("", 0, 0)


def setting(default: Any = dataclasses.MISSING, *, factory: Any = dataclasses.MISSING, check: Check | None = None) -> Any:
    """A dataclass field with a check of its value."""
    metadata = {"check": check} if check else {}
    if factory is not dataclasses.MISSING:
        return dataclasses.field(default_factory=factory, metadata=metadata)
    if default is dataclasses.MISSING:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def between(low: int, high: int) -> Check:
    return lambda value: None if low <= value <= high else f"must be between {low} and {high}"


class Decoder:
    """One reading of one tree; `problems` grows while it goes."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def decode(self, cls: type[T], value: Any, path: str, place: Location = NOWHERE, *, partial: bool = False) -> T | None:
        """The dataclass, or None when anything in it was wrong; with `partial` what was right of it, the rest at its defaults."""
        if value is None:
            value = {}
        if not isinstance(value, Mapping):
            self._wrong(place, path, f"must be a mapping, not {_kind(value)}")
            return None
        if isinstance(value, LocatedDict):
            place = value.location
        before = len(self.problems)
        hints = get_type_hints(cls)
        fields = {field.name: field for field in dataclasses.fields(cls) if field.init}  # type: ignore[arg-type]
        found: dict[str, Any] = {}
        for key, item in value.items():
            key_place = value.at(key) if isinstance(value, LocatedDict) else place
            item_place = value.value_at(key) if isinstance(value, LocatedDict) else place
            if key not in fields:
                self.problems.append(key_place.problem(f"{path}.{key}: unknown key", nearest(str(key), fields)))
                continue
            decoded = self._value(hints[key], item, f"{path}.{key}", item_place)
            check = fields[key].metadata.get("check")
            if decoded is not _BAD and decoded is not None and check is not None:
                wrong = check(decoded)
                if wrong:
                    decoded = self._wrong(item_place, f"{path}.{key}", wrong)
            found[key] = decoded
        for name, field in fields.items():
            missing = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
            if missing and name not in found:
                self._wrong(place, f"{path}.{name}", "is required")
        if partial:
            return cls(**{key: item for key, item in found.items() if item is not _BAD})
        return cls(**found) if len(self.problems) == before else None

    def _wrong(self, place: Location, path: str, message: str) -> Any:
        self.problems.append(place.problem(f"{path}: {message}"))
        return _BAD

    def _value(self, hint: Any, value: Any, path: str, place: Location) -> Any:
        origin = get_origin(hint)
        if isinstance(value, str) and "{{" in value:
            return self._wrong(place, path, "the template was not rendered: it needs variables that are not set for all hosts")
        if origin in (Union, types.UnionType):
            if value is None:
                return None
            return self._value(next(arg for arg in get_args(hint) if arg is not type(None)), value, path, place)
        if origin is Literal:
            choices = get_args(hint)
            return value if value in choices else self._wrong(place, path, f"must be one of {', '.join(choices)}; not {value!r}")
        if origin is tuple:
            items = value if isinstance(value, list | tuple) else None
            if items is None:
                return self._wrong(place, path, f"must be a list, not {_kind(value)}")
            return tuple(self._value(get_args(hint)[0], item, f"{path}[{i}]", place) for i, item in enumerate(items))
        if origin in (dict, Mapping) or origin is types.MappingProxyType or str(origin).endswith("Mapping'>"):
            return self._mapping(get_args(hint)[1], value, path, place)
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            decoded = self.decode(hint, value, path, place)
            return _BAD if decoded is None else decoded
        return self._scalar(hint, value, path, place)

    def _mapping(self, hint: Any, value: Any, path: str, place: Location) -> Any:
        if not isinstance(value, Mapping):
            return self._wrong(place, path, f"must be a mapping, not {_kind(value)}")
        return types.MappingProxyType({str(key): self._value(hint, item, f"{path}.{key}", place) for key, item in value.items()})

    def _scalar(self, hint: Any, value: Any, path: str, place: Location) -> Any:
        if hint is bool:
            if isinstance(value, str) and value.lower() in ("true", "yes", "false", "no"):
                return value.lower() in ("true", "yes")
            return value if isinstance(value, bool) else self._wrong(place, path, f"must be true or false, not {value!r}")
        if hint is int:
            if isinstance(value, str) and value.isdigit():
                return int(value)
            good = isinstance(value, int) and not isinstance(value, bool)
            return value if good else self._wrong(place, path, f"must be a whole number, not {value!r}")
        if hint is str:
            if isinstance(value, int | float) and not isinstance(value, bool):
                return str(value) if isinstance(value, int) else self._wrong(place, path, f"must be text; put quotes around {value}")
            return str(value) if isinstance(value, str) else self._wrong(place, path, f"must be text, not {_kind(value)}")
        raise TypeError(f"no reading for a field of type {hint!r}")


class _Bad:
    """Stands for a value whose problem is already noted."""


_BAD: Any = _Bad()


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list | tuple) else repr(value)


def nearest(name: str, known: Any) -> str:
    """A hint naming the right key closest to a wrong one."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(sorted(known))}"
