"""Which pods the scopes of a quota select; admission and the counting controller must mean the same (core/v1 ResourceQuotaSpec)."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.qos import qos_class


def in_scopes(pod: core_v1.Pod, spec: core_v1.ResourceQuotaSpec) -> bool:
    """Whether a quota counts the pod; one without scopes counts all."""
    scopes: list[tuple[str, str, list[str]]] = [(scope, "Exists", []) for scope in spec.scopes or ()]
    selector = spec.scope_selector
    scopes += [(e.scope_name or "", e.operator or "", e.values or []) for e in (selector.match_expressions if selector else None) or ()]
    return all(_in_scope(pod.spec, *scope) for scope in scopes)


def _in_scope(spec: core_v1.PodSpec, scope: str, operator: str, values: list[str]) -> bool:
    if scope == "PriorityClass":
        name = spec.priority_class_name or ""
        return {"In": name in values, "NotIn": name not in values, "Exists": bool(name), "DoesNotExist": not name}.get(operator, False)
    if scope == "CrossNamespacePodAffinity":
        return _crosses(spec)
    best_effort, terminating = qos_class(spec) == "BestEffort", spec.active_deadline_seconds is not None
    known = {"BestEffort": best_effort, "NotBestEffort": not best_effort, "Terminating": terminating, "NotTerminating": not terminating}
    return known.get(scope, False)


def _crosses(spec: core_v1.PodSpec) -> bool:
    """Whether a pod's (anti-)affinity looks into other namespaces."""
    affinity = spec.affinity or core_v1.Affinity()
    terms: list[Any] = []
    for source in (affinity.pod_affinity, affinity.pod_anti_affinity):
        if source is not None:
            terms += source.required_during_scheduling_ignored_during_execution or ()
            terms += [w.pod_affinity_term for w in source.preferred_during_scheduling_ignored_during_execution or ()]
    return any(t is not None and (t.namespaces or t.namespace_selector is not None) for t in terms)
