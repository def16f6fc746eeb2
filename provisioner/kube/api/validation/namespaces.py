"""Namespaces: what must be done before one is gone is said by names with a domain, or Kubernetes' own (core/v1 NamespaceSpec)."""

from __future__ import annotations

from provisioner.kube.api import errors
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.metadata import STANDARD_FINALIZERS


def create(obj: core_v1.Namespace) -> list[FieldError]:
    return [problem for finalizer in obj.spec.finalizers or () for problem in _finalizer(finalizer, "spec.finalizers")]


def always(obj: core_v1.Namespace) -> list[FieldError]:
    return []


def finalize(obj: core_v1.Namespace) -> list[FieldError]:
    """What is written through the subresource of that name."""
    named = enumerate(obj.spec.finalizers or ())
    return [problem for index, finalizer in named for problem in _finalizer(finalizer, f"spec.finalizers[{index}]")]


def status(new: core_v1.Namespace, old: core_v1.Namespace) -> list[FieldError]:
    going = new.metadata.deletion_timestamp is not None
    phase, condition = ("Terminating", "is not empty") if going else ("Active", "is empty")
    if new.status.phase == phase:
        return []
    return [errors.invalid_value("status.Phase", new.status.phase or "", f"may only be '{phase}' if `deletionTimestamp` {condition}")]


def _finalizer(name: str, path: str) -> list[FieldError]:
    problems = checks.qualified(path, name)
    if "/" not in name and name not in STANDARD_FINALIZERS:
        problems.append(errors.invalid_value(path, name, "name is neither a standard finalizer name nor is it fully qualified"))
    return problems
