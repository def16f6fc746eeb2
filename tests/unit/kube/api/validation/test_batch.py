"""Proves upstream's order, paths and words of what is refused of jobs and cron jobs."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import batch_v1
from provisioner.kube.api.defaults import apply
from provisioner.kube.api.validation import batch

ONCE = {"metadata": {"labels": {"a": "b"}}, "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}
SELECTED = {"manualSelector": True, "selector": {"matchLabels": {"a": "b"}}}
INDEXED: dict[str, Any] = {"completionMode": "Indexed", "completions": 5, "parallelism": 2}
CODES = {"operator": "In", "values": [1]}


def told(found: list[Any]) -> list[str]:
    return [f"{problem.field}: {problem.message}" for problem in found]


def job(name: str = "x", **spec: Any) -> batch_v1.Job:
    made = codec.decode_dict(batch_v1.Job, {"metadata": {"name": name, "uid": "u"}, "spec": {"template": ONCE, **SELECTED, **spec}})
    apply(made)
    return made


def rule(**given: Any) -> dict[str, Any]:
    return {"podFailurePolicy": {"rules": [{"action": "Count", "onExitCodes": CODES, **given}]}}


def success(*rules: dict[str, Any]) -> dict[str, Any]:
    return {**INDEXED, "successPolicy": {"rules": list(rules)}}


F, S = "spec.podFailurePolicy.rules[0]", "spec.successPolicy.rules"
JOBS: list[tuple[dict[str, Any], list[str]]] = [
    (rule(), []),
    (rule(action=""), [f'{F}.action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]']),
    (rule(action="FailIndex"), [f'{F}.action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set']),
    (rule(onExitCodes=None), [f"{F}: Invalid value: specifying one of OnExitCodes and OnPodConditions is required"]),
    (rule(onPodConditions=[{"type": "A", "status": "X"}]), [f'{F}.onPodConditions[0].status: Unsupported value: "X": supported values: "False", "True", "Unknown"', f"{F}: Invalid value: specifying both OnExitCodes and OnPodConditions is not supported"]),
    (rule(onExitCodes={"values": [2, 0, 2], "containerName": "d"}), [f'{F}.onExitCodes.operator: Required value: valid values: ["In" "NotIn"]', f'{F}.onExitCodes.containerName: Invalid value: "d": must be one of the container or initContainer names in the pod template', f"{F}.onExitCodes.values[2]: Duplicate value: 2", f"{F}.onExitCodes.values: Invalid value: [2,0,2]: must be ordered"]),
    (rule(onExitCodes={"operator": "In", "values": [0]}), [f"{F}.onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator"]),
    (rule(onExitCodes={"operator": "In"}), [f"{F}.onExitCodes.values: Invalid value: []: at least one value is required"]),
    (success(), [f"{S}: Required value: at least one rules must be specified when the successPolicy is specified"]),
    (success({}, {"succeededIndexes": "0-1", "succeededCount": 9}), [f"{S}[0]: Required value: at least one of succeededCount or succeededIndexes must be specified", f"{S}[1].succeededCount: Invalid value: 9: must be less than or equal to 5 (the number of specified completions)", f"{S}[1].succeededCount: Invalid value: 9: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)"]),
    ({**INDEXED, "completions": 200000, "parallelism": 20000, "backoffLimitPerIndex": 1}, ["spec.maxFailedIndexes: Required value: must be specified when completions is above 100000", "spec.parallelism: Invalid value: 20000: must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index"]),
    ({"backoffLimitPerIndex": 1, "maxFailedIndexes": 1}, ["spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode", "spec.maxFailedIndexes: Invalid value: 1: requires indexed completion mode"]),
    ({"completionMode": "Some"}, ['spec.completionMode: Unsupported value: "Some": supported values: "NonIndexed", "Indexed"']),
    ({"selector": {"matchLabels": {"a": "c"}}}, ['spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`']),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "expected"), JOBS)
def test_jobs(spec: dict[str, Any], expected: list[str]) -> None:
    assert told(batch.create(job(**spec))) == expected


def test_names_of_the_pods_of_an_indexed_job() -> None:
    name = "x" * 62
    message = f'metadata.name: Invalid value: "{name}": will not able to create pod with invalid DNS label: {name}-4'
    assert told(batch.create(job(name, **INDEXED))) == [message]


def test_a_selector_that_is_made_needs_the_labels_that_are_made() -> None:
    found = told(batch.create(job(manualSelector=False)))
    names = ("controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name")
    missing = [f"spec.template.metadata.labels[{key}]: Required value: must be '{'u' if 'uid' in key else 'x'}'" for key in names]
    assert found == [*missing, 'spec.selector: Invalid value: {"matchLabels":{"a":"b"}}: `selector` not auto-generated']


CRON = "spec.schedule: Invalid value: "
CRONS: list[tuple[dict[str, Any], list[str]]] = [
    ({"schedule": "TZ=UTC * * * *"}, [f'{CRON}"TZ=UTC * * * *": expected exactly 5 fields, found 4: [* * * *]', f'{CRON}"TZ=UTC * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead']),
    ({"timeZone": "Local"}, ['spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones']),
    ({"timeZone": "../x"}, ['spec.timeZone: Invalid value: "../x": unknown time zone ../x']),
    ({"failedJobsHistoryLimit": -1, "jobTemplate": {"spec": {"template": ONCE, **SELECTED}}}, ['spec.jobTemplate.spec.selector: Invalid value: {"matchLabels":{"a":"b"}}: `selector` will be auto-generated', 'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"', "spec.failedJobsHistoryLimit: Invalid value: -1: must be greater than or equal to 0"]),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "expected"), CRONS)
def test_cron_jobs(spec: dict[str, Any], expected: list[str]) -> None:
    document = {"metadata": {"name": "x"}, "spec": {"schedule": "@daily", "jobTemplate": {"spec": {"template": ONCE}}, **spec}}
    made = codec.decode_dict(batch_v1.CronJob, document)
    apply(made)
    assert told(batch.create(made)) == expected


@pytest.mark.parametrize(
    ("completions", "parallelism", "expected"),
    [
        (7, 7, []),
        (7, 2, ["spec.completions: Invalid value: 7: can only be modified in tandem with spec.parallelism"]),
    ],
)
def test_an_indexed_job_grows_with_what_runs_at_once(completions: int, parallelism: int, expected: list[str]) -> None:
    new = job(**{**INDEXED, "completions": completions, "parallelism": parallelism})
    assert told(batch.update(new, job(**INDEXED))) == expected
