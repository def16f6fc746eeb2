"""The language's values beyond JSON's, equality and order across types."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import SplitResult

from provisioner.kube.api import quantity


class CelError(Exception):
    """An expression that can't be compiled, or that failed when it was run."""


class Exceeded(CelError):
    """The run took more steps than it may. No operator forgives this one."""


class Uint(int):
    """An unsigned integer; equal to the integer of its value."""


@dataclass(frozen=True, slots=True)
class TypeOf:
    """What type() gives."""

    name: str


@dataclass(frozen=True, slots=True)
class Optional:
    """`none` when there is nothing, else `value`."""

    value: Any = None
    none: bool = False


NOTHING = Optional(none=True)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A Kubernetes quantity; `text` as it was written."""

    text: str
    value: Any

    @classmethod
    def of(cls, text: str) -> Quantity:
        return cls(text, quantity.parse(text))


@dataclass(frozen=True, slots=True)
class Url:
    parts: SplitResult


@dataclass(frozen=True, slots=True)
class Semver:
    numbers: tuple[int, int, int]
    # what stands behind "-": a version with one is lower than the same without
    pre: tuple[tuple[int, int, str], ...] = ()

    @property
    def rank(self) -> tuple[Any, ...]:
        return (*self.numbers, 0 if self.pre else 1, self.pre)


class Made(dict[str, Any]):
    """A message that the expression made, such as Object.spec{}; `type` is its name."""

    def __init__(self, type_: str, fields: dict[str, Any]) -> None:
        super().__init__(fields)
        self.type = type_


Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_TYPES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "bool"),
    (Uint, "uint"),
    (int, "int"),
    (float, "double"),
    (str, "string"),
    (bytes, "bytes"),
    (list, "list"),
    (dict, "map"),
    (type(None), "null_type"),
    (datetime, "google.protobuf.Timestamp"),
    (timedelta, "google.protobuf.Duration"),
    (TypeOf, "type"),
    (Optional, "optional_type"),
    (Quantity, "kubernetes.Quantity"),
    (Url, "kubernetes.URL"),
    (Semver, "kubernetes.Semver"),
    ((ipaddress.IPv4Address, ipaddress.IPv6Address), "net.IP"),
    ((ipaddress.IPv4Network, ipaddress.IPv6Network), "net.CIDR"),
)


def type_name(value: Any) -> str:
    if isinstance(value, Made):
        return value.type
    return next((name for cls, name in _TYPES if isinstance(value, cls)), type(value).__name__)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def equal(left: Any, right: Any) -> bool:
    """Numbers of all types are one family; true is not 1; lists and maps are compared by what is in them."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return len(left) == len(right) and all(key in right and equal(item, right[key]) for key, item in left.items())
    if isinstance(left, Quantity) and isinstance(right, Quantity):
        return bool(left.value == right.value)
    return bool(left == right)


def compared(left: Any, right: Any) -> int:
    """-1, 0 or 1. Raises CelError for what has no order."""
    if is_number(left) and is_number(right):
        pass
    elif isinstance(left, Quantity) and isinstance(right, Quantity):
        left, right = left.value, right.value
    elif isinstance(left, Semver) and isinstance(right, Semver):
        left, right = left.rank, right.rank
    elif type_name(left) != type_name(right) or type_name(left) in ("list", "map", "null_type", "type"):
        raise CelError("no such overload")
    return int(left > right) - int(left < right)


def whole(value: int) -> int:
    """An integer of 64 bits. Raises CelError for more."""
    if not -(1 << 63) <= value < 1 << 63:
        raise CelError("integer overflow")
    return value


def plain(value: Any) -> Any:
    """A value as JSON: what an expression makes for an object."""
    from provisioner.kube.api.cel.functions import text_of

    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items() if not (isinstance(v, Optional) and v.none)}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, Optional):
        return None if value.none else plain(value.value)
    if value is None or isinstance(value, bool | int | float | str):
        return int(value) if isinstance(value, Uint) else value
    return text_of(value)
