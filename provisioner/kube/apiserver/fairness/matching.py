"""Which flow a request belongs to: the first FlowSchema, by precedence and name, one of whose rules takes it. Pure.

Source: flowcontrol.apiserver.k8s.io/v1 FlowSchema.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from provisioner.kube.api._generated import flowcontrol_v1 as flow
from provisioner.kube.apiserver.context import User
from provisioner.kube.apiserver.requests import Target


@dataclass(frozen=True, slots=True)
class Flow:
    """`hash` decides about queues; the same for all requests of a flow."""

    schema: str
    schema_uid: str
    level: str
    distinguisher: str
    hash: int


def in_order(schemas: Iterable[flow.FlowSchema]) -> list[flow.FlowSchema]:
    return sorted(schemas, key=lambda s: (s.spec.matching_precedence or 0, s.metadata.name or ""))


def flow_of(schemas: Sequence[flow.FlowSchema], user: User, target: Target) -> Flow | None:
    """None where no schema takes the request: the one called catch-all takes everything."""
    for schema in schemas:
        if any(_takes(rule, user, target) for rule in schema.spec.rules or ()):
            name = schema.metadata.name or ""
            method = schema.spec.distinguisher_method.type if schema.spec.distinguisher_method is not None else ""
            by = user.name if method == "ByUser" else target.namespace if method == "ByNamespace" else ""
            digest = hashlib.sha256(f"{name}\0{by}".encode()).digest()
            reference = schema.spec.priority_level_configuration
            level = (reference.name if reference is not None else "") or ""
            return Flow(name, schema.metadata.uid or "", level, by, int.from_bytes(digest[:8], "big"))
    return None


def _takes(rule: flow.PolicyRulesWithSubjects, user: User, target: Target) -> bool:
    if not any(_is_subject(subject, user) for subject in rule.subjects or ()):
        return False
    if target.is_resource:
        return any(_takes_resource(each, target) for each in rule.resource_rules or ())
    return any(_takes_path(each, target) for each in rule.non_resource_rules or ())


def _is_subject(subject: flow.Subject, user: User) -> bool:
    if subject.kind == "User" and subject.user is not None:
        return subject.user.name in ("*", user.name)
    if subject.kind == "Group" and subject.group is not None:
        return subject.group.name == "*" or subject.group.name in user.groups
    if subject.kind == "ServiceAccount" and subject.service_account is not None:
        account = subject.service_account
        if account.name == "*":
            return user.name.startswith(f"system:serviceaccount:{account.namespace}:")
        return user.name == f"system:serviceaccount:{account.namespace}:{account.name}"
    return False


def _has(wanted: Any, actual: str) -> bool:
    return "*" in (wanted or ()) or actual in (wanted or ())


def _takes_resource(rule: flow.ResourcePolicyRule, target: Target) -> bool:
    resource = f"{target.resource}/{target.subresource}" if target.subresource else target.resource
    if not (_has(rule.verbs, target.verb) and _has(rule.api_groups, target.group) and _has(rule.resources, resource)):
        return False
    if not target.namespace:
        return bool(rule.cluster_scope)
    return _has(rule.namespaces, target.namespace)


def _takes_path(rule: flow.NonResourcePolicyRule, target: Target) -> bool:
    if not _has(rule.verbs, target.verb):
        return False
    return any(
        pattern in ("*", target.path) or (pattern.endswith("*") and target.path.startswith(pattern[:-1]))
        for pattern in rule.non_resource_urls or ()
    )
