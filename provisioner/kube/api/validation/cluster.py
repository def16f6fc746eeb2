"""Nodes, events, quotas, limits, priorities, runtime classes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from provisioner.kube.api import errors, names
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.checks import Once, one_of, unchanged
from provisioner.kube.api.validation.scheduling import TAINT_EFFECTS, tolerations

POD_QUOTAS = frozenset(
    {
        "pods",
        *(f"{part}{name}" for part in ("", "requests.", "limits.") for name in ("cpu", "ephemeral-storage", "memory")),
    }
)
QUOTAS = POD_QUOTAS | {
    *("configmaps", "persistentvolumeclaims", "replicationcontrollers", "requests.storage", "resourcequotas", "secrets", "services"),
    *("services.loadbalancers", "services.nodeports"),
}
QUOTA_SCOPES = (
    "BestEffort",
    "CrossNamespacePodAffinity",
    "NotBestEffort",
    "NotTerminating",
    "PriorityClass",
    "Terminating",
    "VolumeAttributesClass",
)
# Those that a pod has or has not.
_UNVALUED_SCOPES = ("Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "CrossNamespacePodAffinity")
HIGHEST_USER_PRIORITY = 1_000_000_000
SYSTEM_PRIORITIES = ("system-cluster-critical", "system-node-critical")


def create(obj: Any) -> list[FieldError]:
    return _CREATE[type(obj).KIND](obj) if type(obj).KIND in _CREATE else []


def update(new: Any, old: Any) -> list[FieldError]:
    return _UPDATE[type(new).KIND](new, old) if type(new).KIND in _UPDATE else []


# -- nodes -----------------------------------------------------------------------------------------------------------------


def _node(obj: core_v1.Node) -> list[FieldError]:
    problems = []
    seen = Once()
    for index, taint in enumerate(obj.spec.taints or ()):
        where = f"metadata.taints[{index}]"
        problems += [errors.invalid_value(f"{where}.key", taint.key or "", m) for m in names.is_qualified_name(taint.key or "")]
        problems += [errors.invalid_value(f"{where}.value", taint.value, m) for m in names.is_label_value(taint.value or "")]
        problems += one_of(f"{where}.effect", taint.effect, TAINT_EFFECTS)
        for doubled in seen.add(where, (taint.key, taint.effect), taint):
            problems.append(replace(doubled, message=f"{doubled.message}: taints must be unique by key and effect pair"))
    for index, cidr in enumerate(obj.spec.pod_cidrs or ()):
        problems += checks.network(f"spec.podCIDRs[{index}]", cidr)
    cidrs = obj.spec.pod_cidrs or []
    families = {":" in cidr for cidr in cidrs}
    if len(cidrs) > 2 or (len(cidrs) == 2 and len(families) != 2):
        problems.append(errors.invalid_value("spec.podCIDRs", cidrs, "may specify no more than one CIDR for each IP family"))
    if cidrs and obj.spec.pod_cidr and cidrs[0] != obj.spec.pod_cidr:
        problems.append(errors.invalid_value("spec.podCIDRs", cidrs, "first value must match `podCIDR`"))
    for field, amounts in (("capacity", obj.status.capacity), ("allocatable", obj.status.allocatable)):
        for name, value in (amounts or {}).items():
            problems += checks.amount(f"status.{field}[{name}]", value)
    return problems


def _node_update(new: core_v1.Node, old: core_v1.Node) -> list[FieldError]:
    problems = []
    for name, attribute in (("podCIDRs", "pod_cidr"), ("providerID", "provider_id")):
        before = getattr(old.spec, attribute)
        if before and getattr(new.spec, attribute) != before:
            said = "podCIDR" if name == "podCIDRs" else name
            problems.append(errors.forbidden_field(f"spec.{name}", f'node updates may not change {said} except from "" to valid'))
    return problems


# -- quotas and limits -----------------------------------------------------------------------------------------------------


def _quota(obj: core_v1.ResourceQuota) -> list[FieldError]:
    problems = []
    for name, value in (obj.spec.hard or {}).items():
        where = f"spec.hard[{name}]"
        problems += _quota_name(name, where)
        problems += checks.amount(where, value)
    for index, scope in enumerate(obj.spec.scopes or ()):
        problems += one_of(f"spec.scopes[{index}]", scope, QUOTA_SCOPES)
    if _conflict(obj.spec.scopes or ()):
        problems.append(errors.invalid_value("spec.scopes", obj.spec.scopes, "conflicting scopes"))
    if any(not _counted_in(scope, name) for scope in obj.spec.scopes or () for name in obj.spec.hard or ()):
        problems.append(errors.invalid_value("spec.scopes", obj.spec.scopes, "unsupported scope applied to resource"))
    return problems + (_scope_selector(obj.spec) if obj.spec.scope_selector is not None else [])


def _conflict(scopes: Iterable[str | None]) -> bool:
    return any(pair <= set(scopes) for pair in ({"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"}))


def _scope_selector(spec: core_v1.ResourceQuotaSpec) -> list[FieldError]:
    selector, path = spec.scope_selector, "spec.scopeSelector.matchExpressions"
    assert selector is not None
    problems = []
    for one in selector.match_expressions or ():
        if one.scope_name not in QUOTA_SCOPES:
            problems.append(errors.invalid_value(f"{path}.scopeName", one.scope_name or "", "unsupported scope"))
        if any(not _counted_in(one.scope_name or "", name) for name in spec.hard or ()):
            problems.append(errors.invalid_value(path, selector, "unsupported scope applied to resource"))
        if one.scope_name in _UNVALUED_SCOPES and one.operator != "Exists":
            listed = ", ".join(f"ResourceQuotaScope{name}" for name in _UNVALUED_SCOPES[:-1])
            told = f"must be 'Exist' when scope is any of {listed} or ResourceQuotaScope{_UNVALUED_SCOPES[-1]}"
            problems.append(errors.invalid_value(f"{path}.operator", one.operator or "", told))
        if one.operator in ("In", "NotIn"):
            told = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
            problems += [] if one.values else [errors.required(f"{path}.values", told)]
        elif one.operator in ("Exists", "DoesNotExist"):
            told = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
            problems += [errors.invalid_value(f"{path}.values", one.values, told)] if one.values else []
        else:
            problems.append(errors.invalid_value(f"{path}.operator", one.operator or "", "not a valid selector operator"))
    if _conflict(one.scope_name for one in selector.match_expressions or ()):
        problems.append(errors.invalid_value(path, selector.match_expressions, "conflicting scopes"))
    return problems


def _quota_update(new: core_v1.ResourceQuota, old: core_v1.ResourceQuota) -> list[FieldError]:
    if set(new.spec.scopes or ()) == set(old.spec.scopes or ()):
        return []
    return [errors.invalid_value("spec.scopes", new.spec.scopes, checks.IMMUTABLE)]


def _quota_name(name: str, where: str) -> list[FieldError]:
    """A name that quotas know, or one with a domain."""
    problems = [errors.invalid_value(where, name, message) for message in names.is_qualified_name(name.replace("requests.", "", 1))]
    if problems or "/" in name or name in QUOTAS or name.startswith(("requests.hugepages-", "hugepages-")):
        return problems
    messages = ("must be a standard resource type or fully qualified", "must be a standard resource for quota")
    return [errors.invalid_value(where, name, message) for message in messages]


def _counted_in(scope: str, name: str) -> bool:
    """Whether a scope of pods says anything of a resource."""
    if scope == "BestEffort":
        return name == "pods"
    if scope in ("NotBestEffort", "Terminating", "NotTerminating", "PriorityClass"):
        return name in POD_QUOTAS or "/" in name or "hugepages-" in name
    return True


# -- the rest --------------------------------------------------------------------------------------------------------------


def _event(obj: core_v1.Event) -> list[FieldError]:
    about = obj.involved_object
    if about is None:
        return [errors.required("involvedObject")]
    expected = about.namespace or "default"
    if obj.metadata.namespace not in (expected, "kube-system" if not about.namespace else expected):
        return [errors.invalid_value("involvedObject.namespace", about.namespace or "", "does not match event.namespace")]
    return []


def _priority(obj: Any) -> list[FieldError]:
    name, problems = obj.metadata.name or "", []
    if name.startswith("system-"):
        if name not in SYSTEM_PRIORITIES:
            message = "priority class names with 'system-' prefix are reserved for system use only. error: "
            problems.append(errors.forbidden_field("metadata.name", f"{message}{name} is not a known system priority class"))
    elif (obj.value or 0) > HIGHEST_USER_PRIORITY:
        message = f"maximum allowed value of a user defined priority is {HIGHEST_USER_PRIORITY}"
        problems.append(errors.forbidden_field("value", message))
    return problems + one_of("preemptionPolicy", obj.preemption_policy, ("Never", "PreemptLowerPriority"), optional=True)


def _priority_update(new: Any, old: Any) -> list[FieldError]:
    problems = checks.forbidden_change("value", new.value or 0, old.value or 0, "may not be changed in an update.")
    return problems + unchanged("preemptionPolicy", new.preemption_policy, old.preemption_policy)


def _runtime_class(obj: Any) -> list[FieldError]:
    problems = checks.name_needed("handler", obj.handler, names.is_dns_label)
    if obj.overhead is not None:
        for name, value in (obj.overhead.pod_fixed or {}).items():
            problems += checks.amount(f"overhead.podFixed[{name}]", value)
    if obj.scheduling is not None:
        problems += checks.label_map("scheduling.nodeSelector", obj.scheduling.node_selector)
        problems += tolerations(obj.scheduling.tolerations, "scheduling.tolerations")
    return problems


def _runtime_class_update(new: Any, old: Any) -> list[FieldError]:
    return unchanged("handler", new.handler, old.handler)


_CREATE: dict[str, Callable[[Any], list[FieldError]]] = {
    "Node": _node,
    "ResourceQuota": _quota,
    "Event": _event,
    "PriorityClass": _priority,
    "RuntimeClass": _runtime_class,
}
_UPDATE: dict[str, Callable[[Any, Any], list[FieldError]]] = {
    "Node": _node_update,
    "ResourceQuota": _quota_update,
    "PriorityClass": _priority_update,
    "RuntimeClass": _runtime_class_update,
}
