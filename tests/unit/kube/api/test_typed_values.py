"""Proves which values of an applied configuration are not of their fields' types, and how that is told."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api._generated import apps_v1
from provisioner.kube.api.field_sets import Schema
from provisioner.kube.api.typed_values import mismatches

_C = '.spec.template.spec.containers[name="c"]'


def _pod(**container: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "c", **container}]}}}}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (_pod(image="i", resources={"limits": {"cpu": 1}}, ports=[{"containerPort": 80}]), []),
        ({"spec": None}, []),
        ({"spec": "x"}, [".spec: expected map, got &{x}"]),
        ({"spec": {"replicas": "x"}}, [".spec.replicas: expected numeric (int or float), got string"]),
        ({"spec": {"paused": "x"}}, [".spec.paused: expected boolean, got &{x}"]),
        ({"spec": {"template": {"spec": {"containers": {"a": 1}}}}}, [".spec.template.spec.containers: expected list, got &{map[a:1]}"]),
        (_pod(image=1), [f"{_C}.image: expected string, got &value.valueUnstructured{{Value:1}}"]),
        (
            _pod(image={"a": [True, "b"]}),
            [
                f'{_C}.image: expected string, got &value.valueUnstructured{{Value:map[string]interface {{}}{{"a":[]interface {{}}{{true, "b"}}}}}}'
            ],
        ),
        (_pod(args=["a", 1]), [f"{_C}.args[1]: expected string, got &value.valueUnstructured{{Value:1}}"]),
        (_pod(resources={"limits": {"cpu": {}}}), [f"{_C}.resources.limits.cpu: expected any scalar, got &{{map[]}}"]),
        (
            {"metadata": {"labels": []}, "spec": {"replicas": True}},
            [".metadata.labels: expected map, got &{[]}", ".spec.replicas: expected numeric (int or float), got bool"],
        ),
    ],
)
def test_mismatches(document: dict[str, Any], expected: list[str]) -> None:
    assert list(mismatches(apps_v1.Deployment, document, Schema("apps_v1.Deployment"))) == expected
