"""Where pods may go: affinity, tolerations, spread."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api import errors, names, own_labels
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation.checks import Once, label_selector, needed, one_of

TAINT_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def affinities(found: core_v1.PodSpec, path: str) -> list[FieldError]:
    """A pod spec's affinity."""
    problems: list[FieldError] = []
    affinity, where = found.affinity, f"{path}.affinity"
    if affinity is None:
        return problems
    if affinity.node_affinity is not None:
        problems += _node_affinity(affinity.node_affinity, f"{where}.nodeAffinity")
    for name, part in (("podAffinity", affinity.pod_affinity), ("podAntiAffinity", affinity.pod_anti_affinity)):
        if part is not None:
            problems += _pod_affinity(part, f"{where}.{name}")
    return problems


def tolerations(found: list[core_v1.Toleration] | None, path: str) -> list[FieldError]:
    problems = []
    for index, toleration in enumerate(found or ()):
        where = f"{path}[{index}]"
        if toleration.key:
            problems += [errors.invalid_value(f"{where}.key", toleration.key, m) for m in names.is_qualified_name(toleration.key)]
        elif toleration.operator != "Exists":
            message = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            problems.append(errors.invalid_value(f"{where}.operator", toleration.operator or "", message))
        if toleration.toleration_seconds is not None and toleration.effect != "NoExecute":
            message = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            problems.append(errors.invalid_value(f"{where}.effect", toleration.effect or "", message))
        if toleration.operator in (None, "", "Equal"):
            problems += [
                errors.invalid_value(f"{where}.operator", toleration.value, m) for m in names.is_label_value(toleration.value or "")
            ]
        elif toleration.operator == "Exists":
            if toleration.value:
                message = "value must be empty when `operator` is 'Exists'"
                problems.append(errors.invalid_value(f"{where}.operator", toleration.value, message))
        else:
            problems += one_of(f"{where}.operator", toleration.operator, ("Equal", "Exists"))
        problems += one_of(f"{where}.effect", toleration.effect, TAINT_EFFECTS, optional=True)
    return problems


def spread(found: list[core_v1.TopologySpreadConstraint] | None, path: str) -> list[FieldError]:
    problems = []
    seen = Once()
    for index, constraint in enumerate(found or ()):
        where = f"{path}[{index}]"
        if (constraint.max_skew or 0) <= 0:
            problems.append(errors.invalid_value(f"{where}.maxSkew", constraint.max_skew or 0, "must be greater than zero"))
        problems += needed(f"{where}.topologyKey", constraint.topology_key, "can not be empty")
        problems += one_of(f"{where}.whenUnsatisfiable", constraint.when_unsatisfiable, ("DoNotSchedule", "ScheduleAnyway"))
        pair = (constraint.topology_key, constraint.when_unsatisfiable)
        problems += seen.add(f"{where}.{{topologyKey, whenUnsatisfiable}}", pair, f"{{{pair[0]}, {pair[1]}}}")
        if constraint.min_domains is not None:
            problems += _domains(constraint, f"{where}.minDomains")
        for name, value in (("nodeAffinityPolicy", constraint.node_affinity_policy), ("nodeTaintsPolicy", constraint.node_taints_policy)):
            problems += one_of(f"{where}.{name}", value, ("Honor", "Ignore"), optional=True)
        problems += label_selector(f"{where}.labelSelector", constraint.label_selector)
        if constraint.match_label_keys:
            problems += _keys(constraint.match_label_keys, constraint.label_selector, f"{where}.matchLabelKeys")
            problems += _in_both(constraint.match_label_keys, _keys_of(constraint.label_selector), where, "labelSelector")
    return problems


def _domains(constraint: core_v1.TopologySpreadConstraint, path: str) -> list[FieldError]:
    wanted, action = constraint.min_domains, constraint.when_unsatisfiable
    problems = [] if (wanted or 0) > 0 else [errors.invalid_value(path, wanted, "must be greater than zero")]
    if action != "DoNotSchedule":
        message = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action or ''}"
        problems.append(errors.invalid_value(path, wanted, message))
    return problems


def _keys(keys: list[str], selector: Any, path: str) -> list[FieldError]:
    """Keys of the pod's own labels, whose values a selector is narrowed by."""
    if selector is None:
        return [errors.forbidden_field(path, "must not be specified when labelSelector is not set")]
    return [
        errors.invalid_value(f"{path}[{index}]", key, message) for index, key in enumerate(keys) for message in names.is_qualified_name(key)
    ]


def _keys_of(selector: Any) -> set[str]:
    if selector is None:
        return set()
    return {*(selector.match_labels or ()), *(one.key for one in selector.match_expressions or () if not own_labels.merged(one))}


def _in_both(keys: list[str], others: set[str], path: str, name: str) -> list[FieldError]:
    return [
        errors.invalid_value(f"{path}.matchLabelKeys[{index}]", key, f"exists in both matchLabelKeys and {name}")
        for index, key in enumerate(keys)
        if key in others
    ]


def _node_affinity(found: core_v1.NodeAffinity, path: str) -> list[FieldError]:
    problems: list[FieldError] = []
    required = found.required_during_scheduling_ignored_during_execution
    if required is not None:
        problems += node_selector(required, f"{path}.requiredDuringSchedulingIgnoredDuringExecution")
    for index, term in enumerate(found.preferred_during_scheduling_ignored_during_execution or ()):
        where = f"{path}.preferredDuringSchedulingIgnoredDuringExecution[{index}]"
        problems += _weight(term.weight, where)
        if term.preference is not None:
            problems += _term(term.preference, f"{where}.preference")
    return problems


def narrowed(new: core_v1.NodeAffinity | None, old: core_v1.NodeAffinity | None, path: str) -> list[FieldError]:
    """What an update may make of the affinity to nodes of a pod that waits: each term may ask for more."""
    where = f"{path}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
    before, after = ([] if each is None else _required(each) for each in (old, new))
    if not before:
        return []
    if len(before) != len(after):
        message = "no additions/deletions to non-empty NodeSelectorTerms list are allowed"
        return [errors.invalid_value(where, after, message)]
    return [
        errors.invalid_value(f"{where}[{index}]", term, "only additions are allowed (no mutations or deletions)")
        for index, (term, was) in enumerate(zip(after, before, strict=True))
        if not _only_more(term.match_expressions, was.match_expressions) or not _only_more(term.match_fields, was.match_fields)
    ]


def _required(found: core_v1.NodeAffinity) -> list[core_v1.NodeSelectorTerm]:
    required = found.required_during_scheduling_ignored_during_execution
    return list(required.node_selector_terms or ()) if required is not None else []


def _only_more(new: list[core_v1.NodeSelectorRequirement] | None, old: list[core_v1.NodeSelectorRequirement] | None) -> bool:
    return (new or [])[: len(old or ())] == (old or [])


def node_selector(found: core_v1.NodeSelector, path: str) -> list[FieldError]:
    where = f"{path}.nodeSelectorTerms"
    if not found.node_selector_terms:
        return [errors.required(where, "must have at least one node selector term")]
    return [problem for index, term in enumerate(found.node_selector_terms) for problem in _term(term, f"{where}[{index}]")]


def _term(term: core_v1.NodeSelectorTerm, path: str) -> list[FieldError]:
    problems = []
    for name, requirements in (("matchExpressions", term.match_expressions), ("matchFields", term.match_fields)):
        for index, requirement in enumerate(requirements or ()):
            problems += _requirement(requirement, f"{path}.{name}[{index}]", fields=name == "matchFields")
    return problems


def _requirement(found: core_v1.NodeSelectorRequirement, path: str, *, fields: bool) -> list[FieldError]:
    problems: list[FieldError] = []
    if found.operator in ("In", "NotIn") and fields:
        if len(found.values or ()) != 1:
            message = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
            problems.append(errors.required(f"{path}.values", message))
    elif found.operator in ("In", "NotIn"):
        problems += needed(f"{path}.values", found.values, "must be specified when `operator` is 'In' or 'NotIn'")
    elif found.operator in ("Exists", "DoesNotExist") and not fields:
        if found.values:
            problems.append(errors.forbidden_field(f"{path}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
    elif found.operator in ("Gt", "Lt") and not fields:
        if len(found.values or ()) != 1:
            problems.append(errors.required(f"{path}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'"))
    else:
        problems.append(errors.invalid_value(f"{path}.operator", found.operator or "", "not a valid selector operator"))
    if fields:
        if found.key != "metadata.name":
            problems.append(errors.invalid_value(f"{path}.key", found.key or "", "not a valid field selector key"))
    else:
        problems += [errors.invalid_value(f"{path}.key", found.key or "", message) for message in names.is_qualified_name(found.key or "")]
    return problems


def _pod_affinity(found: Any, path: str) -> list[FieldError]:
    """Affinity and anti-affinity to pods."""
    problems = []
    for index, term in enumerate(found.required_during_scheduling_ignored_during_execution or ()):
        problems += _pod_term(term, f"{path}.requiredDuringSchedulingIgnoredDuringExecution[{index}]")
    for index, weighted in enumerate(found.preferred_during_scheduling_ignored_during_execution or ()):
        where = f"{path}.preferredDuringSchedulingIgnoredDuringExecution[{index}]"
        problems += _weight(weighted.weight, where)
        if weighted.pod_affinity_term is not None:
            problems += _pod_term(weighted.pod_affinity_term, f"{where}.podAffinityTerm")
    return problems


def _pod_term(term: core_v1.PodAffinityTerm, path: str) -> list[FieldError]:
    problems = label_selector(f"{path}.labelSelector", term.label_selector)
    problems += label_selector(f"{path}.namespaceSelector", term.namespace_selector)
    for namespace in term.namespaces or ():
        problems += [errors.invalid_value(f"{path}.namespace", namespace, message) for message in names.is_dns_label(namespace)]
    keys, others = term.match_label_keys or [], term.mismatch_label_keys or []
    if keys:
        problems += _keys(keys, term.label_selector, f"{path}.matchLabelKeys") + _in_both(keys, set(others), path, "mismatchLabelKeys")
    if others:
        problems += _keys(others, term.label_selector, f"{path}.mismatchLabelKeys")
    problems += needed(f"{path}.topologyKey", term.topology_key, "can not be empty")
    topology = term.topology_key or ""
    return problems + [errors.invalid_value(f"{path}.topologyKey", topology, message) for message in names.is_qualified_name(topology)]


def _weight(value: int | None, path: str) -> list[FieldError]:
    return [] if 1 <= (value or 0) <= 100 else [errors.invalid_value(f"{path}.weight", value or 0, "must be in the range 1-100")]
