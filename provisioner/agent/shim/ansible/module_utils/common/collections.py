"""What kind of collection a value is."""

from collections.abc import Hashable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any, Dict, Iterable

__all__ = [
    "Hashable",
    "ImmutableDict",
    "Mapping",
    "MutableMapping",
    "MutableSequence",
    "Sequence",
    "count",
    "is_iterable",
    "is_sequence",
    "is_string",
]


class ImmutableDict(Dict[Any, Any]):
    """A dict that stays as it was made; `union` and `difference` give others."""

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise TypeError("'ImmutableDict' object does not support item assignment")

    __setitem__ = __delitem__ = update = pop = popitem = clear = setdefault = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def union(self, other: Any) -> "ImmutableDict":
        return ImmutableDict(dict(self, **other))

    def difference(self, keys: Iterable[Any]) -> "ImmutableDict":
        without = set(keys)
        return ImmutableDict({key: value for key, value in self.items() if key not in without})


def is_string(value: Any) -> bool:
    return isinstance(value, (str, bytes))


def is_iterable(value: Any, include_strings: bool = False) -> bool:
    if is_string(value):
        return include_strings
    try:
        iter(value)
    except TypeError:
        return False
    return True


def is_sequence(value: Any, include_strings: bool = False) -> bool:
    if is_string(value):
        return include_strings
    return isinstance(value, Sequence)


def count(values: Iterable[Any]) -> Dict[Any, int]:
    if not is_iterable(values):
        raise Exception("Argument provided  is not an iterable")
    found: Dict[Any, int] = {}
    for value in values:
        found[value] = found.get(value, 0) + 1
    return found
