"""Roles and bindings: complete rules, complete subjects, and a role reference that never changes."""

from __future__ import annotations

from typing import Any

import msgspec

from provisioner.kube.api import errors, names
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks

GROUP = "rbac.authorization.k8s.io"


def create(obj: Any) -> list[FieldError]:
    return _binding(obj) if type(obj).KIND.endswith("Binding") else _role(obj)


def _role(obj: Any) -> list[FieldError]:
    problems = []
    for index, rule in enumerate(obj.rules or ()):
        where = f"rules[{index}]"
        if not rule.verbs:
            problems.append(errors.required(f"{where}.verbs", "verbs must contain at least one value"))
        if rule.non_resource_urls:
            if type(obj).KIND == "Role":
                problems.append(
                    errors.invalid_value(
                        f"{where}.nonResourceURLs", rule.non_resource_urls, "namespaced rules cannot apply to non-resource URLs"
                    )
                )
            elif rule.api_groups or rule.resources or rule.resource_names:
                message = "rules cannot apply to both regular resources and non-resource URLs"
                problems.append(errors.invalid_value(f"{where}.nonResourceURLs", rule.non_resource_urls, message))
            continue
        if rule.api_groups is None:
            problems.append(errors.required(f"{where}.apiGroups", "resource rules must supply at least one api group"))
        if not rule.resources:
            problems.append(errors.required(f"{where}.resources", "resource rules must supply at least one resource"))
    return problems


def _binding(obj: Any) -> list[FieldError]:
    problems = []
    role = obj.role_ref
    if role is None:
        return [errors.required("roleRef.name")]
    allowed = ("ClusterRole",) if type(obj).KIND == "ClusterRoleBinding" else ("ClusterRole", "Role")
    if role.api_group != GROUP:
        problems.append(errors.not_supported("roleRef.apiGroup", role.api_group, (GROUP,)))
    if role.kind not in allowed:
        problems.append(errors.not_supported("roleRef.kind", role.kind, allowed))
    problems += checks.name_needed("roleRef.name", role.name, names.is_path_segment)
    for index, subject in enumerate(obj.subjects or ()):
        where = f"subjects[{index}]"
        if not subject.name:
            problems.append(errors.required(f"{where}.name"))
        if subject.kind not in ("Group", "ServiceAccount", "User"):
            problems.append(errors.not_supported(f"{where}.kind", subject.kind, ("Group", "ServiceAccount", "User")))
        elif subject.kind == "ServiceAccount":
            problems += checks.named(f"{where}.name", subject.name, names.is_dns_subdomain)
            if subject.api_group:
                problems.append(errors.not_supported(f"{where}.apiGroup", subject.api_group, ("",)))
        elif subject.api_group != GROUP:
            problems.append(errors.not_supported(f"{where}.apiGroup", subject.api_group, (GROUP,)))
        if subject.kind == "ServiceAccount" and not subject.namespace:
            problems.append(errors.required(f"{where}.namespace"))
    return problems


def update(new: Any, old: Any) -> list[FieldError]:
    if type(new).KIND.endswith("Binding") and new.role_ref != old.role_ref:
        return [errors.invalid_value("roleRef", msgspec.to_builtins(new.role_ref), "cannot change roleRef")]
    return []
