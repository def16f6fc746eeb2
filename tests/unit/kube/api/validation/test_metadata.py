"""Proves what metadata is refused for: the beginnings that names are made of."""

from __future__ import annotations

import pytest

from provisioner.kube.api._generated import core_v1, meta_v1
from provisioner.kube.api.validation.metadata import validate_metadata


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
