"""Proves the autoscaler's arithmetic: ratios, tolerance, pods that don't count yet, stabilization, rates and bounds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from provisioner.kube.api._generated import autoscaling_v2, core_v1
from provisioner.kube.controllers.replica_count import (
    Change,
    NoCount,
    Sample,
    Tolerances,
    by_pods,
    by_total,
    by_value,
    limit,
    tolerances_of,
)
from tests.unit.kube.controllers.objects import NOW, at, made, pod


def running(name: str, phase: str = "Running") -> core_v1.Pod:
    ready = {"type": "Ready", "status": "True" if phase == "Running" else "False", "lastTransitionTime": at(-600)}
    status = {"phase": phase, "startTime": at(-600), "conditions": [ready]}
    return made(core_v1.Pod, {"metadata": {"name": name, "namespace": "ns"}, "spec": {}, "status": status})


def used(*milli: int) -> dict[str, Sample]:
    return {f"p{i}": Sample(value, NOW, 60.0) for i, value in enumerate(milli) if value >= 0}


@pytest.mark.parametrize(
    ("values", "phases", "target", "replicas"),
    [
        ((500, 500), (), 50, 2),  # exactly the target
        ((540, 540), (), 50, 2),  # within the tolerance of a tenth
        ((1000, 1000), (), 50, 4),
        ((100, 100), (), 50, 1),
        ((900, 900), ("Pending",), 50, 4),  # one that starts takes the edge off: 1800/3000 = 60 %, of 3 pods
        ((900, 900, -1), (), 50, 4),  # one without metrics is taken as idle when growing
        ((0, 0, -1), (), 50, 2),  # and as busy with all it asked for when shrinking
    ],
    ids=["on-target", "tolerance", "double", "shrink", "starting", "missing-up", "missing-down"],
)
def test_by_share_of_requests(values: tuple[int, ...], phases: tuple[str, ...], target: int, replicas: int) -> None:
    pods = [running(f"p{i}") for i in range(len(values))] + [running(f"q{i}", phase) for i, phase in enumerate(phases)]
    requests = {p.metadata.name or "": 1000 for p in pods}
    wanted, _ = by_pods(len(pods), pods, used(*values), target, resource="cpu", requests=requests, now=NOW)
    assert wanted == replicas


def test_a_pod_that_has_just_started_is_not_believed() -> None:
    young = made(
        core_v1.Pod,
        {
            "metadata": {"name": "p1", "namespace": "ns"},
            "spec": {},
            "status": {
                "phase": "Running",
                "startTime": at(-20),
                "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": at(-10)}],
            },
        },
    )
    requests = {"p0": 1000, "p1": 1000}
    wanted, percent = by_pods(2, [running("p0"), young], used(500, 4000), 50, resource="cpu", requests=requests, now=NOW)
    assert (wanted, percent) == (2, 50)


def test_without_metrics_nothing_is_said() -> None:
    with pytest.raises(NoCount, match="did not receive metrics"):
        by_pods(1, [running("p0")], {}, 50, now=NOW)
    with pytest.raises(NoCount, match="did not receive metrics"):
        by_pods(1, [pod("p0", phase="Failed")], used(5), 50, now=NOW)


def test_by_one_value_and_by_a_shared_total() -> None:
    assert by_value(3, 3, 20_000, 10_000) == 6
    assert by_value(3, 3, 10_500, 10_000) == 3
    assert by_total(3, 35_000, 10_000) == 4
    assert by_total(0, 35_000, 10_000) == 4


def spec(low: int = 1, high: int = 10, **behavior: Any) -> autoscaling_v2.HorizontalPodAutoscalerSpec:
    target = {"kind": "Deployment", "name": "d"}
    document = {"minReplicas": low, "maxReplicas": high, "scaleTargetRef": target, **({"behavior": behavior} if behavior else {})}
    return made(autoscaling_v2.HorizontalPodAutoscalerSpec, document)


ONE_A_MINUTE = {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]}


@pytest.mark.parametrize(
    ("found", "current", "wanted", "changes", "replicas", "reason"),
    [
        (spec(), 3, 5, [], 5, "DesiredWithinRange"),
        (spec(high=4), 3, 9, [], 4, "TooManyReplicas"),
        (spec(low=2), 3, 1, [], 2, "TooFewReplicas"),
        (spec(high=100), 3, 90, [], 7, "ScaleUpLimit"),  # four more, or double: the larger
        (spec(high=100), 10, 90, [], 20, "ScaleUpLimit"),
        (spec(scaleUp=ONE_A_MINUTE), 3, 9, [], 4, "ScaleUpLimit"),
        (spec(scaleUp=ONE_A_MINUTE), 3, 9, [(1, -30)], 3, "ScaleUpLimit"),  # it was used up half a minute ago
        (spec(scaleUp=ONE_A_MINUTE), 3, 9, [(1, -90)], 4, "ScaleUpLimit"),
        (spec(scaleDown={"selectPolicy": "Disabled"}), 3, 1, [], 3, "ScaleDownLimit"),
        (spec(scaleDown={**ONE_A_MINUTE, "stabilizationWindowSeconds": 0}), 5, 1, [], 4, "ScaleDownLimit"),
    ],
)
def test_rates_and_bounds(
    found: autoscaling_v2.HorizontalPodAutoscalerSpec, current: int, wanted: int, changes: list[tuple[int, int]], replicas: int, reason: str
) -> None:
    done = [Change(by, NOW + timedelta(seconds=seconds)) for by, seconds in changes]
    limited = limit(found, current, wanted, [], done, NOW)
    assert (limited.replicas, limited.limited[1]) == (replicas, reason)


def test_shrinking_waits_for_the_window_to_agree() -> None:
    recent = [(NOW - timedelta(seconds=200), 5), (NOW - timedelta(seconds=400), 9)]
    limited = limit(spec(), 6, 2, recent, [], NOW)
    assert limited.replicas == 5
    assert limited.able is not None and limited.able[1] == "ScaleDownStabilized"
    assert limit(spec(), 6, 2, recent[1:], [], NOW).replicas == 2


@pytest.mark.parametrize(("value", "wanted"), [(9_000, 9), (9_600, 10), (12_000, 10), (12_600, 13)])
def test_each_direction_has_its_own_tolerance(value: int, wanted: int) -> None:
    behavior = {"scaleUp": {"tolerance": "250m"}, "scaleDown": {"tolerance": "0.05"}}
    spec = made(autoscaling_v2.HorizontalPodAutoscalerSpec, {"maxReplicas": 9, "behavior": behavior})
    tolerances = tolerances_of(spec)
    assert tolerances == Tolerances(down=0.05, up=0.25)
    assert by_value(10, 10, value, 10_000, tolerances) == wanted
