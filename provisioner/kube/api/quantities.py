"""Quantities of whole objects: each written in its canonical form, as upstream's decoder leaves it (`1000m` is `1`, `1024Mi` is `1Gi`).

Which fields are quantities is in the types; for each type the way to them is found once.
"""

from __future__ import annotations

from types import UnionType
from typing import Any, Union, get_args, get_origin

import msgspec

from provisioner.kube.api import quantity

# How a field holds quantities: it is one, it is a map of them, or it is (a list or map of) a struct that has some.
_ONE, _MAP, _STRUCT, _LIST, _STRUCTS = range(5)
_plans: dict[type[Any], tuple[tuple[str, int], ...]] = {}
_QUANTITY = {str, int, float}


def canonicalize(obj: Any) -> None:
    """Rewrite an object's quantities in place. What is no quantity is left, for validation to name."""
    for name, shape in _plan(type(obj)):
        value = getattr(obj, name)
        if value is None:
            continue
        if shape == _ONE:
            setattr(obj, name, _canonical(value))
        elif shape == _MAP:
            for key, item in value.items():
                value[key] = _canonical(item)
        elif shape == _STRUCT:
            canonicalize(value)
        else:
            for item in value if shape == _LIST else value.values():
                canonicalize(item)


def _canonical(value: Any) -> Any:
    try:
        return quantity.canonical(value)
    except quantity.QuantityError:
        return value


def _plan(cls: type[Any], above: frozenset[type[Any]] = frozenset()) -> tuple[tuple[str, int], ...]:
    """(attribute, shape) of the fields that lead to quantities."""
    if cls in _plans:
        return _plans[cls]
    found = []
    if cls not in above:
        for field in msgspec.structs.fields(cls):
            shape = _shape(field.type, above | {cls})
            if shape is not None:
                found.append((field.name, shape))
    if not above:
        _plans[cls] = tuple(found)
    return tuple(found)


def _shape(annotation: Any, above: frozenset[type[Any]]) -> int | None:
    options = {option for option in get_args(annotation) if option is not type(None)} if _is_union(annotation) else {annotation}
    if options == _QUANTITY:
        return _ONE
    if len(options) != 1:
        return None
    option = next(iter(options))
    if isinstance(option, type) and issubclass(option, msgspec.Struct):
        return _STRUCT if _plan(option, above) else None
    inner = get_args(option)[-1] if get_origin(option) in (list, dict) else None
    if inner is None:
        return None
    shape = _shape(inner, above)
    if get_origin(option) is dict:
        return {_ONE: _MAP, _STRUCT: _STRUCTS}.get(shape) if shape is not None else None
    return _LIST if shape == _STRUCT else None


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, UnionType)
