"""Proves upstream's order, paths and words of what is refused of the kinds of apps/v1."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import apps_v1
from provisioner.kube.api.defaults import apply
from provisioner.kube.api.validation import validate_create, workloads

TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
SPEC = {"selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE}
MISMATCH = 'spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`'
STRATEGY = "spec.updateStrategy"
SPECS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("DaemonSet", {}, []),
    ("DaemonSet", {"selector": None}, [MISMATCH]),
    ("DaemonSet", {"updateStrategy": {"type": "X"}, "minReadySeconds": -1, "revisionHistoryLimit": -1}, ["spec.minReadySeconds: Invalid value: -1", f'{STRATEGY}: Unsupported value: {{"type":"X"}}: supported values: "RollingUpdate", "OnDelete"', "spec.revisionHistoryLimit: Invalid value: -1"]),
    ("DaemonSet", {"updateStrategy": {"rollingUpdate": {"maxSurge": "101%"}}}, [f'{STRATEGY}.rollingUpdate.maxSurge: Invalid value: "101%": must not be greater than 100%', f'{STRATEGY}.rollingUpdate.maxSurge: Invalid value: "101%": may not be set when']),
    ("StatefulSet", {"podManagementPolicy": "X", "updateStrategy": {"type": "Y"}, "replicas": -1, "ordinals": {"start": -1}, "selector": {}}, ['spec.podManagementPolicy: Invalid value: "X": must be', f'{STRATEGY}: Invalid value: {{"type":"Y"}}: must be \'RollingUpdate\' or \'OnDelete\'', "spec.replicas: Invalid value: -1", "spec.ordinals.start: Invalid value: -1", "spec.selector: Invalid value: {}: empty selector is invalid for statefulset"]),
    ("StatefulSet", {"updateStrategy": {"rollingUpdate": {"partition": -1, "maxUnavailable": 0}}}, [f"{STRATEGY}.rollingUpdate.partition: Invalid value: -1", f"{STRATEGY}.rollingUpdate.maxUnavailable: Invalid value: 0: cannot be 0"]),
    ("StatefulSet", {"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Keep"}}, ['spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: "Keep": supported values: "Retain", "Delete"']),
    ("Deployment", {"template": {**TEMPLATE, "metadata": {"labels": {"a": "b"}, "annotations": {"b c": ""}}}}, ['spec.template.annotations: Invalid value: "b c": name part must consist']),
]  # fmt: skip


def made(kind: str, **given: Any) -> Any:
    obj = codec.decode_dict(getattr(apps_v1, kind), {"metadata": {"name": "x"}, **given})
    apply(obj)
    return obj


def begins(found: list[Any], expected: list[str]) -> bool:
    told = [f"{problem.field}: {problem.message}" for problem in found]
    return len(told) == len(expected) and all(map(str.startswith, told, expected))


@pytest.mark.parametrize(("kind", "spec", "expected"), SPECS)
def test_specs(kind: str, spec: dict[str, Any], expected: list[str]) -> None:
    found = workloads.create(made(kind, spec={**SPEC, **spec}))
    assert begins(found, expected), found


def test_a_statefulset_is_named_as_its_pods_are() -> None:
    document = {"metadata": {"name": "a.b"}, "spec": {**SPEC, "serviceName": "s"}}
    found = validate_create(made("StatefulSet", **document))
    assert begins(found, ['metadata.name: Invalid value: "a.b": a lowercase RFC 1123 label']), found


def test_a_revision_has_its_data_first() -> None:
    assert begins(workloads.create(made("ControllerRevision", revision=-1)), ["data: Required value: data is mandatory", "revision: "])
