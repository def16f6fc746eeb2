"""How the fields of each type merge: lists' keys and types, patch strategies. What strategic merge patch and server-side apply go by.

The generated lines are parsed type by type, when a type is asked for: most are never.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from provisioner.kube.api._generated.merge_keys import LINES

_SHAPES = {"l": "list", "m": "map", "t": "struct", "s": "scalar"}


class FieldRule(NamedTuple):
    """shape: list, map, struct or scalar; target: the type of the field or of its items ("core_v1.Container"), or "";
    patch_strategy and merge_key: x-kubernetes-patch-*; topology: x-kubernetes-list-type or -map-type;
    map_keys: x-kubernetes-list-map-keys."""

    shape: str
    target: str
    patch_strategy: str
    merge_key: str
    topology: str
    map_keys: tuple[str, ...]


@lru_cache(maxsize=4096)
def _rule(text: str) -> FieldRule:
    shape, target, strategy, merge_key, topology, keys = (*text.split(":"), "", "", "", "", "")[:6]
    return FieldRule(_SHAPES[shape], target, strategy, merge_key, topology, tuple(keys.split(",")) if keys else ())


@lru_cache(maxsize=4096)
def struct_rule(type_key: str) -> FieldRule:
    """The rule of a value of a type: an item of a list, a value of a map."""
    return FieldRule("struct", type_key, "", "", "", ())


class _Rules(Mapping[str, Mapping[str, FieldRule]]):
    def __init__(self) -> None:
        self._parsed: dict[str, dict[str, FieldRule]] = {}

    def __getitem__(self, type_key: str) -> Mapping[str, FieldRule]:
        found = self._parsed.get(type_key)
        if found is None:
            found = {}
            for field in LINES[type_key].split():
                name, _, text = field.partition(":")
                found[name] = _rule(text)
            self._parsed[type_key] = found
        return found

    def get(self, type_key: str, default: Any = None) -> Any:
        found = self._parsed.get(type_key)
        if found is not None:
            return found
        return self[type_key] if type_key in LINES else default

    def __iter__(self) -> Iterator[str]:
        return iter(LINES)

    def __len__(self) -> int:
        return len(LINES)


# type ("core_v1.PodSpec") -> JSON name of a field -> its rule
RULES: Mapping[str, Mapping[str, FieldRule]] = _Rules()
