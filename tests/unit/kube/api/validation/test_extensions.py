"""Proves what an approval of a definition in a group of the project must be, and what aggregated services must say."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec, defaults
from provisioner.kube.api._generated.apiregistration_v1 import APIService
from provisioner.kube.api.validation import validate_create, validate_status_update
from provisioner.kube.api.validation.extensions import is_page, is_protected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("https://example.com/1", True), ("example.com", False), ("", False), ("http://[", False), ("https://", False)],
)
def test_addresses(text: str, expected: bool) -> None:
    assert is_page(text) is expected


@pytest.mark.parametrize(("group", "expected"), [("k8s.io", True), ("a.kubernetes.io", True), ("myk8s.io", False), ("", False)])
def test_groups_of_the_project(group: str, expected: bool) -> None:
    assert is_protected(group) is expected


def service(name: str = "v1.x.io", status: dict[str, Any] | None = None, **spec: Any) -> APIService:
    right = {"group": "x.io", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1}
    obj = codec.decode_dict(APIService, {"metadata": {"name": name}, "spec": {**right, **spec}, "status": status or {}})
    defaults.apply(obj)
    return obj


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"service": {"namespace": "n", "name": "s"}}, []),
        ({"caBundle": "YWJj", "insecureSkipTLSVerify": True}, [
            'spec.caBundle: Invalid value: "3 bytes": local APIServices may not have a caBundle',
            "spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify",
        ]),
        ({"groupPriorityMinimum": 20001, "service": {"port": 70000}}, [
            "spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000",
            "spec.service.namespace: Required value",
            "spec.service.name: Required value",
            "spec.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive",
        ]),
        ({"name": "v2.", "version": "v2", "group": ""}, [
            "spec.group: Required value: only v1 may have an empty group and it better be legacy kube",
        ]),
        ({"name": "v1.x", "group": "x"}, []),
        ({"name": ".X", "version": "", "group": "X"}, ["spec.group: Invalid value", 'spec.version: Invalid value: "": a DNS-1035 label']),
    ],
)  # fmt: skip
def test_aggregated_services(spec: dict[str, Any], said: list[str]) -> None:
    found = [str(error) for error in validate_create(service(**spec))]
    assert len(found) == len(said) and all(map(str.startswith, found, said)), found


def test_conditions_of_aggregated_services() -> None:
    told = service(status={"conditions": [{"type": "Available", "status": "Yes"}]})
    (found,) = validate_status_update(told, service())
    assert str(found) == 'status.conditions[0].status: Unsupported value: "Yes": supported values: "True", "False", "Unknown"'
