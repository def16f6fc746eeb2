"""What the Kubernetes API adds to the language: quantities, URLs, addresses, semantic versions, named formats, the authorizer."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
import uuid
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from provisioner.kube.api import names, quantity
from provisioner.kube.api.cel.functions import FUNCTIONS, METHODS, Function, parse_timestamp, wanted
from provisioner.kube.api.cel.values import NOTHING, Address, CelError, Network, Optional, Quantity, Semver, Url, compared

_PATH = re.compile(r"(?:[-A-Za-z0-9._~!$&'()*+,;=:@/\[\]]|%[0-9A-Fa-f]{2})*")
_SEMVER = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")


def _is(parse: Callable[..., Any]) -> Function:
    def run(*args: Any) -> bool:
        try:
            parse(*args)
        except (CelError, ValueError):
            return False
        return True

    return Function(run, 1, 2)


# -- quantities --------------------------------------------------------------------------------------------------------


def _quantity(text: str) -> Quantity:
    try:
        return Quantity.of(wanted(text, str))
    except quantity.QuantityError as error:
        raise CelError(str(error)) from None


def _integer(value: Quantity) -> int:
    if value.value.denominator != 1 or not -(1 << 63) <= value.value < 1 << 63:
        raise CelError("cannot convert value to integer")
    return int(value.value)


def _summed(sign: int) -> Callable[[Quantity, Any], Quantity]:
    def run(value: Quantity, other: Any) -> Quantity:
        total = value.value + sign * (other.value if isinstance(other, Quantity) else other)
        return Quantity(quantity.render(total, "binary" if value.text.endswith("i") else "decimal"), total)

    return run


# -- URLs, addresses, versions -----------------------------------------------------------------------------------------


def _url(text: str) -> Url:
    parts = urlsplit(wanted(text, str))
    if not parts.scheme and not text.startswith("/"):
        raise CelError(f"URL parse error during conversion from string: parse {text!r}: invalid URI for request")
    _ = parts.port
    return Url(parts)


def _escaped(path: str) -> str:
    """As Go's URL.EscapedPath: what is escaped rightly stays as it is."""
    return path if _PATH.fullmatch(path) else quote(unquote(path), safe="$&+,/:;=@-_.~")


def _ip(text: str) -> Address:
    found = ipaddress.ip_address(wanted(text, str))
    if "%" in text or getattr(found, "ipv4_mapped", None) is not None:
        raise CelError(f"IP Address {text!r} parse error during conversion from string: zones and IPv4-mapped addresses are not allowed")
    return found


def _cidr(text: str) -> Network:
    if "/" not in wanted(text, str):
        raise CelError(f"network address parse error during conversion from string: {text!r}")
    return ipaddress.ip_network(text, strict=False)


def _contained(network: Network, other: Any) -> bool:
    inner: Any = _cidr(other) if isinstance(other, str) else other
    return network.version == inner.version and bool(inner.subnet_of(network))


def _semver(text: str, normalize: bool = False) -> Semver:
    if normalize:
        head, dash, tail = text.removeprefix("v").partition("-")
        numbers = [str(int(n)) for n in head.split(".")]
        text = ".".join([*numbers, "0", "0"][:3]) + dash + tail
    found = _SEMVER.fullmatch(text)
    if found is None:
        raise CelError(f"semver parse error during conversion from string: {text!r}")
    pre = tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in (found[4] or "").split(".") if p)
    return Semver((int(found[1]), int(found[2]), int(found[3])), pre)


FUNCTIONS |= {
    "quantity": Function(_quantity, 1, 1),
    "isQuantity": _is(_quantity),
    "url": Function(_url, 1, 1),
    "isURL": _is(_url),
    "ip": Function(_ip, 1, 1),
    "isIP": _is(_ip),
    "ip.isCanonical": Function(lambda text: str(_ip(text)) == text, 1, 1),
    "cidr": Function(_cidr, 1, 1),
    "isCIDR": _is(_cidr),
    "semver": Function(_semver, 1, 2),
    "isSemver": _is(_semver),
    "jsonpatch.escapeKey": Function(lambda key: key.replace("~", "~0").replace("/", "~1"), 1, 1),
}
METHODS |= {
    "isInteger": lambda value: value.value.denominator == 1 and -(1 << 63) <= value.value < 1 << 63,
    "asInteger": _integer,
    "asApproximateFloat": lambda value: float(value.value),
    "sign": lambda value: (value.value > 0) - (value.value < 0),
    "add": _summed(1),
    "sub": _summed(-1),
    "isLessThan": lambda value, other: compared(wanted(value, Quantity, Semver), other) < 0,
    "isGreaterThan": lambda value, other: compared(wanted(value, Quantity, Semver), other) > 0,
    "compareTo": lambda value, other: compared(wanted(value, Quantity, Semver), other),
    "major": lambda value: value.numbers[0],
    "minor": lambda value: value.numbers[1],
    "patch": lambda value: value.numbers[2],
    "getScheme": lambda value: value.parts.scheme,
    "getHost": lambda value: value.parts.netloc.rpartition("@")[2],
    "getHostname": lambda value: value.parts.hostname or "",
    "getPort": lambda value: str(value.parts.port or ""),
    "getEscapedPath": lambda value: _escaped(value.parts.path),
    "getQuery": lambda value: parse_qs(value.parts.query, keep_blank_values=True),
    "family": lambda value: value.version,
    "isLoopback": lambda value: value.is_loopback,
    "isUnspecified": lambda value: value.is_unspecified,
    "isGlobalUnicast": lambda value: not (value.is_multicast or value.is_loopback or value.is_link_local or value.is_unspecified),
    "isLinkLocalUnicast": lambda value: value.is_link_local and not value.is_multicast,
    "isLinkLocalMulticast": lambda value: str(value).startswith(("224.0.0.", "ff02:")),
    "containsIP": lambda value, other: (_ip(other) if isinstance(other, str) else other) in value,
    "containsCIDR": _contained,
    "ip": lambda value: value.network_address,
    "prefixLength": lambda value: value.prefixlen,
    "masked": lambda value: value,
}


# -- named formats -----------------------------------------------------------------------------------------------------


class Format:
    """format.dns1123Label(): `validate` gives an optional list of what is wrong."""

    def __init__(self, name: str, check: Callable[[str], list[str]]) -> None:
        self.name, self.check = name, check


def _refused(parse: Callable[[str], Any], message: str) -> Callable[[str], list[str]]:
    def check(text: str) -> list[str]:
        try:
            parse(text)
        except (CelError, ValueError, binascii.Error):
            return [message]
        return []

    return check


def _label_value(text: str) -> list[str]:
    return list(names.is_label_value(text))


_FORMATS: dict[str, Callable[[str], list[str]]] = {
    "dns1123Label": names.is_dns_label,
    "dns1123Subdomain": names.is_dns_subdomain,
    "dns1035Label": names.is_dns1035_label,
    "qualifiedName": names.is_qualified_name,
    "dns1123LabelPrefix": lambda text: names.is_dns_label(text.removesuffix("-") + "a" if text.endswith("-") else text),
    "dns1123SubdomainPrefix": lambda text: names.is_dns_subdomain(text.removesuffix("-") + "a" if text.endswith("-") else text),
    "dns1035LabelPrefix": lambda text: names.is_dns1035_label(text.removesuffix("-") + "a" if text.endswith("-") else text),
    "labelValue": _label_value,
    "uri": _refused(_url, "must be a valid URI"),
    "uuid": _refused(uuid.UUID, "does not match the UUID format"),
    "byte": _refused(lambda text: base64.b64decode(text, validate=True), "must be base64 encoded"),
    "date": _refused(date.fromisoformat, "must be a valid date"),
    "datetime": _refused(parse_timestamp, "must be a valid RFC 3339 time"),
}


def _constant(value: Any) -> Function:
    return Function(lambda: value, 0, 0)


def _validated(found: Format, text: str) -> Optional:
    wrong = wanted(found, Format).check(text)
    return Optional(wrong) if wrong else NOTHING


FUNCTIONS |= {f"format.{name}": _constant(Format(name, check)) for name, check in _FORMATS.items()}
FUNCTIONS["format.named"] = Function(lambda name: Optional(Format(name, _FORMATS[name])) if name in _FORMATS else NOTHING, 1, 1)
METHODS["validate"] = _validated


# -- the authorizer ----------------------------------------------------------------------------------------------------


class Authorizer:
    """`authorizer` in policies: a question that is put together step by step. `ask(attributes)` answers (allowed, reason).

    `fields` are what can be selected from it: `authorizer.requestResource`.
    """

    def __init__(
        self,
        ask: Callable[[dict[str, str]], tuple[bool, str]],
        attributes: dict[str, str] | None = None,
        fields: dict[str, Authorizer] | None = None,
    ) -> None:
        self._ask, self._attributes, self.fields = ask, attributes or {}, fields or {}

    def having(self, **more: str) -> Authorizer:
        return Authorizer(self._ask, {**self._attributes, **more})

    def decide(self, verb: str) -> Decision:
        return Decision(*self._ask({**self._attributes, "verb": verb}))


class Decision:
    def __init__(self, allowed: bool, reason: str) -> None:
        self.allowed, self.reason = allowed, reason


def _step(attribute: str) -> Callable[[Authorizer, str], Authorizer]:
    return lambda value, text: wanted(value, Authorizer).having(**{attribute: wanted(text, str)})


METHODS |= {
    "path": _step("path"),
    "group": _step("group"),
    "resource": _step("resource"),
    "subresource": _step("subresource"),
    "namespace": _step("namespace"),
    "name": _step("name"),
    "fieldSelector": _step("field_selector"),
    "labelSelector": _step("label_selector"),
    "serviceAccount": lambda value, namespace, name: wanted(value, Authorizer).having(user=f"system:serviceaccount:{namespace}:{name}"),
    "check": lambda value, verb: wanted(value, Authorizer).decide(verb),
    "allowed": lambda value: wanted(value, Decision).allowed,
    "reason": lambda value: wanted(value, Decision).reason,
    "errored": lambda value: False,
    "error": lambda value: "",
}
