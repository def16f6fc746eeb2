"""Proves what each built-in volume source must say, in a pod and in a persistent volume."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.validation import validate_create
from provisioner.kube.api.validation.volume_sources import built_in


def problems(cls: type[Any], source: dict[str, Any]) -> list[str]:
    return [f"{found.field}: {found.message}" for found in built_in(msgspec.convert(source, cls), "v")]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"awsElasticBlockStore": {"volumeID": ""}}, ["v.awsElasticBlockStore.volumeID: Required value"]),
        (
            {"gcePersistentDisk": {"pdName": "a", "partition": 256}},
            ["v.gcePersistentDisk.partition: Invalid value: 256: must be between 0 and 255, inclusive"],
        ),
        ({"azureDisk": {"diskName": "a", "diskURI": "b", "kind": "X"}}, ["v.azureDisk.kind: Unsupported value: "]),
        ({"azureFile": {"shareName": "a"}}, ["v.azureFile.secretName: Required value"]),
        ({"cephfs": {"monitors": []}}, ["v.cephfs.monitors: Required value"]),
        ({"rbd": {"monitors": ["a"], "image": ""}}, ["v.rbd.image: Required value"]),
        ({"nfs": {"server": "a", "path": "x"}}, ['v.nfs.path: Invalid value: "x": must be an absolute path']),
        ({"iscsi": {"targetPortal": "", "iqn": "iqn.x", "lun": 0}}, ["v.iscsi.targetPortal: Required value"]),
        ({"iscsi": {"targetPortal": "a", "iqn": "x", "lun": 0}}, ['v.iscsi.iqn: Invalid value: "x": must be valid format starting with']),
        ({"iscsi": {"targetPortal": "a", "iqn": "naa.x", "lun": 0, "chapAuthSession": True}}, ["v.iscsi.secretRef: Required value"]),
        ({"fc": {}}, ["v.fc.targetWWNs: Required value: must specify either targetWWNs or wwids, but not both"]),
        ({"fc": {"targetWWNs": ["a"], "wwids": ["b"]}}, ["v.fc.targetWWNs: Invalid value: "]),
        ({"fc": {"targetWWNs": ["a"]}}, ["v.fc.lun: Required value: lun is required if targetWWNs is specified"]),
        ({"storageos": {}}, ["v.storageos.volumeName: Required value"]),
        (
            {"storageos": {"volumeName": "A", "volumeNamespace": "b.c"}},
            ["v.storageos.volumeName: Invalid", "v.storageos.volumeNamespace: Invalid"],
        ),
        ({"hostPath": {"path": "", "type": "X"}}, ["v.hostPath.path: Required value"]),
        ({"hostPath": {"path": "/", "type": "X"}}, ['v.hostPath.type: Unsupported value: "X"']),
        ({"hostPath": {"path": "/a/../b"}}, ["v.hostPath.path: Invalid value: \"/a/../b\": must not contain '..'"]),
        ({"flocker": {}}, ["v.flocker: Required value: one of datasetName and datasetUUID is required"]),
        ({"flocker": {"datasetName": "a/b"}}, ["""v.flocker.datasetName: Invalid value: "a/b": must not contain '/'"""]),
        ({"csi": {"driver": "A_b", "volumeHandle": "h"}}, ['v.csi.driver: Invalid value: "A_b": a lowercase RFC 1123 subdomain']),
        ({"csi": {"driver": "a" * 64, "volumeHandle": "h"}}, ["v.csi.driver: Too long: may not be more than 63 bytes"]),
        ({"csi": {"driver": "ebs.csi.aws.com", "volumeHandle": "h"}, "iscsi": {"targetPortal": "a", "iqn": "iqn.x", "lun": 1}}, []),
    ],
)
def test_what_is_refused(source: dict[str, Any], said: list[str]) -> None:
    for cls in (core_v1.Volume, core_v1.PersistentVolumeSpec):
        if cls is core_v1.Volume and "name" not in source:
            source = {"name": "v", **source}
        else:
            # as upstream calls it there
            said = [text.replace("v.gcePersistentDisk", "v.persistentDisk") for text in said]
        found = problems(cls, source)
        assert len(found) == len(said) and all(one.startswith(wanted) for one, wanted in zip(found, said, strict=True)), found


def test_a_repository_lies_inside_its_volume() -> None:
    assert problems(core_v1.Volume, {"name": "v", "gitRepo": {"repository": "a", "directory": "../b"}}) == [
        "v.gitRepo.directory: Invalid value: \"../b\": must not contain '..'"
    ]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"csi": {"driver": "d"}}, ["v.csi.volumeHandle: Required value"]),
        (
            {"csi": {"driver": "d", "volumeHandle": "h", "nodeStageSecretRef": {}, "nodeExpandSecretRef": {"name": "A"}}},
            ["v.csi.nodeExpandSecretRef.name: Invalid value", "v.csi.nodeExpandSecretRef.namespace: Required value"],
        ),
        ({"azureFile": {"secretName": "a", "shareName": "b", "secretNamespace": ""}}, ["v.azureFile.secretNamespace: Required value"]),
        ({"storageos": {"volumeName": "a", "secretRef": {"name": "b"}}}, ["v.storageos.secretRef.namespace: Required value"]),
        ({"local": {"path": "/a/.."}}, ["v.local.path: Invalid value: \"/a/..\": must not contain '..'"]),
    ],
)
def test_what_persistent_ones_say_besides(source: dict[str, Any], said: list[str]) -> None:
    found = problems(core_v1.PersistentVolumeSpec, source)
    assert len(found) == len(said) and all(map(str.startswith, found, said)), found


def test_one_source_counts() -> None:
    sources = {"csi": {"driver": ""}, "cephfs": {"monitors": []}, "nfs": {"server": "", "path": "/"}, "flexVolume": {"driver": ""}}
    document = {
        "metadata": {"name": "v"},
        "spec": {"accessModes": ["ReadWriteOncePod"] * 2, **sources, "volumeMode": "X", "storageClassName": "A b"},
    }
    found = validate_create(codec.decode_dict(core_v1.PersistentVolume, document))
    assert [f"{one.field}: {one.message.partition(': ')[0]}" for one in found] == [
        "spec.capacity: Required value",
        "spec.capacity: Unsupported value",
        "spec.nfs.server: Required value",
        "spec.cephFS: Forbidden",
        "spec.flexVolume.driver: Required value",
        "spec.csi: Forbidden",
        "spec.storageClassName: Invalid value",
        "spec.volumeMode: Unsupported value",
    ]
