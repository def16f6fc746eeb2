"""Checks that every kind's validation is made of. Each gives the findings for one value, none where it is right or absent."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from provisioner.kube.api import errors, names, quantity
from provisioner.kube.api._generated import meta_v1
from provisioner.kube.api.errors import FieldError

IMMUTABLE = "field is immutable"
NOT_NEGATIVE = "must be greater than or equal to 0"
INT32_MAX = 2**31 - 1
# What addresses and ranges must not be since 1.36.
NO_ZEROS, NETWORK_NO_ZEROS = "must not have leading 0s", "must not have leading 0s in IP or prefix length"
NOT_MAPPED, NETWORK_NOT_MAPPED = "must not be an IPv4-mapped IPv6 address", "must not have an IPv4-mapped IPv6 address"
NO_BITS = "must not have bits set beyond the prefix length"
_LOCAL_GROUPS = ipaddress.ip_network("224.0.0.0/24")
_PERCENT = re.compile(r"[0-9]+%")
_PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"


def not_negative(path: str, value: int | None) -> list[FieldError]:
    return [errors.invalid_value(path, value, NOT_NEGATIVE)] if value is not None and value < 0 else []


def within(path: str, value: int | None, low: int, high: int) -> list[FieldError]:
    if value is None or low <= value <= high:
        return []
    return [errors.invalid_value(path, value, f"must be between {low} and {high}, inclusive")]


def port(path: str, value: int | None) -> list[FieldError]:
    return within(path, value or 0, 1, 65535)


def port_or_name(path: str, value: int | str | None) -> list[FieldError]:
    if isinstance(value, str) and value:
        return named(path, value, names.is_port_name)
    return port(path, value if isinstance(value, int) else 0)


def needed(path: str, value: Any, detail: str = "") -> list[FieldError]:
    return [] if value not in (None, "", [], {}) else [errors.required(path, detail)]


def named(path: str, value: str | None, check: Callable[[str], list[str]]) -> list[FieldError]:
    """A text by one of the rules of `names`; absent ones are right."""
    return [errors.invalid_value(path, value, message) for message in check(value)] if value else []


def name_needed(path: str, value: str | None, check: Callable[[str], list[str]] = names.is_dns_subdomain) -> list[FieldError]:
    return named(path, value, check) if value else [errors.required(path)]


def domain(path: str, value: str | None) -> list[FieldError]:
    """A domain of two labels at least; a last dot is borne."""
    text = (value or "").removesuffix(".")
    if not value:
        return [errors.required(path)]
    if wrong := names.is_dns_subdomain(text):
        return [errors.invalid_value(path, text, ",".join(wrong))]
    if "." not in text:
        return [errors.invalid_value(path, text, "should be a domain with at least two segments separated by dots")]
    labels = ((label, names.is_dns_label(label)) for label in text.split("."))
    return next(([errors.invalid_value(path, label, ",".join(wrong))] for label, wrong in labels if wrong), [])


def one_of(path: str, value: str | None, allowed: Sequence[str], *, optional: bool = False) -> list[FieldError]:
    """One of the words that are allowed; a refusal lists them in their order."""
    if value in allowed or (optional and not value):
        return []
    return [errors.required(path)] if not value else [errors.not_supported(path, value, allowed)]


def unchanged(path: str, new: Any, old: Any, detail: str = IMMUTABLE) -> list[FieldError]:
    if new == old:
        return []
    return [errors.invalid_value(path, new, detail)]


def forbidden_change(path: str, new: Any, old: Any, detail: str) -> list[FieldError]:
    return [] if new == old else [errors.forbidden_field(path, detail)]


def amount(path: str, value: Any) -> list[FieldError]:
    """A quantity that is not negative."""
    try:
        exact = quantity.parse(value)
    except quantity.QuantityError as error:
        return [errors.invalid_value(path, value, str(error))]
    return [errors.invalid_value(path, str(value), NOT_NEGATIVE)] if exact < 0 else []


def count_or_percent(path: str, value: int | str | None) -> list[FieldError]:
    """An IntOrString that is a count or a share of one."""
    if isinstance(value, int):
        return not_negative(path, value)
    if value is not None and not _PERCENT.fullmatch(value):
        detail = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
        return [errors.invalid_value(path, value, detail)]
    return []


def at_most_all(path: str, value: int | str | None) -> list[FieldError]:
    if isinstance(value, str) and _PERCENT.fullmatch(value) and int(value[:-1]) > 100:
        return [errors.invalid_value(path, value, "must not be greater than 100%")]
    return []


def is_nothing(value: int | str | None) -> bool:
    return value in (0, "0", "0%")


def qualified(path: str, name: str) -> list[FieldError]:
    """A label's name."""
    return [errors.invalid_value(path, name, message) for message in names.is_qualified_name(name)]


def each(
    items: Sequence[Any] | None,
    limit: int | None,
    path: str,
    check: Callable[[Any, str], list[FieldError]],
    *,
    key: Callable[[Any], str] | None = None,
) -> list[FieldError]:
    """Each item by `check(item, path)`, and, where there is a `key`, that it is there once; of more than `limit` none is looked at."""
    if limit is not None and len(items or ()) > limit:
        return [errors.too_many(path, len(items or ()), limit)]
    problems = [problem for index, item in enumerate(items or ()) for problem in check(item, f"{path}[{index}]")]
    seen = Once()
    for index, item in enumerate((items or ()) if key is not None else ()):
        problems += seen.add(f"{path}[{index}]", key(item) if key is not None else None)
    return problems


def label_selector(path: str, found: meta_v1.LabelSelector | None) -> list[FieldError]:
    """The expressions and labels of a selector."""
    problems: list[FieldError] = []
    if found is None:
        return problems
    problems += label_map(f"{path}.matchLabels", found.match_labels)
    for index, expression in enumerate(found.match_expressions or ()):
        where = f"{path}.matchExpressions[{index}]"
        if expression.operator in ("In", "NotIn"):
            problems += needed(f"{where}.values", expression.values, "must be specified when `operator` is 'In' or 'NotIn'")
        elif expression.operator in ("Exists", "DoesNotExist"):
            if expression.values:
                problems.append(
                    errors.forbidden_field(f"{where}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
                )
        else:
            problems.append(errors.invalid_value(f"{where}.operator", expression.operator or "", "not a valid selector operator"))
        problems += [errors.invalid_value(f"{where}.key", expression.key, m) for m in names.is_qualified_name(expression.key or "")]
        for number, value in enumerate(expression.values or ()):
            problems += named(f"{where}.values[{number}]", value, names.is_label_value)
    return problems


def label_map(path: str, given: dict[str, str] | None) -> list[FieldError]:
    """Keys and values of labels."""
    problems = []
    for key, value in (given or {}).items():
        problems += [errors.invalid_value(path, key, message) for message in names.is_qualified_name(key)]
        problems += [errors.invalid_value(path, value, message) for message in names.is_label_value(value)]
    return problems


def address(path: str, value: str | None) -> list[FieldError]:
    """An IP address that every program reads alike (StrictIPCIDRValidation)."""
    text = value or ""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        if without_zeros(text) != text and not address(path, without_zeros(text)):
            return [errors.invalid_value(path, text, NO_ZEROS)]
        return [errors.invalid_value(path, text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")]
    return [errors.invalid_value(path, text, NOT_MAPPED)] if _mapped(found) else []


def reachable(path: str, value: str | None) -> list[FieldError]:
    """An address of somebody else than the one who asks."""
    text = value or ""
    try:
        given = ipaddress.ip_address(without_zeros(text))
    except ValueError:
        return [errors.invalid_value(path, text, "must be a valid IP address")]
    found = getattr(given, "ipv4_mapped", None) or given
    local_groups = found in _LOCAL_GROUPS if found.version == 4 else found.packed[0] == 0xFF and found.packed[1] & 0x0F == 2
    for kind, detail in (
        (found.is_unspecified, f"may not be unspecified ({text})"),
        (found.is_loopback, "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        (found.is_link_local, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        (local_groups, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
    ):
        if kind:
            return [errors.invalid_value(path, text, detail)]
    return []


def network(path: str, value: str | None) -> list[FieldError]:
    """A range by its first address and its length, that every program reads alike (StrictIPCIDRValidation)."""
    text = value or ""
    base, slash, length = text.partition("/")
    plain = f"{without_zeros(base)}/{int(length)}" if slash and length.isascii() and length.isdigit() else ""
    try:
        found = ipaddress.ip_network(plain, strict=False)
    except ValueError:
        return [errors.invalid_value(path, text, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")]
    if plain != text:
        return [errors.invalid_value(path, text, NETWORK_NO_ZEROS)]
    if _mapped(found.network_address):
        return [errors.invalid_value(path, text, NETWORK_NOT_MAPPED)]
    return [errors.invalid_value(path, text, NO_BITS)] if ipaddress.ip_address(base) != found.network_address else []


def interface_address(path: str, value: str) -> list[FieldError]:
    """An address of an interface, with the length of its network."""
    base, slash, length = value.partition("/")
    if slash and not address(path, base) and length.isdigit() and int(length) <= ipaddress.ip_address(base).max_prefixlen:
        if value == str(ipaddress.ip_interface(value)):
            return []
        return [errors.invalid_value(path, value, f'must be in canonical form ("{ipaddress.ip_interface(value)}")')]
    return [errors.invalid_value(path, value, "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)")]


def without_zeros(text: str) -> str:
    """An IPv4 address whose numbers begin with zeros, as older releases took it."""
    parts = text.split(".")
    return ".".join(str(int(part)) for part in parts) if len(parts) == 4 and all(p.isascii() and p.isdigit() for p in parts) else text


def _mapped(found: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None


def relative_path(path: str, value: str | None) -> list[FieldError]:
    """A path inside a volume."""
    text = value or ""
    if text.startswith("/"):
        return [errors.invalid_value(path, text, "must be a relative path")]
    return no_way_up(path, text)


def no_way_up(path: str, value: str) -> list[FieldError]:
    return [errors.invalid_value(path, value, "must not contain '..'")] if ".." in value.split("/") else []


def domain_path(path: str, value: str) -> list[FieldError]:
    """`acme.io/foo`: a domain and a path of it."""
    domain, _, rest = value.partition("/")
    if not domain or not rest:
        return [errors.invalid_value(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')]
    problems = named(path, domain, names.is_dns_subdomain)
    if not re.fullmatch(_PATH, rest):
        problems.append(errors.invalid_value(path, rest, f"Invalid path (regex used for validation is '{_PATH}')"))
    return problems


class Once:
    """Finds doubles: `add` gives the finding for a value that was there before."""

    def __init__(self) -> None:
        self._seen: set[Any] = set()

    def add(self, path: str, value: Any, said: Any = None) -> list[FieldError]:
        if value in self._seen:
            return [errors.duplicate(path, value if said is None else said)]
        self._seen.add(value)
        return []


def sources_of(found: Any, *, but: Iterable[str] = ()) -> list[str]:
    """The attributes of a union that are set, as the API names them."""
    skipped = set(but)
    given = dict(zip(found.__struct_fields__, found.__struct_encode_fields__, strict=True))
    return [name for attribute, name in given.items() if attribute not in skipped and getattr(found, attribute) is not None]
