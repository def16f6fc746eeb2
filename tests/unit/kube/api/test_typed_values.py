"""Proves which values of an applied configuration are not of their fields' types, and how that is told."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api._generated import apps_v1
from provisioner.kube.api.field_sets import Schema
from provisioner.kube.api.typed_values import custom_mismatches, mismatches

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


_CUSTOM = {
    "type": "object",
    "properties": {
        "n": {"type": "integer"},
        "either": {"x-kubernetes-int-or-string": True},
        "free": {"x-kubernetes-preserve-unknown-fields": True},
        "m": {"type": "object", "additionalProperties": {"type": "boolean"}},
        "l": {"type": "array", "items": {"type": "object", "properties": {"s": {"type": "string"}}}},
    },
}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"metadata": {"name": 1}, "n": 1, "either": "5%", "free": {"a": [1]}, "m": {"a": True}, "l": [{"s": "x"}], "odd": 1}, []),
        ({"n": "x"}, [".n: expected numeric (int or float), got string"]),
        ({"either": {}}, [".either: expected any scalar, got &{map[]}"]),
        ({"m": {"a": 1}}, [".m.a: expected boolean, got &{1}"]),
        ({"m": []}, [".m: expected map, got &{[]}"]),
        ({"l": {"a": 1}}, [".l: expected list, got &{map[a:1]}"]),
        ({"l": [{}, {"s": 1}]}, [".l[1].s: expected string, got &value.valueUnstructured{Value:1}"]),
    ],
)
def test_custom_mismatches(document: dict[str, Any], expected: list[str]) -> None:
    assert list(custom_mismatches(_CUSTOM, document, Schema(None))) == expected
