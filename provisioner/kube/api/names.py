"""What names, labels and annotation keys may be. Each check gives upstream's messages, none when the text is right."""

from __future__ import annotations

import re

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
# Those without a prefix, of the right length: most.
_QUALIFIED_SHORT = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_ENV = re.compile(r"[ -<>-~]+")
_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_PORT_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")

MAX_ANNOTATIONS_BYTES = 256 * 1024


def is_dns_label(text: str) -> list[str]:
    """RFC 1123 label: namespaces, services, containers, volumes."""
    found = _length(text, 63)
    if not _LABEL.fullmatch(text):
        found.append(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric "
            "character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
        )
    return found


def is_dns1035_label(text: str) -> list[str]:
    """RFC 1035 label: names of kinds and versions."""
    found = _length(text, 63)
    if not _LABEL_1035.fullmatch(text):
        found.append(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an "
            "alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
        )
    return found


def is_dns_subdomain(text: str) -> list[str]:
    """RFC 1123 subdomain: most objects' names."""
    found = _length(text, 253)
    if not _SUBDOMAIN.fullmatch(text):
        found.append(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an "
            "alphanumeric character (e.g. 'example.com', regex used for validation is "
            "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
        )
    return found


def is_path_segment(text: str) -> list[str]:
    """Names of kinds that take nearly anything (RBAC)."""
    if text in (".", ".."):
        return [f"may not be '{text}'"]
    return [f"may not contain '{c}'" for c in "/%" if c in text]


def is_qualified_name(text: str) -> list[str]:
    """Label and annotation keys: an optional DNS prefix, a slash, a name of at most 63 characters."""
    if _QUALIFIED_SHORT.fullmatch(text):
        return []
    prefix, slash, name = text.rpartition("/")
    found = []
    if "/" in prefix:
        return [
            "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
            "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an "
            "optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        ]
    if slash:
        found += [f"prefix part {m}" for m in (is_dns_subdomain(prefix) if prefix else ["must be non-empty"])]
    if not name:
        found.append("name part must be non-empty")
    elif len(name) > 63:
        found.append("name part must be no more than 63 bytes")
    if not _QUALIFIED.fullmatch(name):
        found.append(
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
            "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
        )
    return found


def is_label_value(text: str) -> list[str]:
    found = _length(text, 63)
    if not _LABEL_VALUE.fullmatch(text):
        found.append(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
            "alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
            "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
        )
    return found


def is_env_name(text: str) -> list[str]:
    if not _ENV.fullmatch(text):
        return ["a valid environment variable name must consist only of printable ASCII characters other than '='"]
    return []


def is_config_key(text: str) -> list[str]:
    """Keys of ConfigMaps and Secrets."""
    found = _length(text, 253)
    if not _CONFIG_KEY.fullmatch(text):
        found.append(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', "
            "regex used for validation is '[-._a-zA-Z0-9]+')"
        )
    if text in (".", ".."):
        found.append(f"must not be '{text}'")
    return found


def is_port_name(text: str) -> list[str]:
    """IANA service name: at most 15 characters, one of them a letter."""
    found = []
    if len(text) > 15:
        found.append("must be no more than 15 characters")
    if not _PORT_NAME.fullmatch(text):
        found.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", text):
        found.append("must contain at least one letter (a-z)")
    if "--" in text:
        found.append("must not contain consecutive hyphens")
    return found


def _length(text: str, limit: int) -> list[str]:
    return [f"must be no more than {limit} bytes"] if len(text.encode()) > limit else []
