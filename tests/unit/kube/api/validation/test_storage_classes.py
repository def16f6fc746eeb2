"""Proves upstream's order, paths and words of what is refused of the kinds of storage.k8s.io, when they are made and changed."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import storage_v1
from provisioner.kube.api.validation import storage_classes

ATTACHED = {"attacher": "a", "nodeName": "n", "source": {"persistentVolumeName": "v"}}
TERM = {"matchLabelExpressions": [{"key": "z", "values": ["a", "a"]}, {"key": "z", "values": []}]}
AT = "allowedTopologies[0].matchLabelExpressions"
CREATED: list[tuple[str, dict[str, Any], list[str]]] = [
    ("StorageClass", {"provisioner": "A_", "parameters": {"": ""}, "reclaimPolicy": "Recycle", "volumeBindingMode": ""}, ['provisioner: Invalid value: "a_": name part must consist', 'parameters: Invalid value: "": field can not be empty.', 'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"', "volumeBindingMode: Required value"]),
    ("StorageClass", {"provisioner": "a", "volumeBindingMode": "Immediate", "allowedTopologies": [TERM]}, [f'{AT}[0].values[1]: Duplicate value: "a"', f"{AT}[1].values: Required value", f'{AT}[1].key: Duplicate value: "z"']),
    ("VolumeAttachment", {"spec": ATTACHED}, []),
    ("VolumeAttachment", {"spec": {**ATTACHED, "nodeName": "", "source": {}}}, ["spec.source: Required value: must specify exactly one", 'spec.nodeName: Invalid value: ""']),
    ("VolumeAttachment", {"spec": {**ATTACHED, "source": {"persistentVolumeName": "A"}}}, ['spec.source.persistentVolumeName: Invalid value: "A"']),
    ("CSIDriver", {"spec": {"tokenRequests": [{"audience": "a", "expirationSeconds": 1}, {"audience": "a", "expirationSeconds": 1}], "volumeLifecycleModes": ["X"]}}, ["spec.tokenRequests[0].expirationSeconds: Invalid value: 1: may not specify a duration less", 'spec.tokenRequests[1].audience: Duplicate value: "a"', 'spec.volumeLifecycleModes: Unsupported value: "X": supported values: "Persistent", "Ephemeral"']),
    ("CSINode", {"spec": {"drivers": [{"name": "d", "nodeID": "i" * 257, "topologyKeys": ["a", "a"]}, {"name": "d", "nodeID": "i"}]}}, ["spec.drivers[0].nodeID: Invalid value", 'spec.drivers[0]: Duplicate value: "a"', 'spec.drivers[1].name: Duplicate value: "d"']),
    ("CSIStorageCapacity", {"maximumVolumeSize": "-1"}, ['storageClassName: Invalid value: "": a lowercase RFC 1123 subdomain']),
    ("VolumeAttributesClass", {"driverName": "B", "parameters": {}}, ["parameters: Required value: must contain at least one key/value pair"]),
]  # fmt: skip
CHANGED: list[tuple[str, dict[str, Any], dict[str, Any], list[str]]] = [
    ("VolumeAttributesClass", {"driverName": "a", "parameters": {"a": "b"}}, {"driverName": "b"}, ["driverName: Forbidden: updates to driverName are forbidden.", "parameters: Forbidden: updates to parameters are forbidden."]),
    ("CSIDriver", {"spec": {"attachRequired": True}}, {"spec": {"attachRequired": False}}, ["spec.attachedRequired: Invalid value: false: field is immutable"]),
    ("CSINode", {"spec": {"drivers": [{"name": "d", "nodeID": "i"}]}}, {"spec": {"drivers": [{"name": "d", "nodeID": "j"}]}}, ["spec.drivers: Invalid value: "]),
    ("CSINode", {"spec": {"drivers": [{"name": "d", "nodeID": "i"}]}}, {"spec": {"drivers": [{"name": "d", "nodeID": "i", "allocatable": {"count": 3}}, {"name": "e", "nodeID": "j"}]}}, []),
]  # fmt: skip


def made(kind: str, document: dict[str, Any]) -> Any:
    return codec.decode_dict(getattr(storage_v1, kind), document)


def begins(found: list[Any], expected: list[str]) -> bool:
    told = [f"{problem.field}: {problem.message}" for problem in found]
    return len(told) == len(expected) and all(map(str.startswith, told, expected))


@pytest.mark.parametrize(("kind", "document", "expected"), CREATED)
def test_what_is_made(kind: str, document: dict[str, Any], expected: list[str]) -> None:
    found = storage_classes.create(made(kind, document))
    assert begins(found, expected), found


@pytest.mark.parametrize(("kind", "old", "new", "expected"), CHANGED)
def test_what_is_changed(kind: str, old: dict[str, Any], new: dict[str, Any], expected: list[str]) -> None:
    found = storage_classes.update(made(kind, new), made(kind, old))
    assert begins(found, expected), found


def test_what_drivers_say_of_attachments() -> None:
    error = {"message": "x" * 1025, "errorCode": -1}
    new = made("VolumeAttachment", {"spec": ATTACHED, "status": {"attached": False, "attachError": error}})
    assert begins(
        storage_classes.status(new, new),
        [
            "status.attachError.message: Too long: may not be more than 262144 bytes",
            "status.attachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, inclusive",
        ],
    )
