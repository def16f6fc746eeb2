"""Roles and bindings: complete rules, complete subjects, and a role reference that never changes."""

from __future__ import annotations

from typing import Any

import msgspec

from provisioner.kube.api import errors, names
from provisioner.kube.api._generated import meta_v1, rbac_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.checks import needed

GROUP = "rbac.authorization.k8s.io"
SUBJECTS = ("ServiceAccount", "User", "Group")


def create(obj: Any) -> list[FieldError]:
    return _binding(obj) if type(obj).KIND.endswith("Binding") else _role(obj)


def _role(obj: Any) -> list[FieldError]:
    problems = []
    for index, rule in enumerate(obj.rules or ()):
        where = f"rules[{index}]"
        problems += needed(f"{where}.verbs", rule.verbs, "verbs must contain at least one value")
        if rule.non_resource_urls:
            path = f"{where}.nonResourceURLs"
            if type(obj).KIND == "Role":
                message = "namespaced rules cannot apply to non-resource URLs"
                problems.append(errors.invalid_value(path, rule.non_resource_urls, message))
            if rule.api_groups or rule.resources or rule.resource_names:
                message = "rules cannot apply to both regular resources and non-resource URLs"
                problems.append(errors.invalid_value(path, rule.non_resource_urls, message))
            continue
        problems += needed(f"{where}.apiGroups", rule.api_groups, "resource rules must supply at least one api group")
        problems += needed(f"{where}.resources", rule.resources, "resource rules must supply at least one resource")
    aggregated = getattr(obj, "aggregation_rule", None)
    return problems + (_aggregation(aggregated.cluster_role_selectors) if aggregated is not None else [])


def _aggregation(selectors: list[meta_v1.LabelSelector] | None) -> list[FieldError]:
    path = "aggregationRule.clusterRoleSelectors"
    problems = needed(path, selectors, "at least one clusterRoleSelector required if aggregationRule is non-nil")
    for index, selector in enumerate(selectors or ()):
        wrong = checks.label_selector(f"{path}[{index}]", selector)
        problems += [*wrong, errors.invalid_value(f"{path}[{index}]", None, "invalid label selector.")] if wrong else []
    return problems


def _binding(obj: Any) -> list[FieldError]:
    everywhere = type(obj).KIND == "ClusterRoleBinding"
    role, problems = obj.role_ref or rbac_v1.RoleRef(api_group=GROUP, kind="", name=""), []
    allowed = ("ClusterRole",) if everywhere else ("Role", "ClusterRole")
    if role.api_group != GROUP:
        problems.append(errors.not_supported("roleRef.apiGroup", role.api_group, (GROUP,)))
    if role.kind not in allowed:
        problems.append(errors.not_supported("roleRef.kind", role.kind or "", allowed))
    problems += checks.name_needed("roleRef.name", role.name, names.is_path_segment)
    for index, subject in enumerate(obj.subjects or ()):
        problems += _subject(subject, f"subjects[{index}]", everywhere=everywhere)
    return problems


def _subject(subject: rbac_v1.Subject, where: str, *, everywhere: bool) -> list[FieldError]:
    """Who is bound; a service account without a namespace is of the binding's own, where that has one."""
    problems = needed(f"{where}.name", subject.name)
    if subject.kind not in SUBJECTS:
        problems.append(errors.not_supported(f"{where}.kind", subject.kind or "", SUBJECTS))
    elif subject.kind != "ServiceAccount":
        if subject.api_group != GROUP:
            problems.append(errors.not_supported(f"{where}.apiGroup", subject.api_group, (GROUP,)))
    else:
        problems += checks.named(f"{where}.name", subject.name, names.is_dns_subdomain)
        if subject.api_group:
            problems.append(errors.not_supported(f"{where}.apiGroup", subject.api_group, ("",)))
        problems += needed(f"{where}.namespace", subject.namespace) if everywhere else []
    return problems


def update(new: Any, old: Any) -> list[FieldError]:
    if type(new).KIND.endswith("Binding") and new.role_ref != old.role_ref:
        return [errors.invalid_value("roleRef", msgspec.to_builtins(new.role_ref), "cannot change roleRef")]
    return []
