"""Proves which ways a job's status may go, whoever writes it, and that what was wrong before is borne."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import batch_v1
from provisioner.kube.api.validation import validate_status_update

BEGAN, LATER = "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"
MET, COMPLETE, TARGET, FAILED = ({"type": t, "status": "True"} for t in ("SuccessCriteriaMet", "Complete", "FailureTarget", "Failed"))
RUNS: dict[str, Any] = {"startTime": BEGAN, "active": 2, "ready": 1, "failed": 1}
DONE: dict[str, Any] = {"startTime": BEGAN, "succeeded": 2, "completionTime": LATER, "conditions": [MET, COMPLETE]}
LOST: dict[str, Any] = {"startTime": BEGAN, "failed": 2, "conditions": [TARGET, FAILED]}
PLAIN: dict[str, Any] = {"completions": 4, "parallelism": 2}
INDEXED: dict[str, Any] = {**PLAIN, "completionMode": "Indexed", "backoffLimitPerIndex": 1}


def job(status: dict[str, Any], spec: dict[str, Any]) -> batch_v1.Job:
    return codec.decode_dict(batch_v1.Job, {"metadata": {"name": "j", "namespace": "d"}, "spec": spec, "status": status})


def found(before: dict[str, Any], after: dict[str, Any], spec: dict[str, Any] = PLAIN) -> list[str]:
    return [f"{one.field.removeprefix('status.')}: {one.message}" for one in validate_status_update(job(after, spec), job(before, spec))]


@pytest.mark.parametrize(
    ("before", "after", "spec"),
    [
        ({}, RUNS, PLAIN),
        (RUNS, {**RUNS, "active": 0, "ready": 0, "succeeded": 2, "conditions": [MET]}, PLAIN),
        (RUNS, {**DONE, "failed": 1}, PLAIN),
        (RUNS, LOST, PLAIN),
        (RUNS, {**RUNS, "startTime": None}, {**PLAIN, "suspend": True}),
        (
            {"succeeded": 3},
            {"succeeded": 2, "completedIndexes": "0,1", "failedIndexes": "3"},
            {**INDEXED, "completions": 4, "parallelism": 4},
        ),
        ({}, {"uncountedTerminatedPods": {"succeeded": ["a"], "failed": ["b"]}}, PLAIN),
        # Wrong before, and about something else now.
        ({**DONE, "ready": 3}, {**DONE, "ready": 3, "terminating": 0}, PLAIN),
    ],
)
def test_ways_that_it_goes(before: dict[str, Any], after: dict[str, Any], spec: dict[str, Any]) -> None:
    assert found(before, after, spec) == []


@pytest.mark.parametrize(
    ("before", "after", "wrong"),
    [
        (
            {},
            {**DONE, "conditions": [COMPLETE]},
            "conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true",
        ),
        (
            {},
            {"startTime": BEGAN, "conditions": [FAILED]},
            "conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true",
        ),
        (
            {},
            {"conditions": [MET, TARGET]},
            "conditions: Invalid value: cannot set SuccessCriteriaMet=True and FailureTarget=true conditions",
        ),
        (
            DONE,
            {**DONE, "conditions": [MET], "completionTime": None},
            "conditions: Invalid value: cannot disable the terminal Complete=True condition",
        ),
        ({"conditions": [MET]}, {}, "conditions: Invalid value: cannot disable the SuccessCriteriaMet=True condition"),
        (RUNS, {**RUNS, "completionTime": LATER}, "completionTime: Invalid value: "),
        ({}, {**DONE, "completionTime": None}, "completionTime: Required value: completionTime is required for Complete jobs"),
        ({}, {**DONE, "startTime": LATER, "completionTime": BEGAN}, "completionTime: Invalid value: "),
        (DONE, {**DONE, "completionTime": "2026-01-01T02:00:00Z"}, "completionTime: Invalid value: "),
        (RUNS, {**RUNS, "startTime": LATER}, "startTime: Invalid value: "),
        (RUNS, {**RUNS, "startTime": None}, 'startTime: Invalid value: "null": field is immutable for unsuspended job once set'),
        ({}, {**LOST, "startTime": None}, "startTime: Required value: startTime is required for finished job"),
        ({}, {**LOST, "active": 1}, "active: Invalid value: 1: active>0 is invalid for finished job"),
        ({}, {**LOST, "terminating": 1}, "terminating: Invalid value: 1: terminating>0 is invalid for finished job"),
        ({}, {**LOST, "uncountedTerminatedPods": {"failed": ["a"]}}, "uncountedTerminatedPods: Invalid value: "),
        ({}, {"uncountedTerminatedPods": {"succeeded": ["a"], "failed": ["a"]}}, 'uncountedTerminatedPods.failed[0]: Duplicate value: "a"'),
        ({}, {"uncountedTerminatedPods": {"failed": [""]}}, 'uncountedTerminatedPods.failed[0]: Invalid value: "": must not be empty'),
        (RUNS, {**RUNS, "ready": 3}, "ready: Invalid value: 3: cannot set more ready pods than active"),
        (RUNS, {**RUNS, "failed": 0}, "failed: Invalid value: 0: cannot decrease the failed counter"),
        ({"succeeded": 2}, {"succeeded": 1}, "succeeded: Invalid value: 1: cannot decrease the succeeded counter"),
        ({}, {"completedIndexes": "0"}, "completedIndexes: Invalid value: "),
        (
            {},
            {"failedIndexes": ""},
            'failedIndexes: Invalid value: "": cannot set non-null failedIndexes when backoffLimitPerIndex is null',
        ),
    ],
)
def test_ways_that_it_does_not_go(before: dict[str, Any], after: dict[str, Any], wrong: str) -> None:
    (one,) = found(before, after)
    assert one.startswith(wrong)


@pytest.mark.parametrize(
    ("after", "wrong"),
    [
        ({"completedIndexes": "0,9"}, 'completedIndexes: Invalid value: "0,9": error parsing completedIndexes: too large index: "9"'),
        (
            {"failedIndexes": "2,1"},
            'failedIndexes: Invalid value: "2,1": error parsing failedIndexes: non-increasing order, previous: 2, current: 1',
        ),
        (
            {"completedIndexes": "0-2", "failedIndexes": "2,3"},
            'failedIndexes: Invalid value: "2,3": failedIndexes and completedIndexes overlap at index: 2',
        ),
    ],
)
def test_indexes(after: dict[str, Any], wrong: str) -> None:
    assert found({}, after, INDEXED) == [wrong]
