"""Proves which class is the default, and which claims wait for their first pod."""

from __future__ import annotations

import pytest

from provisioner.kube.api._generated import core_v1, storage_v1
from provisioner.kube.controllers.volume_binder import class_of, default_class, waits_for_consumer
from tests.unit.kube.controllers.objects import at, made

DEFAULT = {"storageclass.kubernetes.io/is-default-class": "true"}


def storage_class(name: str, mode: str = "Immediate", created: str = "", default: bool = False) -> storage_v1.StorageClass:
    metadata = {"name": name, "creationTimestamp": created or at(0), "annotations": DEFAULT if default else {}}
    return made(storage_v1.StorageClass, {"metadata": metadata, "provisioner": "example.com/p", "volumeBindingMode": mode})


def claim(class_name: str | None = None, **annotations: str) -> core_v1.PersistentVolumeClaim:
    spec = {} if class_name is None else {"storageClassName": class_name}
    return made(core_v1.PersistentVolumeClaim, {"metadata": {"name": "c", "annotations": annotations}, "spec": spec})


def test_the_newest_default_counts() -> None:
    classes = [storage_class("old", default=True), storage_class("new", created=at(10), default=True), storage_class("x", created=at(20))]
    found = default_class(classes)
    assert found is not None and found.metadata.name == "new"
    assert default_class([storage_class("x")]) is None


@pytest.mark.parametrize(
    ("found", "of", "waits"),
    [
        (claim("slow"), storage_class("slow"), False),
        (claim("slow"), storage_class("slow", "WaitForFirstConsumer"), True),
        (claim("slow", **{"volume.kubernetes.io/selected-node": "n"}), storage_class("slow", "WaitForFirstConsumer"), False),
        (claim("gone"), None, False),
    ],
)
def test_who_waits_for_a_pod(found: core_v1.PersistentVolumeClaim, of: storage_v1.StorageClass | None, waits: bool) -> None:
    assert waits_for_consumer(found, of) is waits


def test_the_old_annotation_names_the_class_too() -> None:
    assert class_of(claim("new")) == "new"
    assert class_of(claim("new", **{"volume.beta.kubernetes.io/storage-class": "old"})) == "old"
    assert class_of(claim()) == ""
