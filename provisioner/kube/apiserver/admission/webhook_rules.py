"""Which admission webhooks a request concerns: rules, scopes and selectors of webhook configurations. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.kube.api.selectors import from_struct
from provisioner.kube.apiserver.kinds import Kind

# Webhooks never see their own configurations: a broken one could not be removed.
EXEMPT = frozenset(
    {
        "admissionregistration.k8s.io/validatingwebhookconfigurations",
        "admissionregistration.k8s.io/mutatingwebhookconfigurations",
        "admissionregistration.k8s.io/validatingadmissionpolicies",
        "admissionregistration.k8s.io/validatingadmissionpolicybindings",
        "admissionregistration.k8s.io/mutatingadmissionpolicies",
        "admissionregistration.k8s.io/mutatingadmissionpolicybindings",
    }
)


def rule_matches(rule: Any, operation: str, kind: Kind, subresource: str, name: str = "") -> bool:
    """Whether one rule of a webhook or a policy says this operation on this resource in this version."""
    resource = kind.resource
    group, version, plural = kind.body_of or (resource.group, resource.version, resource.plural)
    for wanted, actual in ((rule.operations, operation), (rule.api_groups, group), (rule.api_versions, version)):
        if "*" not in (wanted or ()) and actual not in (wanted or ()):
            return False
    if getattr(rule, "resource_names", None) and name not in rule.resource_names:
        return False
    if rule.scope not in (None, "*", "Namespaced" if resource.namespaced else "Cluster"):
        return False
    return any(_resource_matches(pattern, plural, subresource) for pattern in rule.resources or ())


def _resource_matches(pattern: str, plural: str, subresource: str) -> bool:
    wanted, slash, sub = pattern.partition("/")
    if wanted not in ("*", plural):
        return False
    if not slash:
        return not subresource
    return sub == "*" or sub == subresource


def concerns(
    webhook: Any, operation: str, kind: Kind, subresource: str, namespace_labels: Mapping[str, str] | None, labels: list[Mapping[str, str]]
) -> bool:
    """`namespace_labels` is None for what lies in no namespace; `labels` are those of the new and the old object."""
    if not any(rule_matches(rule, operation, kind, subresource) for rule in webhook.rules or ()):
        return False
    return selected(webhook, namespace_labels, labels)


def selected(by: Any, namespace_labels: Mapping[str, str] | None, labels: list[Mapping[str, str]]) -> bool:
    """Whether the namespace and the object selector of a webhook or a policy take what is asked about."""
    selector = by.namespace_selector
    if selector is not None and namespace_labels is not None and not from_struct(selector).matches(namespace_labels):
        return False
    if by.object_selector is not None:
        wanted = from_struct(by.object_selector)
        # A stream has no object: it is as one without labels.
        return any(wanted.matches(each) for each in labels or [{}])
    return True


def policy_matches(
    found: Any, operation: str, kind: Kind, subresource: str, name: str, ns: Mapping[str, str] | None, labels: list[Mapping[str, str]]
) -> bool:
    """Whether matchConstraints of a policy or matchResources of a binding (None: anything) take a request."""
    if found is None:
        return True
    if any(rule_matches(rule, operation, kind, subresource, name) for rule in found.exclude_resource_rules or ()):
        return False
    rules = found.resource_rules
    if rules and not any(rule_matches(rule, operation, kind, subresource, name) for rule in rules):
        return False
    return selected(found, ns, labels)
