"""Role-based access control: the rules of (Cluster)Roles and their bindings, asked at each request.

What somebody may do with a kind of object is worked out once and kept until a role or a binding changes; only names differ then.

Source: rbac.authorization.k8s.io/v1. A user gets the rules of every binding that names it or one of its groups, in the binding's namespace
or, for cluster role bindings, everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from provisioner.kube.api import codec
from provisioner.kube.api._generated import rbac_v1
from provisioner.kube.apiserver.authorization.authz import NO_OPINION, LocalMode, Verdict
from provisioner.kube.apiserver.context import User
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.storage.cache import Change, WatchCache

GROUP = "rbac.authorization.k8s.io"
# Questions whose answer is kept; all are forgotten when there are more.
KEPT = 16_384

# (names that are allowed or None for any, verdict) in the order of bindings
Grants = tuple[tuple[frozenset[str] | None, Verdict], ...]


def rule_allows(rule: rbac_v1.PolicyRule, target: Target) -> bool:
    return _rule_concerns(rule, target) and (not target.is_resource or not rule.resource_names or target.asked_name in rule.resource_names)


def _rule_concerns(rule: rbac_v1.PolicyRule, target: Target) -> bool:
    """Whether a rule allows, names aside."""
    verbs = rule.verbs or []
    if target.verb not in verbs and "*" not in verbs:
        return False
    if not target.is_resource:
        return any(
            path in ("*", target.path) or (path.endswith("*") and target.path.startswith(path[:-1]))
            for path in rule.non_resource_urls or ()
        )
    groups = rule.api_groups or []
    if target.group not in groups and "*" not in groups:
        return False
    wanted = f"{target.resource}/{target.subresource}" if target.subresource else target.resource
    resources = rule.resources or []
    return any(r in ("*", wanted) or (bool(target.subresource) and r == f"*/{target.subresource}") for r in resources)


class Rbac(LocalMode):
    """Follows the cache's RBAC objects."""

    def __init__(self, cache: WatchCache) -> None:
        self._roles: dict[str, list[rbac_v1.PolicyRule]] = {}
        self._bindings: dict[str, Any] = {}
        # subject ("u:name", "g:group") -> keys of its bindings
        self._by_subject: dict[str, set[str]] = {}
        self._kept: dict[tuple[Any, ...], Grants] = {}
        for plural, kind in (
            ("clusterroles", rbac_v1.ClusterRole),
            ("roles", rbac_v1.Role),
            ("clusterrolebindings", rbac_v1.ClusterRoleBinding),
            ("rolebindings", rbac_v1.RoleBinding),
        ):
            cache.collection(f"{GROUP}/{plural}").listeners.append(partial(self._changed, plural, kind))

    def _changed(self, plural: str, kind: type[Any], change: Change) -> None:
        entry = change.new or change.old
        assert entry is not None
        self._kept.clear()
        key = f"{plural}/{entry.key}"
        obj = codec.decode(kind, change.new.data) if change.new is not None else None
        if plural in ("roles", "clusterroles"):
            if obj is None:
                self._roles.pop(key, None)
            else:
                self._roles[key] = obj.rules or []
            return
        old = self._bindings.pop(key, None)
        for subject in _subjects(old) if old is not None else ():
            self._by_subject[subject].discard(key)
        if obj is not None:
            self._bindings[key] = obj
            for subject in _subjects(obj):
                self._by_subject.setdefault(subject, set()).add(key)

    def rules_for(self, user: User, namespace: str) -> Iterator[rbac_v1.PolicyRule]:
        """Every rule that holds for the user in a namespace ("" for cluster-wide requests)."""
        for rules, _, _ in self._bound(user, namespace):
            yield from rules

    def _bound(self, user: User, namespace: str) -> Iterator[tuple[list[rbac_v1.PolicyRule], Any, str]]:
        """(rules, binding, subject) of every binding that holds; those for the whole cluster first, as upstream looks."""
        seen: set[str] = set()
        found = []
        for subject in (f"u:{user.name}", *(f"g:{group}" for group in user.groups)):
            for key in self._by_subject.get(subject, ()):
                if key not in seen:
                    seen.add(key)
                    found.append((key, subject))
        for key, subject in sorted(found):
            binding = self._bindings[key]
            where = binding.metadata.namespace or ""
            if where and where != namespace:
                continue
            role = binding.role_ref
            yield (
                self._roles.get(f"roles/{where}/{role.name}" if role.kind == "Role" else f"clusterroles/{role.name}", []),
                binding,
                subject,
            )

    def decide(self, user: User, target: Target) -> Verdict:
        key: tuple[Any, ...]
        if target.resource:
            key = (user.name, user.groups, target.verb, target.group, target.resource, target.subresource, target.namespace)
        else:
            key = (user.name, user.groups, target.verb, target.path)
        grants = self._kept.get(key)
        if grants is None:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            grants = self._kept[key] = tuple(self._grants(user, target))
        for names, verdict in grants:
            if names is None or target.asked_name in names:
                return verdict
        return NO_OPINION

    def _grants(self, user: User, target: Target) -> Iterator[tuple[frozenset[str] | None, Verdict]]:
        for rules, binding, subject in self._bound(user, target.namespace):
            for rule in rules:
                if not _rule_concerns(rule, target):
                    continue
                names = frozenset(rule.resource_names) if target.is_resource and rule.resource_names else None
                yield names, Verdict(allowed=True, reason=_reason(binding, subject))
                if names is None:
                    return

    def covers(self, user: User, namespace: str, rules: list[rbac_v1.PolicyRule]) -> list[rbac_v1.PolicyRule]:
        """The rules that the user does not have itself: to grant them would be escalation."""
        own = list(self.rules_for(user, namespace))
        return [rule for rule in rules if not all(any(_includes(mine, single) for mine in own) for single in _singles(rule))]

    def role_rules(self, kind: str, namespace: str, name: str) -> list[rbac_v1.PolicyRule] | None:
        """The rules of a role, None for one that doesn't exist."""
        return self._roles.get(f"roles/{namespace}/{name}" if kind == "Role" else f"clusterroles/{name}")


def _reason(binding: Any, subject: str) -> str:
    """Upstream's words for a yes."""
    metadata, role = binding.metadata, binding.role_ref
    name = f"{metadata.name}/{metadata.namespace}" if metadata.namespace else metadata.name
    kind, _, who = subject.partition(":")
    shown = f'Group "{who}"' if kind == "g" else f'User "{who}"'
    if kind == "u" and who.startswith("system:serviceaccount:"):
        _, _, namespace, account = who.split(":", 3)
        shown = f'ServiceAccount "{account}/{namespace}"'
    return (
        f'RBAC: allowed by {"RoleBinding" if metadata.namespace else "ClusterRoleBinding"} "{name}" of {role.kind} "{role.name}" to {shown}'
    )


def _subjects(binding: Any) -> list[str]:
    found = []
    for subject in binding.subjects or ():
        if subject.kind == "User":
            found.append(f"u:{subject.name}")
        elif subject.kind == "Group":
            found.append(f"g:{subject.name}")
        elif subject.kind == "ServiceAccount":
            found.append(f"u:system:serviceaccount:{subject.namespace or binding.metadata.namespace}:{subject.name}")
    return found


def _singles(rule: rbac_v1.PolicyRule) -> Iterator[tuple[str, str, str, str]]:
    """A rule as (verb, group, resource or path, name) for each combination."""
    for verb in rule.verbs or ():
        for path in rule.non_resource_urls or ():
            yield verb, "", f"path:{path}", ""
        for group in rule.api_groups or ():
            for resource in rule.resources or ():
                for name in rule.resource_names or ("",):
                    yield verb, group, resource, name


def _includes(rule: rbac_v1.PolicyRule, single: tuple[str, str, str, str]) -> bool:
    verb, group, resource, name = single
    if verb not in (rule.verbs or ()) and "*" not in (rule.verbs or ()):
        return False
    if resource.startswith("path:"):
        path = resource.removeprefix("path:")
        return any(p in ("*", path) or (p.endswith("*") and path.startswith(p[:-1])) for p in rule.non_resource_urls or ())
    if group not in (rule.api_groups or ()) and "*" not in (rule.api_groups or ()):
        return False
    if resource not in (rule.resources or ()) and "*" not in (rule.resources or ()):
        return False
    return not rule.resource_names or (bool(name) and name in rule.resource_names)
