"""ConfigMaps and Secrets: keys, size, what each type of secret must hold, and those that are declared immutable."""

from __future__ import annotations

import base64
import binascii
import string
from typing import Any

import msgspec

from provisioner.kube.api import errors, go_json, names
from provisioner.kube.api.errors import FieldError

MAX_BYTES = 1024 * 1024
SERVICE_ACCOUNT_TOKEN = "kubernetes.io/service-account-token"
SSH_AUTH = "kubernetes.io/ssh-auth"
ILLEGAL = "illegal base64 data at input byte "
_LETTERS = frozenset(string.ascii_letters + string.digits + "+/")
# type -> keys that must be there
_KEYS = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    SSH_AUTH: ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}
_JSON_TYPES = ("kubernetes.io/dockercfg", "kubernetes.io/dockerconfigjson")


def create(obj: Any) -> list[FieldError]:
    secret = type(obj).KIND == "Secret"
    binary = getattr(obj, "binary_data", None)
    problems, size = [], 0
    for field, data in (("data", obj.data), ("binaryData", binary)):
        for key, value in (data or {}).items():
            where = f"{field}[{key}]"
            problems += [errors.invalid_value(where, key, message) for message in names.is_config_key(key)]
            if field == "data" and key in (binary or {}):
                problems.append(errors.invalid_value(where, key, "duplicate of key present in binaryData"))
            size += _size(value, where, problems, encoded=secret or field == "binaryData")
    if size > MAX_BYTES:
        problems.append(errors.too_long("data" if secret else "[]", MAX_BYTES))
    return problems + (_typed(obj) if secret else [])


def _size(value: str, where: str, problems: list[FieldError], *, encoded: bool) -> int:
    """How many bytes a value stands for; text that is no base64 is told of."""
    if not encoded:
        return len(value.encode())
    try:
        # As Go's decoder, which bears ends of lines.
        return len(base64.b64decode(value.replace("\n", "").replace("\r", ""), validate=True))
    except (binascii.Error, ValueError):
        problems.append(errors.invalid_value(where, "", f"{ILLEGAL}{_illegal_at(value)}"))
        return 0


def _illegal_at(value: str) -> int:
    """Where Go's decoder stops: the first byte that can't be there, or the beginning of a group that isn't whole."""
    group, at = 0, 0
    for at, letter in enumerate(value):
        if letter in "\r\n":
            continue
        if letter not in _LETTERS:
            return at
        group = (group + 1) % 4
    return max(0, len(value) - group)


def _typed(obj: Any) -> list[FieldError]:
    kind, data = obj.type or "", obj.data or {}
    problems = []
    if kind == SERVICE_ACCOUNT_TOKEN and not (obj.metadata.annotations or {}).get("kubernetes.io/service-account.name"):
        problems.append(errors.required("metadata.annotations[kubernetes.io/service-account.name]"))
    if kind == "kubernetes.io/basic-auth" and not {"username", "password"} & set(data):
        problems += [errors.required(f"data[{key}]") for key in ("username", "password")]
    for key in _KEYS.get(kind, ()):
        if key not in data or (kind == SSH_AUTH and not data[key]):
            problems.append(errors.required(f"data[{key}]"))
        elif kind in _JSON_TYPES and key in (obj.data or {}):
            problems += _json(obj.data[key], f"data[{key}]")
    return problems


def _json(value: str, where: str) -> list[FieldError]:
    try:
        text = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return []  # refused as what it is
    wrong = go_json.syntax_error(text)
    if not wrong and not isinstance(found := msgspec.json.decode(text), dict | None):
        wrong = f"json: cannot unmarshal {go_json.shape(found)} into Go value of type map[string]interface {{}}"
    return [errors.invalid_value(where, "<secret contents redacted>", wrong)] if wrong else []


def always(obj: Any) -> list[FieldError]:
    return []


def update(new: Any, old: Any) -> list[FieldError]:
    """What stays comes first, and then what is looked at in new ones, too."""
    problems: list[FieldError] = []
    if type(new).KIND == "Secret" and new.type != old.type:
        problems.append(errors.invalid_value("type", new.type, "field is immutable"))
    if old.immutable:
        if not new.immutable:
            problems.append(errors.forbidden_field("immutable", "field is immutable when `immutable` is set"))
        for field, name in (("data", "data"), ("binary_data", "binaryData")):
            if getattr(new, field, None) != getattr(old, field, None):
                problems.append(errors.forbidden_field(name, "field is immutable when `immutable` is set"))
    return problems + create(new)
