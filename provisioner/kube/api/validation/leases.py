"""Leases and who would hold them: coordinated leader election chooses by the versions of its candidates (coordination.k8s.io)."""

from __future__ import annotations

import re
from typing import Any

from provisioner.kube.api import errors
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.checks import needed, not_negative

OLDEST = "OldestEmulationVersion"
Version = tuple[int, int, int]
_NO_VERSION: Version = (0, 0, 0)
_SEMVER = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")


def create(obj: Any) -> list[FieldError]:
    return _lease(obj.spec) if type(obj).KIND == "Lease" else _candidate(obj.spec)


def update(new: Any, old: Any) -> list[FieldError]:
    return checks.unchanged("spec.leaseName", new.spec.lease_name, old.spec.lease_name) if type(new).KIND == "LeaseCandidate" else []


def _lease(spec: Any) -> list[FieldError]:
    problems = []
    if spec.lease_duration_seconds is not None and spec.lease_duration_seconds <= 0:
        problems.append(errors.invalid_value("spec.leaseDurationSeconds", spec.lease_duration_seconds, "must be greater than 0"))
    problems += not_negative("spec.leaseTransitions", spec.lease_transitions)
    if spec.strategy is not None:
        problems += _strategy(spec.strategy)
    if spec.preferred_holder and not spec.strategy:
        message = "may only be specified if `strategy` is defined"
        problems.append(errors.forbidden_field("spec.preferredHolder", message))
    return problems


def _candidate(spec: Any) -> list[FieldError]:
    problems = needed("spec.leaseName", spec.lease_name)
    versions: dict[str, Version] = {}
    for name, text in (("emulationVersion", spec.emulation_version), ("binaryVersion", spec.binary_version)):
        found = _SEMVER.fullmatch(text or "")
        # Upstream takes what it cannot read for 0.0.0.
        versions[name] = (int(found[1]), int(found[2]), int(found[3])) if found else _NO_VERSION
        if name == "binaryVersion":
            problems += needed(f"spec.{name}", text)
        if text and not found:
            problems.append(errors.invalid_value(f"spec.{name}", text, "must be a valid semantic version"))
    if spec.binary_version and spec.emulation_version and versions["binaryVersion"] < versions["emulationVersion"]:
        message = "must be greater than or equal to `emulationVersion`"
        problems.append(errors.invalid_value("spec.binaryVersion", spec.binary_version, message))
    if spec.strategy == OLDEST and versions["emulationVersion"] == _NO_VERSION:
        problems.append(errors.required("spec.emulationVersion", "must be specified when `strategy` is 'OldestEmulationVersion'"))
    return problems + (_strategy(spec.strategy) if spec.strategy else needed("spec.strategy", spec.strategy))


def _strategy(text: str) -> list[FieldError]:
    """Upstream's own, or somebody else's by a name with a domain. The path is upstream's, too."""
    path = "spec.strategy.strategy"
    if text == OLDEST:
        return []
    return checks.qualified(path, text) if "/" in text else [errors.not_supported(path, text, (OLDEST,))]
