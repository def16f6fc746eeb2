"""Proves what leases and their candidates must say."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from provisioner.kube.api._generated import coordination_v1, coordination_v1beta1
from provisioner.kube.api.validation import validate_create
from provisioner.kube.api.validation.leases import create, update

CANDIDATE = {"leaseName": "l", "binaryVersion": "1.36.0", "emulationVersion": "1.36.0", "strategy": "OldestEmulationVersion"}


def problems(cls: Any, spec: dict[str, Any]) -> list[str]:
    return [f"{found.field}: {found.message}" for found in create(msgspec.convert({"metadata": {"name": "x"}, "spec": spec}, cls))]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"leaseDurationSeconds": 1, "leaseTransitions": 0}, []),
        ({"leaseDurationSeconds": 0}, ["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"]),
        ({"leaseTransitions": -1}, ["spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0"]),
        ({"preferredHolder": "a"}, ["spec.preferredHolder: Forbidden: may only be specified if `strategy` is defined"]),
        ({"preferredHolder": "a", "strategy": "example.com/own"}, []),
        ({"strategy": "Best"}, ['spec.strategy.strategy: Unsupported value: "Best": supported values: "OldestEmulationVersion"']),
    ],
)
def test_leases(spec: dict[str, Any], said: list[str]) -> None:
    assert problems(coordination_v1.Lease, spec) == said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"leaseName": ""}, ["spec.leaseName: Required value"]),
        ({"leaseName": "Any_Name", "binaryVersion": "1.36.1-rc.0"}, []),
        (
            {"binaryVersion": "1.36"},
            [
                'spec.binaryVersion: Invalid value: "1.36": must be a valid semantic version',
                'spec.binaryVersion: Invalid value: "1.36": must be greater than or equal to `emulationVersion`',
            ],
        ),
        (
            {"emulationVersion": "1.37.0"},
            ['spec.binaryVersion: Invalid value: "1.36.0": must be greater than or equal to `emulationVersion`'],
        ),
        (
            {"emulationVersion": "x", "binaryVersion": ""},
            [
                'spec.emulationVersion: Invalid value: "x": must be a valid semantic version',
                "spec.binaryVersion: Required value",
                "spec.emulationVersion: Required value: must be specified when `strategy` is 'OldestEmulationVersion'",
            ],
        ),
        (
            {"emulationVersion": ""},
            ["spec.emulationVersion: Required value: must be specified when `strategy` is 'OldestEmulationVersion'"],
        ),
        ({"strategy": ""}, ["spec.strategy: Required value"]),
    ],
)
def test_candidates(change: dict[str, Any], said: list[str]) -> None:
    assert problems(coordination_v1beta1.LeaseCandidate, {**CANDIDATE, **change}) == said


def test_a_candidates_name_may_have_capitals() -> None:
    named = [
        msgspec.convert({"metadata": {"name": name}, "spec": CANDIDATE}, coordination_v1beta1.LeaseCandidate) for name in ("A_b", "a/b")
    ]
    assert [[found.field for found in validate_create(one)] for one in named] == [[], ["metadata.name"]]


def test_a_candidate_stays_with_its_lease() -> None:
    old, new = (msgspec.convert({"spec": {**CANDIDATE, "leaseName": name}}, coordination_v1beta1.LeaseCandidate) for name in ("l", "m"))
    assert [found.field for found in update(new, old)] == ["spec.leaseName"] and update(old, old) == []
