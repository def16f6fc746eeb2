"""The `format` keyword of custom resources' strings: those that Kubernetes documents are checked, all others say nothing. Pure."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from datetime import date, datetime
from urllib.parse import urlsplit

from provisioner.kube.api import names

# 3h30m and 22 ns, and what people write out.
_DURATION = re.compile(
    r"[+-]?(\d+(\.\d*)?|\.\d+)\s*(ns|us|µs|μs|ms|s|m|h|d|w|nanoseconds?|microseconds?|milliseconds?|seconds?|minutes?|hours?|days?|weeks?)"
    r"(\s*(\d+(\.\d*)?|\.\d+)\s*(ns|us|µs|μs|ms|s|m|h|d|w))*"
)
_PATTERNS = {
    "bsonobjectid": re.compile(r"[0-9a-fA-F]{24}"),
    "creditcard": re.compile(r"[0-9][0-9 -]{11,21}[0-9]"),
    "email": re.compile(r"[^@\s<>]+@[^@\s<>]+"),
    "hexcolor": re.compile(r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})"),
    "hostname": re.compile(r"(?=.{1,255}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\.?"),
    "isbn10": re.compile(r"[0-9-]{9,12}[0-9X]"),
    "isbn13": re.compile(r"[0-9-]{13,17}"),
    "mac": re.compile(r"[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}([:-][0-9a-fA-F]{2}){0,14}|[0-9a-fA-F]{4}(\.[0-9a-fA-F]{4}){2,3}"),
    "rgbcolor": re.compile(r"rgb\(\s*\d{1,3}\s*,\s*\d{1,3}\s*,\s*\d{1,3}\s*\)"),
    "ssn": re.compile(r"\d{3}[- ]?\d{2}[- ]?\d{4}"),
    "uuid": re.compile(r"(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}"),
    "uuid3": re.compile(r"(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}"),
    "uuid4": re.compile(r"(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}"),
    "uuid5": re.compile(r"(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}"),
}


def fits(value: str, form: str) -> bool:
    """Whether a string has its format."""
    pattern = _PATTERNS.get(form)
    if pattern is not None:
        return pattern.fullmatch(value) is not None
    check = _CHECKS.get(form)
    return check is None or check(value)


def _reads(read: Callable[[str], object]) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        try:
            read(value)
        except ValueError:
            return False
        return True

    return check


def _is_moment(value: str) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _is_base64(value: str) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _is_uri(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return bool(parts.scheme) or value.startswith("/")


_CHECKS: dict[str, Callable[[str], bool]] = {
    "byte": _is_base64,
    "cidr": _reads(lambda text: ipaddress.ip_network(text, strict=False) if "/" in text else int("no prefix")),
    "date": _reads(date.fromisoformat),
    "date-time": _is_moment,
    "datetime": _is_moment,
    "duration": lambda text: text == "0" or _DURATION.fullmatch(text) is not None,
    "ipv4": _reads(ipaddress.IPv4Address),
    "ipv6": _reads(ipaddress.IPv6Address),
    "k8s-long-name": lambda text: not names.is_dns_subdomain(text),
    "k8s-short-name": lambda text: not names.is_dns_label(text),
    "uri": _is_uri,
}
