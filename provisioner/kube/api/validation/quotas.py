"""Quotas: resources that can be counted, and scopes that say something of them (core/v1 ResourceQuota)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provisioner.kube.api import errors
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks, resource_names

_POD_AMOUNTS = {"pods", *(f"{part}{name}" for part in ("", "requests.", "limits.") for name in ("cpu", "memory"))}
# scope -> what it says something of
_SCOPES = {
    "BestEffort": {"pods"},
    "VolumeAttributesClass": {"persistentvolumeclaims", "requests.storage"},
    **dict.fromkeys(("Terminating", "NotTerminating", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity"), _POD_AMOUNTS),
}
# Those that a pod has or has not.
_UNVALUED_SCOPES = ("Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "CrossNamespacePodAffinity")
_MISPLACED = "unsupported scope applied to resource"


def create(obj: core_v1.ResourceQuota) -> list[FieldError]:
    spec, path = obj.spec, "spec.scopes"
    problems = _amounts(spec.hard, "spec.hard")
    for scope in spec.scopes or ():
        if scope not in _SCOPES:
            problems.append(errors.invalid_value(path, spec.scopes, "unsupported scope"))
        problems += [errors.invalid_value(path, spec.scopes, _MISPLACED) for _ in _not_counted(scope, spec.hard)]
    problems += _conflicts(spec.scopes or (), spec, path)
    return problems + (_scope_selector(spec) if spec.scope_selector is not None else [])


def update(new: core_v1.ResourceQuota, old: core_v1.ResourceQuota) -> list[FieldError]:
    if set(new.spec.scopes or ()) == set(old.spec.scopes or ()):
        return []
    return [errors.invalid_value("spec.scopes", new.spec.scopes, checks.IMMUTABLE)]


def status(new: core_v1.ResourceQuota, old: core_v1.ResourceQuota) -> list[FieldError]:
    return _amounts(new.status.hard, "status.hard") + _amounts(new.status.used, "status.used")


def _amounts(given: dict[str, Any] | None, path: str) -> list[FieldError]:
    problems: list[FieldError] = []
    for name, value in (given or {}).items():
        where = f"{path}[{name}]"
        problems += resource_names.wrong_name(name, where)
        if "/" not in name and not resource_names.of_quotas(name):
            problems.append(errors.invalid_value(where, name, "must be a standard resource for quota"))
        problems += resource_names.wrong_amount(name, value, where)
    return problems


def _not_counted(scope: str | None, hard: Iterable[str] | None) -> list[str]:
    """Standard resources that a scope says nothing of."""
    counted = _SCOPES.get(scope or "")
    return [] if counted is None else [name for name in hard or () if resource_names.of_quotas(name) and name not in counted]


def _conflicts(scopes: Iterable[str | None], spec: core_v1.ResourceQuotaSpec, path: str) -> list[FieldError]:
    found = set(scopes)
    pairs = ({"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"})
    return [errors.invalid_value(path, spec.scopes, "conflicting scopes") for pair in pairs if pair <= found]


def _scope_selector(spec: core_v1.ResourceQuotaSpec) -> list[FieldError]:
    selector, path = spec.scope_selector, "spec.scopeSelector.matchExpressions"
    assert selector is not None
    problems = []
    for one in selector.match_expressions or ():
        if one.scope_name not in _SCOPES:
            problems.append(errors.invalid_value(f"{path}.scopeName", one.scope_name or "", "unsupported scope"))
        problems += [errors.invalid_value(path, selector, _MISPLACED) for _ in _not_counted(one.scope_name, spec.hard)]
        if one.scope_name in _UNVALUED_SCOPES and one.operator != "Exists":
            listed = ", ".join(f"ResourceQuotaScope{name}" for name in _UNVALUED_SCOPES[:-1])
            told = f"must be 'Exists' when scope is any of {listed} or ResourceQuotaScope{_UNVALUED_SCOPES[-1]}"
            problems.append(errors.invalid_value(f"{path}.operator", one.operator or "", told))
        if one.operator in ("In", "NotIn"):
            told = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
            problems += [] if one.values else [errors.required(f"{path}.values", told)]
        elif one.operator in ("Exists", "DoesNotExist"):
            told = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
            problems += [errors.invalid_value(f"{path}.values", one.values, told)] if one.values else []
        else:
            problems.append(errors.invalid_value(f"{path}.operator", one.operator or "", "not a valid selector operator"))
    return problems + _conflicts((one.scope_name for one in selector.match_expressions or ()), spec, path)
