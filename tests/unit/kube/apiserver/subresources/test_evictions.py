"""Proves which pods an eviction may take, and what a budget says when it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api._generated import core_v1, policy_v1
from provisioner.kube.api.codec import decode_dict
from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.subresources.evictions import budget_of, is_free, needs_budget, refusal


def pod(phase: str = "Running", ready: str = "True", **metadata: Any) -> core_v1.Pod:
    status = {"phase": phase, "conditions": [{"type": "Ready", "status": ready}]}
    document = {"metadata": {"name": "p", "labels": {"app": "x"}, **metadata}, "spec": {"containers": []}, "status": status}
    found: core_v1.Pod = decode_dict(core_v1.Pod, document)
    return found


def budget(policy: str | None = None, generation: int = 1, **status: Any) -> policy_v1.PodDisruptionBudget:
    spec: dict[str, Any] = {"selector": {"matchLabels": {"app": "x"}}, "unhealthyPodEvictionPolicy": policy}
    document = {
        "metadata": {"name": "b", "generation": generation},
        "spec": spec,
        "status": {"observedGeneration": 1, "disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0, **status},
    }
    found: policy_v1.PodDisruptionBudget = decode_dict(policy_v1.PodDisruptionBudget, document)
    return found


@pytest.mark.parametrize("phase", ["Pending", "Succeeded", "Failed"])
def test_pods_that_serve_nobody_are_free(phase: str) -> None:
    assert is_free(pod(phase))


def test_running_pods_are_free_only_when_they_go_anyway() -> None:
    assert not is_free(pod())
    assert is_free(pod(deletionTimestamp="2026-01-01T00:00:00Z"))


@pytest.mark.parametrize(
    ("ready", "policy", "status", "needed"),
    [
        ("True", "AlwaysAllow", {}, True),
        ("False", "AlwaysAllow", {}, False),
        ("False", None, {"currentHealthy": 1, "desiredHealthy": 2}, True),
        ("False", None, {"currentHealthy": 2, "desiredHealthy": 2}, False),
        ("False", "IfHealthyBudget", {"currentHealthy": 0, "desiredHealthy": 0}, True),
    ],
)
def test_pods_that_are_not_ready_go_by_their_budgets_policy(ready: str, policy: str | None, status: dict[str, int], needed: bool) -> None:
    assert needs_budget(pod(ready=ready), budget(policy, **status)) is needed


def test_several_budgets_are_too_many() -> None:
    assert budget_of(pod(), [budget()]) is not None
    with pytest.raises(StatusError) as caught:
        budget_of(pod(), [budget(), budget()])
    assert caught.value.code == 500


@pytest.mark.parametrize(
    ("made", "code", "cause", "retry_s"),
    [
        (budget(generation=2, disruptionsAllowed=1), 429, "The disruption budget b is still being processed by the server.", 10),
        (budget(currentHealthy=1, desiredHealthy=2), 429, "The disruption budget b needs 2 healthy pods and has 1 currently", None),
        (budget(disruptionsAllowed=-1), 403, "", None),
    ],
)
def test_what_a_budget_says(made: policy_v1.PodDisruptionBudget, code: int, cause: str, retry_s: int | None) -> None:
    error = refusal(made)
    assert error is not None and (error.code, error.retry_after_s) == (code, retry_s)
    if cause:
        assert error.details["causes"] == [{"reason": "DisruptionBudget", "message": cause}]


def test_a_budget_with_something_left_refuses_nothing() -> None:
    assert refusal(budget(disruptionsAllowed=1)) is None
