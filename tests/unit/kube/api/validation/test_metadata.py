"""Proves what metadata is refused for: the beginnings that names are made of."""

from __future__ import annotations

import pytest

from provisioner.kube.api._generated import apiextensions_v1, core_v1, meta_v1
from provisioner.kube.api.validation.metadata import validate_metadata, validate_metadata_update


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("web-", []),
        ("a.b-", []),
        ("-", ["metadata.generateName"]),
        ("Web-", ["metadata.generateName"]),
        ("x" * 254, ["metadata.generateName"]),
    ],
)
def test_generate_name(prefix: str, expected: list[str]) -> None:
    obj = core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name="made", generate_name=prefix))
    assert [found.field for found in validate_metadata(obj)] == expected


def test_finalizers_have_a_domain_or_are_known() -> None:
    metadata = meta_v1.ObjectMeta(name="m", finalizers=["orphan", "kubernetes", "a.b/c", "mine"])
    message = 'Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified'
    obj = core_v1.ConfigMap(metadata=metadata)
    for found in (validate_metadata(obj), validate_metadata_update(obj, core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name="m")))):
        assert [(problem.field, problem.message) for problem in found] == [("metadata.finalizers[3]", message)]
    assert validate_metadata(apiextensions_v1.CustomResourceDefinition(metadata=metadata)) == []
