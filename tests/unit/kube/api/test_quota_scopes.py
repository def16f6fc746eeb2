"""Proves which pods each scope of a quota selects, and that all scopes must."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.quota_scopes import in_scopes

BEST: dict[str, Any] = {"containers": [{"name": "c"}]}
BURST: dict[str, Any] = {"containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]}
TERM = {"topologyKey": "zone", "namespaces": ["other"]}
AFFINE = {**BEST, "affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [TERM]}}}


def wants(operator: str, *values: str) -> dict[str, Any]:
    return {"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": operator, "values": list(values)}]}}


@pytest.mark.parametrize(
    ("pod", "quota", "counts"),
    [
        (BEST, {}, True),
        (BEST, {"scopes": ["BestEffort"]}, True),
        (BURST, {"scopes": ["BestEffort"]}, False),
        (BURST, {"scopes": ["NotBestEffort", "NotTerminating"]}, True),
        ({**BURST, "activeDeadlineSeconds": 5}, {"scopes": ["NotBestEffort", "NotTerminating"]}, False),
        ({**BEST, "activeDeadlineSeconds": 5}, {"scopes": ["Terminating"]}, True),
        ({**BEST, "priorityClassName": "high"}, wants("In", "high"), True),
        ({**BEST, "priorityClassName": "high"}, wants("NotIn", "high"), False),
        (BEST, wants("Exists"), False),
        (BEST, wants("DoesNotExist"), True),
        (AFFINE, {"scopes": ["CrossNamespacePodAffinity"]}, True),
        (BEST, {"scopes": ["CrossNamespacePodAffinity"]}, False),
    ],
)
def test_scopes(pod: dict[str, Any], quota: dict[str, Any], counts: bool) -> None:
    made = msgspec.convert({"spec": pod}, core_v1.Pod)
    assert in_scopes(made, msgspec.convert(quota, core_v1.ResourceQuotaSpec)) is counts
