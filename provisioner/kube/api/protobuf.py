"""Kubernetes' protobuf encoding, read only: bodies that kubectl and Go clients send, turned into plain documents.

Source: the API reference's "Kubernetes Protobuf encoding": four magic bytes, then runtime.Unknown with the object inside. Go writes fields
that are no pointers even when empty, so empty texts, zeros and falses are dropped, except where a pointer makes zero mean something.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

MAGIC = b"k8s\x00"
MEDIA_TYPE = "application/vnd.kubernetes.protobuf"

# Pointers in Go: an explicit zero or false says something.
POINTERS = frozenset(
    [
        "replicas",
        "runAsUser",
        "runAsGroup",
        "fsGroup",
        "runAsNonRoot",
        "privileged",
        "readOnlyRootFilesystem",
        "allowPrivilegeEscalation",
        "automountServiceAccountToken",
        "terminationGracePeriodSeconds",
        "gracePeriodSeconds",
        "activeDeadlineSeconds",
        "backoffLimit",
        "backoffLimitPerIndex",
        "completions",
        "parallelism",
        "ttlSecondsAfterFinished",
        "suspend",
        "successfulJobsHistoryLimit",
        "failedJobsHistoryLimit",
        "startingDeadlineSeconds",
        "minReplicas",
        "revisionHistoryLimit",
        "progressDeadlineSeconds",
        "partition",
        "tolerationSeconds",
        "controller",
        "blockOwnerDeletion",
        "optional",
        "enableServiceLinks",
        "shareProcessNamespace",
        "setHostnameAsFQDN",
        "hostUsers",
        "immutable",
        "orphanDependents",
        "allocateLoadBalancerNodePorts",
        "ready",
        "serving",
        "terminating",
        "priority",
        "defaultMode",
        "mode",
        "stabilizationWindowSeconds",
        "allowVolumeExpansion",
        "attachRequired",
        "podInfoOnMount",
        "storageCapacity",
        "requiresRepublish",
        "deletionGracePeriodSeconds",
        "value",
        "globalDefault",
        "exitCode",
        "restartCount",
        "started",
        "maxSkew",
        "weight",
    ]
)
KEPT_EMPTY = frozenset({"storageClassName", "ingressClassName"})


class ProtobufError(ValueError):
    """Not Kubernetes protobuf, or of a type that we don't know."""


class _Field(msgspec.Struct, frozen=True):
    name: str
    shape: str
    repeated: bool
    target: str


@lru_cache(maxsize=1024)
def _fields(message: str) -> dict[int, _Field]:
    from provisioner.kube.api._generated.protobuf_fields import FIELDS

    if message not in FIELDS:
        raise ProtobufError(f"no protobuf form of {message} is known")
    found = {}
    for text in FIELDS[message].split():
        number, name, shape, *target = text.split(":")
        found[int(number)] = _Field(name, shape.lstrip("*"), shape.startswith("*"), target[0] if target else "")
    return found


def decode(body: bytes) -> dict[str, Any]:
    """The document of an enveloped object, with its apiVersion and kind. Raises ProtobufError."""
    if body[:4] != MAGIC:
        raise ProtobufError("the body does not begin with the protobuf envelope's magic number")
    unknown = dict(_raw(body[4:]))
    meta = {number: value.decode() for number, value in _raw(unknown.get(1, b"")) if isinstance(value, bytes)}
    api_version, kind = meta.get(1, ""), meta.get(2, "")
    group, _, version = api_version.rpartition("/")
    module = f"{(group.partition('.')[0] or 'core')}_{version}"
    raw = unknown.get(2, b"")
    if kind.endswith("Options"):
        module = "meta_v1"
    return {"apiVersion": api_version, "kind": kind, **_message(raw, f"{module}.{kind}")}


def _raw(data: bytes) -> Iterator[tuple[int, Any]]:
    """(field number, value) pairs: bytes for length-delimited fields, integers for the others."""
    at, end = 0, len(data)
    while at < end:
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value: Any
            value, at = _varint(data, at)
        elif wire == 2:
            length, at = _varint(data, at)
            value, at = data[at : at + length], at + length
        elif wire == 1:
            value, at = struct.unpack_from("<d", data, at)[0], at + 8
        elif wire == 5:
            value, at = struct.unpack_from("<f", data, at)[0], at + 4
        else:
            raise ProtobufError(f"wire type {wire} at byte {at}")
        if at > end:
            raise ProtobufError("the body ends in the middle of a field")
        yield number, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ProtobufError("the body ends in the middle of a number")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _message(data: bytes, message: str) -> Any:
    special = _SPECIAL.get(message)
    if special is not None:
        return special(data)
    fields = _fields(message)
    found: dict[str, Any] = {}
    for number, raw in _raw(data):
        field = fields.get(number)
        if field is None:
            continue
        if field.shape in ("S", "M", "Y"):
            entry = dict(_raw(raw))
            value = entry.get(2, b"")
            decoded: Any = (
                value.decode()
                if field.shape == "S"
                else base64.b64encode(value).decode()
                if field.shape == "Y"
                else _message(value, field.target)
            )
            found.setdefault(field.name, {})[entry.get(1, b"").decode()] = decoded
            continue
        value = _value(raw, field)
        if field.repeated:
            found.setdefault(field.name, []).append(value)
        elif field.shape == "n":
            found.update(value)
        elif _says_something(field.name, value):
            found[field.name] = value
    return found


def _value(raw: Any, field: _Field) -> Any:
    if field.shape == "s":
        return raw.decode()
    if field.shape == "b":
        return bool(raw)
    if field.shape == "i":
        return _signed(raw)
    if field.shape == "y":
        return base64.b64encode(raw).decode()
    if field.shape in ("m", "n"):
        return _message(raw, field.target)
    return raw


def _says_something(name: str, value: Any) -> bool:
    if value is None:
        return False
    if value == "":
        return name in KEPT_EMPTY
    if value is False or (value == 0 and not isinstance(value, dict | list)):
        return name in POINTERS
    return True


def _time(data: bytes) -> str | None:
    parts = dict(_raw(data))
    return datetime.fromtimestamp(_signed(parts.get(1, 0)), UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if parts.get(1) else None


def _micro_time(data: bytes) -> str | None:
    parts = dict(_raw(data))
    if not parts.get(1):
        return None
    moment = datetime.fromtimestamp(_signed(parts[1]), UTC).replace(microsecond=parts.get(2, 0) // 1000)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _quantity(data: bytes) -> str:
    text: bytes = dict(_raw(data)).get(1, b"0")
    return text.decode()


def _int_or_string(data: bytes) -> int | str:
    parts = dict(_raw(data))
    return parts.get(3, b"").decode() if parts.get(1, 0) == 1 else _signed(parts.get(2, 0))


def _embedded_json(data: bytes) -> Any:
    raw = dict(_raw(data)).get(1, b"")
    if not raw:
        return None
    try:
        return decode(raw) if raw[:4] == MAGIC else msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        raise ProtobufError(f"embedded object: {error}") from error


def _texts(data: bytes) -> list[str]:
    return [value.decode() for number, value in _raw(data) if number == 1]


_SPECIAL = {
    "meta_v1.Time": _time,
    "meta_v1.MicroTime": _micro_time,
    "api_resource.Quantity": _quantity,
    "util_intstr.IntOrString": _int_or_string,
    "pkg_runtime.RawExtension": _embedded_json,
    "meta_v1.FieldsV1": _embedded_json,
    "authentication_v1.ExtraValue": _texts,
    "authorization_v1.ExtraValue": _texts,
    "certificates_v1.ExtraValue": _texts,
}
