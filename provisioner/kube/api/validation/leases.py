"""Leases and who would hold them: coordinated leader election chooses by the versions of its candidates (coordination.k8s.io)."""

from __future__ import annotations

import re
from typing import Any

from provisioner.kube.api import errors, names
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.checks import needed, not_negative

OLDEST = "OldestEmulationVersion"
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
    problems = checks.name_needed("spec.leaseName", spec.lease_name)
    problems += needed("spec.binaryVersion", spec.binary_version)
    for name, text in (("binaryVersion", spec.binary_version), ("emulationVersion", spec.emulation_version)):
        if text and not _SEMVER.fullmatch(text):
            problems.append(errors.invalid_value(f"spec.{name}", text, "must be a semantic version"))
    if not problems and spec.emulation_version and _numbers(spec.binary_version) < _numbers(spec.emulation_version):
        message = "must be greater than or equal to emulationVersion"
        problems.append(errors.invalid_value("spec.binaryVersion", spec.binary_version, message))
    problems += needed("spec.strategy", spec.strategy)
    if spec.strategy:
        problems += _strategy(spec.strategy)
    if spec.strategy == OLDEST and not spec.emulation_version:
        problems.append(errors.required("spec.emulationVersion", "must be specified when `strategy` is 'OldestEmulationVersion'"))
    return problems


def _strategy(text: str) -> list[FieldError]:
    """Upstream's own, or somebody else's by a name with a domain."""
    if text == OLDEST:
        return []
    if "/" not in text:
        return [errors.not_supported("spec.strategy", text, (OLDEST,))]
    return [errors.invalid_value("spec.strategy", text, message) for message in names.is_qualified_name(text)]


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.split("[-+]", text)[0].split("."))
