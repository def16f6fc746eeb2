"""Proves what each built-in volume source must say, in a pod and in a persistent volume."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from provisioner.kube.api._generated import core_v1
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
        ({"flocker": {}}, ["v.flocker: Required value: one of datasetName and datasetUUID is required"]),
        ({"flocker": {"datasetName": "a/b"}}, ["""v.flocker.datasetName: Invalid value: "a/b": must not contain '/'"""]),
        ({"csi": {"driver": "A_b"}}, ['v.csi.driver: Invalid value: "a_b": a lowercase RFC 1123 subdomain']),
        ({"csi": {"driver": "a" * 64}}, ["v.csi.driver: Too long: may not be more than 63 bytes"]),
        ({"csi": {"driver": "ebs.csi.aws.com"}, "iscsi": {"targetPortal": "a", "iqn": "iqn.x", "lun": 1}}, []),
    ],
)
def test_what_is_refused(source: dict[str, Any], said: list[str]) -> None:
    for cls in (core_v1.Volume, core_v1.PersistentVolumeSpec):
        if cls is core_v1.Volume and "name" not in source:
            source = {"name": "v", **source}
        found = problems(cls, source)
        assert len(found) == len(said) and all(one.startswith(wanted) for one, wanted in zip(found, said, strict=True)), found


def test_a_repository_lies_inside_its_volume() -> None:
    assert problems(core_v1.Volume, {"name": "v", "gitRepo": {"repository": "a", "directory": "../b"}}) == [
        "v.gitRepo.directory: Invalid value: \"../b\": must not contain '..'"
    ]
