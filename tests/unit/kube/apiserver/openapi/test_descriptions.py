"""Proves which fields are described: those of all objects, of lists, and of metadata, whose every field has a text."""

from __future__ import annotations

import msgspec
import pytest

from provisioner.kube.api._generated import meta_v1
from provisioner.kube.apiserver.openapi.descriptions import OBJECT_META, description


@pytest.mark.parametrize(
    ("module", "type_name", "field", "is_object", "begins"),
    [
        ("core_v1", "Pod", "metadata", True, "Standard object's metadata"),
        ("core_v1", "PodList", "metadata", True, "Standard list metadata"),
        ("core_v1", "PodList", "kind", True, "Kind is a string value"),
        ("meta_v1", "ObjectMeta", "creationTimestamp", False, "CreationTimestamp is a timestamp"),
        ("core_v1", "PodSpec", "metadata", False, ""),
        ("core_v1", "Pod", "other", True, ""),
    ],
)
def test_what_is_described(module: str, type_name: str, field: str, is_object: bool, begins: str) -> None:
    found = description(module, type_name, field, is_object=is_object)
    assert found.startswith(begins) and bool(found) == bool(begins)


def test_metadata_is_described_whole() -> None:
    assert set(OBJECT_META) == {field.encode_name for field in msgspec.structs.fields(meta_v1.ObjectMeta)}
