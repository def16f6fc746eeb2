"""Proves the JSONPath that definitions use."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.apiserver.custom import json_paths

DOCUMENT = {
    "spec": {"n": 3, "list": [{"name": "a", "v": 1}, {"name": "b", "v": 2}]},
    "metadata": {"annotations": {"x.y/z": "q"}},
    "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Other", "status": "False"}]},
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (".spec.n", [3]),
        (".spec.list[1].v", [2]),
        (".spec.list[-1].name", ["b"]),
        (".spec.list[*].name", ["a", "b"]),
        (r".metadata.annotations.x\.y/z", ["q"]),
        (".metadata.annotations['x.y/z']", ["q"]),
        ('.status.conditions[?(@.type=="Ready")].status', ["True"]),
        ('.status.conditions[?(@.type!="Ready")].status', ["False"]),
        (".status.conditions[-1:].type", ["Other"]),
        (".spec.list[0:1].name", ["a"]),
        (".spec.list[:].name", ["a", "b"]),
        (".spec.list[?(@.v>1)].name", ["b"]),
        (".spec.list[?(@.v==1)].name", ["a"]),
        (".spec.list[?(@.v=='1')].name", []),
        (".spec.list[?(@.missing!=1)].name", []),
        (".metadata.annotations.*", ["q"]),
        (".spec.missing.deep", []),
        (".spec.list[9]", []),
    ],
)
def test_find(path: str, expected: list[Any]) -> None:
    assert json_paths.find(DOCUMENT, path) == expected


def test_put_makes_the_way() -> None:
    document: dict[str, Any] = {}
    json_paths.put(document, ".spec.replicas", 4)
    assert document == {"spec": {"replicas": 4}} and json_paths.first(document, ".spec.replicas") == 4


def test_what_can_not_be_read() -> None:
    with pytest.raises(json_paths.PathError, match="can't be read"):
        json_paths.find({}, ".spec[(@.length-1)]")
