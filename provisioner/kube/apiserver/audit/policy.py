"""The audit policy: the first rule that matches a request says its level. Pure.

Source: audit.k8s.io/v1 Policy. Levels are None < Metadata < Request < RequestResponse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from provisioner.kube.apiserver import config_files
from provisioner.kube.apiserver.config_files import Configuration, Section
from provisioner.kube.apiserver.context import User
from provisioner.kube.apiserver.requests import Target

VERSIONS = ("audit.k8s.io/v1",)
LEVELS = ("None", "Metadata", "Request", "RequestResponse")
NONE, METADATA, REQUEST, RESPONSE = range(4)
# Bodies of these are credentials: their level is Metadata at most.
SECRET = frozenset({("", "secrets"), ("authentication.k8s.io", "tokenreviews"), ("", "serviceaccounts/token")})

Stage = Literal["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"]
Level = Literal["None", "Metadata", "Request", "RequestResponse"]


class GroupResources(Section, frozen=True, kw_only=True):
    group: str = ""
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()


class Rule(Section, frozen=True, kw_only=True):
    level: Level
    users: tuple[str, ...] = ()
    user_groups: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    resources: tuple[GroupResources, ...] = ()
    namespaces: tuple[str, ...] = ()
    non_resource_urls: tuple[str, ...] = msgspec.field(default=(), name="nonResourceURLs")
    omit_stages: tuple[Stage, ...] = ()
    omit_managed_fields: bool | None = None


class Policy(Configuration, frozen=True, kw_only=True):
    rules: tuple[Rule, ...] = ()
    omit_stages: tuple[Stage, ...] = ()
    omit_managed_fields: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    level: int
    omitted: frozenset[str]
    omit_managed_fields: bool


SILENT = Decision(NONE, frozenset(), False)


def load(path: str) -> Policy:
    """Raises ValueError."""
    found = config_files.load(path, Policy, "Policy", VERSIONS)
    if not found.rules:
        raise ValueError(f"{path}: rules: at least one is needed; without rules nothing is logged")
    for index, rule in enumerate(found.rules):
        if rule.non_resource_urls and (rule.resources or rule.namespaces):
            raise ValueError(f"{path}: rules[{index}]: rules cannot apply to both regular resources and non-resource URLs")
    return found


def decide(policy: Policy, user: User | None, target: Target) -> Decision:
    """How much is told of a request; `user` is None where nobody was authenticated."""
    for rule in policy.rules:
        if _matches(rule, user, target):
            level = LEVELS.index(rule.level)
            if level > METADATA and _is_secret(target):
                level = METADATA
            omit = policy.omit_managed_fields if rule.omit_managed_fields is None else rule.omit_managed_fields
            return Decision(level, frozenset((*policy.omit_stages, *rule.omit_stages)), omit)
    return SILENT


def _is_secret(target: Target) -> bool:
    return (target.group, _combined(target)) in SECRET or (target.group, target.resource) == ("", "secrets")


def _combined(target: Target) -> str:
    return f"{target.resource}/{target.subresource}" if target.subresource else target.resource


def _matches(rule: Rule, user: User | None, target: Target) -> bool:
    if rule.users and (user is None or user.name not in rule.users):
        return False
    if rule.user_groups and (user is None or not any(group in rule.user_groups for group in user.groups)):
        return False
    if rule.verbs and target.verb not in rule.verbs:
        return False
    if rule.namespaces or rule.resources:
        return target.is_resource and _matches_resource(rule, target)
    if rule.non_resource_urls:
        return not target.is_resource and any(_matches_path(pattern, target.path) for pattern in rule.non_resource_urls)
    return True


def _matches_resource(rule: Rule, target: Target) -> bool:
    if rule.namespaces and target.namespace not in rule.namespaces:
        return False
    if not rule.resources:
        return True
    combined = _combined(target)
    for wanted in rule.resources:
        if wanted.group not in (target.group, "*") or (wanted.resource_names and target.name not in wanted.resource_names):
            continue
        if not wanted.resources:
            return True
        for pattern in wanted.resources:
            if pattern in (combined, "*"):
                return True
            if target.subresource and pattern in (f"{target.resource}/*", f"*/{target.subresource}"):
                return True
    return False


def _matches_path(pattern: str, path: str) -> bool:
    return pattern in ("*", path) or (pattern.endswith("*") and path.startswith(pattern[:-1]))
