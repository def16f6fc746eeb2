"""Proves what failure and success policies say, with upstream's messages."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api._generated import batch_v1, core_v1
from provisioner.kube.controllers.job_policies import Verdict, success, verdict
from tests.unit.kube.controllers.objects import made


def pod(code: int = 0, *, phase: str = "Failed", condition: str = "", init_code: int = 0) -> core_v1.Pod:
    statuses = [{"name": "c", "state": {"terminated": {"exitCode": code}}}]
    inits = [{"name": "i", "state": {"terminated": {"exitCode": init_code}}}]
    conditions = [{"type": condition, "status": "True"}] if condition else []
    status = {"phase": phase, "containerStatuses": statuses, "initContainerStatuses": inits, "conditions": conditions}
    return made(core_v1.Pod, {"metadata": {"name": "p", "namespace": "n"}, "spec": {}, "status": status})


def codes(action: str, operator: str, *values: int, container: str | None = None) -> dict[str, Any]:
    named = {"containerName": container} if container else {}
    return {"action": action, "onExitCodes": {"operator": operator, "values": list(values), **named}}


DISRUPTED = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}


@pytest.mark.parametrize(
    ("rules", "found", "expected"),
    [
        ([codes("Ignore", "In", 3)], pod(3), Verdict("Ignore", "Container c for pod n/p failed with exit code 3 matching Ignore rule at index 0")),
        ([codes("FailJob", "In", 3)], pod(4), Verdict()),
        ([codes("Count", "NotIn", 3)], pod(4), Verdict("Count", "Container c for pod n/p failed with exit code 4 matching Count rule at index 0")),
        ([codes("FailJob", "NotIn", 3)], pod(0), Verdict()),
        ([codes("FailJob", "In", 3, container="other")], pod(3), Verdict()),
        ([codes("FailJob", "In", 7)], pod(0, init_code=7), Verdict("FailJob", "Container i for pod n/p failed with exit code 7 matching FailJob rule at index 0")),
        ([codes("FailJob", "In", 1), DISRUPTED], pod(3, condition="DisruptionTarget"), Verdict("Ignore", "Pod n/p has condition DisruptionTarget matching Ignore rule at index 1")),
        ([codes("FailJob", "In", 3)], pod(3, phase="Running"), Verdict()),
    ],
)  # fmt: skip
def test_the_first_rule_that_matches(rules: list[dict[str, Any]], found: core_v1.Pod, expected: Verdict) -> None:
    assert verdict(made(batch_v1.PodFailurePolicy, {"rules": rules}), found) == expected


@pytest.mark.parametrize(
    ("rules", "done", "message"),
    [
        ([{"succeededIndexes": "0-2", "succeededCount": 2}], {0}, None),
        ([{"succeededIndexes": "0-2", "succeededCount": 2}], {0, 2}, "Matched rules at index 0"),
        ([{"succeededIndexes": "1,3"}], {1}, None),
        ([{"succeededCount": 3}, {"succeededIndexes": "1"}], {1}, "Matched rules at index 1"),
        ([], {1}, None),
    ],
)
def test_success(rules: list[dict[str, Any]], done: set[int], message: str | None) -> None:
    assert success(made(batch_v1.SuccessPolicy, {"rules": rules}), 5, done) == message
