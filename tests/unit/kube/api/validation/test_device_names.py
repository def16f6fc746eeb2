"""Proves what names dynamic resource allocation takes, and its conditions of use."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import resource_v1
from provisioner.kube.api.validation import device_names

UUID = "0f0e0d0c-0b0a-0908-0706-050403020100"


@pytest.mark.parametrize(
    ("check", "name", "said"),
    [
        (device_names.fact_name, "a", []),
        (device_names.fact_name, "d.io/a", []),
        (device_names.fact_name, "/a", ['Invalid value: "": the domain must not be empty']),
        (device_names.fact_name, "d/", ['Invalid value: "": the name must not be empty']),
        (device_names.fact_name, "d/a/b", ['Invalid value: "d/a/b": must not contain more than one slash']),
        (device_names.fact_name, "x" * 33, ["Too long: may not be more than 32 bytes"]),
        (device_names.full_name, "a", ['Invalid value: "a": a fully qualified name must be a domain and a name separated by a slash']),
        (device_names.pool, "a/b.c", []),
        (device_names.pool, "", ["Required value"]),
        (device_names.extended, "example.com/gpu", []),
        (device_names.extended, "kubernetes.io/gpu", ['Invalid value: "kubernetes.io/gpu": must be a valid extended resource name']),
        (device_names.share_id, UUID, []),
        (device_names.share_id, UUID.upper(), [f'Invalid value: "{UUID.upper()}": uid must be in RFC 4122 normalized form']),
        (device_names.share_id, "x", ['Invalid value: "x": error validating uid: invalid UUID length: 1']),
    ],
)
def test_names(check: Any, name: str, said: list[str]) -> None:
    found = [problem.message for problem in check(name, "x")]
    assert len(found) == len(said) and all(map(str.startswith, found, said)), found


def test_conditions_of_use() -> None:
    device = codec.decode_dict(resource_v1.Device, {"bindingConditions": ["a", "a"], "bindingFailureConditions": ["a", "b c"]})
    found = [f"{problem.field}: {problem.message}" for problem in device_names.binding(device, "x")]
    assert [text[:75] for text in found] == [
        'x.bindingFailureConditions[1]: Invalid value: "b c": name part must consist',
        'x.bindingConditions[1]: Duplicate value: "a"',
        'x.bindingFailureConditions[0]: Invalid value: "a": bindingFailureConditions',
    ]
