"""Proves which limits there may be, in upstream's order and words."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec, quantity
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.validation.limit_ranges import create


def problems(*limits: dict[str, Any]) -> list[tuple[str, str]]:
    found = create(codec.decode_dict(core_v1.LimitRange, {"spec": {"limits": list(limits)}}))
    return [(problem.field.removeprefix("spec."), problem.message) for problem in found]


@pytest.mark.parametrize(
    "item",
    [
        {"type": "Container", "min": {"cpu": "1"}, "defaultRequest": {"cpu": "2"}, "default": {"cpu": "3"}, "max": {"cpu": "4"}},
        {"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}},
        {"type": "example.com/Thing", "max": {"pods": "1"}},
        {"type": "Container", "max": {"example.com/gpu": "1", "hugepages-2Mi": "2Mi"}},
        {"type": "Pod", "min": {"cpu": "1"}, "max": {"cpu": "2"}, "maxLimitRequestRatio": {"cpu": "2"}},
        {"type": "PersistentVolumeClaim", "min": {"storage": "-1"}, "default": {"storage": "2Gi"}, "defaultRequest": {"storage": "1Gi"}},
    ],
)
def test_right_ones(item: dict[str, Any]) -> None:
    assert problems(item) == []


def test_types_and_names() -> None:
    assert problems(
        {"type": "Foo", "max": {"foo": "1"}},
        {"type": "Pod", "min": {"storage": "1"}, "default": {"cpu": "1"}},
        {"type": "Pod"},
        {"type": "Container", "max": {"requests.a/b": "1", "foo": "1", "cpu": "much"}},
    ) == [
        ("limits[0].type", 'Invalid value: "Foo": must be a standard limit type or fully qualified'),
        ("limits[0].max[foo]", 'Invalid value: "foo": must be a standard resource type or fully qualified'),
        ("limits[1].min[storage]", 'Invalid value: "storage": must be a standard resource for containers'),
        ("limits[1].default", "Forbidden: may not be specified when `type` is 'Pod'"),
        ("limits[2].type", 'Duplicate value: "Pod"'),
        ("limits[3].max[requests.a/b]", 'Invalid value: "requests.a/b": doesn\'t follow extended resource name standard'),
        ("limits[3].max[foo]", 'Invalid value: "foo": must be a standard resource type or fully qualified'),
        ("limits[3].max[foo]", 'Invalid value: "foo": must be a standard resource for containers'),
        ("limits[3].max[cpu]", f'Invalid value: "much": {quantity.FORM}'),
    ]


def test_amounts_in_their_order() -> None:
    item = {"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}, "default": {"cpu": "3"}, "defaultRequest": {"cpu": "4"}}
    ratio = {"maxLimitRequestRatio": {"cpu": "0.6"}}
    where = "limits[0]"
    assert problems(item | ratio) == [
        (f"{where}.min[cpu]", 'Invalid value: "2": min value 2 is greater than max value 1'),
        (f"{where}.defaultRequest[cpu]", 'Invalid value: "4": default request value 4 is greater than max value 1'),
        (f"{where}.defaultRequest[cpu]", 'Invalid value: "4": default request value 4 is greater than default limit value 3'),
        (f"{where}.default[cpu]", 'Invalid value: "1": default value 3 is greater than max value 1'),
        (f"{where}.maxLimitRequestRatio[cpu]", 'Invalid value: "600m": ratio 600m is less than 1'),
        (f"{where}.maxLimitRequestRatio[cpu]", 'Invalid value: "600m": ratio 600m is greater than max/min = 0.500000'),
    ]
    gpus = {"type": "Container", "default": {"example.com/gpu": "2"}, "defaultRequest": {"example.com/gpu": "1"}}
    assert problems(gpus) == [
        (
            "limits[0].defaultRequest[example.com/gpu]",
            'Invalid value: "1": default value 2 must equal to defaultRequest value 1 in example.com/gpu',
        )
    ]
