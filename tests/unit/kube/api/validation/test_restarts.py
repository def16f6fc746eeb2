"""Proves which restart policies, rules and resize policies containers may have."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.validation.restarts import resizes, restarts

RULE = {"action": "Restart", "exitCodes": {"operator": "In", "values": [1]}}


def problems(container: dict[str, Any], policy: str = "Always", *, init: bool = False) -> list[str]:
    one = msgspec.convert({"name": "c", **container}, core_v1.Container)
    return [f"{found.field}: {found.message}" for found in restarts(one, "c") + resizes(one, "c", policy, init=init)]


@pytest.mark.parametrize("action", ["Restart", "RestartAllContainers"])
def test_right_rules_are_right(action: str) -> None:
    assert problems({"restartPolicy": "Never", "restartPolicyRules": [{**RULE, "action": action}]}) == []


@pytest.mark.parametrize(
    ("container", "said"),
    [
        ({"restartPolicyRules": [RULE]}, "c.restartPolicy: Required value: must specify restartPolicy when restart rules are used"),
        ({"restartPolicy": "X"}, 'c.restartPolicy: Unsupported value: "X": supported values: "Always", "Never", "OnFailure"'),
        ({"restartPolicyRules": [RULE] * 21, "restartPolicy": "Never"}, "c.restartPolicyRules: Too many: 21: must have at most 20 items"),
        (
            {"restartPolicyRules": [{**RULE, "action": "X"}], "restartPolicy": "Never"},
            'c.restartPolicyRules[0].action: Unsupported value: "X": supported values: "Restart", "RestartAllContainers"',
        ),
        (
            {"restartPolicyRules": [{"action": "Restart"}], "restartPolicy": "Never"},
            "c.restartPolicyRules[0].exitCodes: Required value: must be specified",
        ),
        (
            {"restartPolicyRules": [{**RULE, "exitCodes": {"operator": "Is", "values": [1]}}], "restartPolicy": "Never"},
            'c.restartPolicyRules[0].exitCodes.operator: Unsupported value: "Is": supported values: "In", "NotIn"',
        ),
        (
            {"restartPolicyRules": [{**RULE, "exitCodes": {"operator": "In", "values": list(range(256))}}], "restartPolicy": "Never"},
            "c.restartPolicyRules[0].exitCodes.values: Too many: 256: must have at most 255 items",
        ),
        (
            {"resizePolicy": [{"resourceName": "disk", "restartPolicy": "NotRequired"}]},
            'c.resizePolicy: Unsupported value: "disk": supported values: "cpu", "memory"',
        ),
        ({"resizePolicy": [{"resourceName": "cpu", "restartPolicy": "NotRequired"}] * 2}, 'c.resizePolicy[1]: Duplicate value: "cpu"'),
    ],
)
def test_what_is_refused(container: dict[str, Any], said: str) -> None:
    assert problems(container) == [said]


def test_what_a_resize_restarts_must_be_able_to_come_back() -> None:
    restarted = {"resizePolicy": [{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]}
    assert problems(restarted) == []
    assert problems(restarted, "Never") == [
        "c.resizePolicy: Invalid value: \"RestartContainer\": must be 'NotRequired' when `restartPolicy` is 'Never'"
    ]
    assert "for init containers" in problems(restarted, init=True)[0]
    assert problems({**restarted, "restartPolicy": "Always"}, init=True) == []
