"""Proves which quotas there may be, in upstream's order, paths and words."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.validation.quotas import create, status

NOT_COUNTED = 'Invalid value: "{}": must be a standard resource for quota'
MISPLACED = "unsupported scope applied to resource"


def quota(**document: Any) -> core_v1.ResourceQuota:
    found: core_v1.ResourceQuota = codec.decode_dict(core_v1.ResourceQuota, document)
    return found


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"hard": {"pods": "1", "requests.example.com/gpu": "1", "count/jobs.batch": "2", "requests.hugepages-2Mi": "2Mi"}}, []),
        ({"hard": {"storage": "1Gi"}}, [("hard[storage]", NOT_COUNTED.format("storage"))]),
        ({"hard": {"count/jobs.batch": "1500m"}}, [("hard[count/jobs.batch]", 'Invalid value: "1500m": must be an integer')]),
        ({"hard": {"secrets": "500m"}}, [("hard[secrets]", 'Invalid value: "500m": must be an integer')]),
        ({"scopes": ["Far"]}, [("scopes", 'Invalid value: ["Far"]: unsupported scope')]),
        # Of what has a domain a scope says nothing wrong, whatever it is.
        ({"hard": {"count/jobs.batch": "1"}, "scopes": ["BestEffort"]}, []),
        (
            {"hard": {"pods": "1", "secrets": "1", "limits.ephemeral-storage": "1"}, "scopes": ["CrossNamespacePodAffinity"]},
            [("scopes", f'Invalid value: ["CrossNamespacePodAffinity"]: {MISPLACED}')] * 2,
        ),
        ({"hard": {"requests.storage": "1"}, "scopes": ["VolumeAttributesClass"]}, []),
        ({"hard": {"pods": "1"}, "scopes": ["VolumeAttributesClass"]}, [("scopes", f'Invalid value: ["VolumeAttributesClass"]: {MISPLACED}')]),
        (
            {"scopes": ["BestEffort", "NotBestEffort", "X"]},
            [
                ("scopes", 'Invalid value: ["BestEffort","NotBestEffort","X"]: unsupported scope'),
                ("scopes", 'Invalid value: ["BestEffort","NotBestEffort","X"]: conflicting scopes'),
            ],
        ),
        (
            {"scopeSelector": {"matchExpressions": [{"scopeName": f"{no}Terminating", "operator": "Exists"} for no in ("", "Not")]}},
            [("scopeSelector.matchExpressions", 'Invalid value: "null": conflicting scopes')],
        ),
    ],
)  # fmt: skip
def test_what_is_asked_for(spec: dict[str, Any], said: list[tuple[str, str]]) -> None:
    assert [(found.field.removeprefix("spec."), found.message) for found in create(quota(spec=spec))] == said


def test_what_is_counted() -> None:
    found = status(quota(status={"hard": {"foo": "1"}, "used": {"pods": "-1"}}), quota())
    assert [(problem.field, problem.message) for problem in found] == [
        ("status.hard[foo]", 'Invalid value: "foo": must be a standard resource type or fully qualified'),
        ("status.hard[foo]", NOT_COUNTED.format("foo")),
        ("status.used[pods]", 'Invalid value: "-1": must be greater than or equal to 0'),
    ]
