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


def rule_matches(rule: Any, operation: str, kind: Kind, subresource: str, version: str) -> bool:
    """Whether one rule of a webhook says this operation on this resource in this version."""
    resource = kind.resource
    for wanted, actual in ((rule.operations, operation), (rule.api_groups, resource.group), (rule.api_versions, version)):
        if "*" not in (wanted or ()) and actual not in (wanted or ()):
            return False
    if rule.scope not in (None, "*", "Namespaced" if resource.namespaced else "Cluster"):
        return False
    return any(_resource_matches(pattern, resource.plural, subresource) for pattern in rule.resources or ())


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
    version = kind.resource.version
    if not any(rule_matches(rule, operation, kind, subresource, version) for rule in webhook.rules or ()):
        return False
    selector = webhook.namespace_selector
    if selector is not None and namespace_labels is not None and not from_struct(selector).matches(namespace_labels):
        return False
    if webhook.object_selector is not None:
        wanted = from_struct(webhook.object_selector)
        return any(wanted.matches(each) for each in labels)
    return True
