"""Which authorizers there are: --authorization-mode and its webhook's flags, or an AuthorizationConfiguration file.

Source: apiserver.config.k8s.io/v1 AuthorizationConfiguration.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec

from provisioner.kube.api import cel
from provisioner.kube.apiserver import config_files
from provisioner.kube.apiserver.authorization.authz_webhook import NAMES, Options
from provisioner.kube.apiserver.config_files import Configuration, Section
from provisioner.kube.client.flags import Flags, duration
from provisioner.kube.client.kubeconfig import ClusterAccess, ConfigError, load_kubeconfig

VERSIONS = tuple(f"apiserver.config.k8s.io/{version}" for version in ("v1", "v1beta1", "v1alpha1"))
DEFAULTS = Options()
MODES = ("AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook")


class Connection(Section, frozen=True, kw_only=True):
    type: Literal["KubeConfigFile"]
    kube_config_file: str


class Condition(Section, frozen=True, kw_only=True):
    expression: str


class Webhook(Section, frozen=True, kw_only=True):
    connection_info: Connection
    subject_access_review_version: Literal["v1", "v1beta1"]
    failure_policy: Literal["NoOpinion", "Deny"]
    timeout: str
    authorized_ttl: str = msgspec.field(default="5m", name="authorizedTTL")
    unauthorized_ttl: str = msgspec.field(default="30s", name="unauthorizedTTL")
    cache_authorized_requests: bool = True
    cache_unauthorized_requests: bool = True
    match_condition_subject_access_review_version: Literal["v1"] = "v1"
    match_conditions: tuple[Condition, ...] = ()


class AuthorizerConfiguration(Section, frozen=True, kw_only=True):
    type: Literal["AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook"]
    name: str = ""
    webhook: Webhook | None = None


class AuthorizationConfiguration(Configuration, frozen=True, kw_only=True):
    authorizers: tuple[AuthorizerConfiguration, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One authorizer; `access` and `options` are a webhook's."""

    mode: str
    name: str = ""
    access: ClusterAccess | None = None
    options: Options = DEFAULTS


def choices(flags: Flags) -> list[Choice]:
    """The authorizers in turn. Raises ValueError with everything that is wrong."""
    if flags.authorization_config:
        for name in ("authorization_mode", "authorization_webhook_config_file"):
            if name in flags.given:
                raise ValueError(f"--authorization-config and --{name.replace('_', '-')} can't be given together")
        return _configured(flags.authorization_config)
    problems = [f"--authorization-mode={m}: expected one of {', '.join(MODES)}" for m in flags.authorization_mode if m not in MODES]
    if len(set(flags.authorization_mode)) != len(flags.authorization_mode):
        problems.append(f"--authorization-mode={','.join(flags.authorization_mode)}: each mode once")
    if "Webhook" in flags.authorization_mode and not flags.authorization_webhook_config_file:
        problems.append("--authorization-mode=Webhook: --authorization-webhook-config-file says where the webhook is; it is missing")
    if problems:
        raise ValueError("\n".join(problems))
    return [_by_flag(mode, flags) for mode in flags.authorization_mode]


def _by_flag(mode: str, flags: Flags) -> Choice:
    if mode != "Webhook":
        return Choice(mode)
    options = Options(
        authorized_ttl_s=flags.authorization_webhook_cache_authorized_ttl,
        unauthorized_ttl_s=flags.authorization_webhook_cache_unauthorized_ttl,
        version=flags.authorization_webhook_version,
    )
    return Choice(mode, "Webhook", _access(flags.authorization_webhook_config_file), options)


def _configured(path: str) -> list[Choice]:
    found = config_files.load(path, AuthorizationConfiguration, "AuthorizationConfiguration", VERSIONS)
    problems: list[str] = []
    if not found.authorizers:
        problems.append("authorizers: at least one is needed")
    made: list[Choice | None] = []
    for index, authorizer in enumerate(found.authorizers):
        where = f"authorizers[{index}]"
        if (authorizer.webhook is not None) != (authorizer.type == "Webhook"):
            problems.append(f"{where}.webhook: belongs to type Webhook, and type Webhook needs it")
        elif authorizer.webhook is None:
            made.append(Choice(authorizer.type, authorizer.name))
        else:
            made.append(_checked(partial(_webhook, authorizer.name, authorizer.webhook), where, problems))
    names = [a.name for a in found.authorizers if a.name]
    problems += [f"authorizers: the name {name} is there twice" for name in sorted({n for n in names if names.count(n) > 1})]
    if problems:
        raise ValueError("\n".join(f"{path}: {problem}" for problem in problems))
    return [choice for choice in made if choice is not None]


def _checked(make: Callable[[], Choice], where: str, problems: list[str]) -> Choice | None:
    try:
        return make()
    except ValueError as error:
        problems.append(f"{where}.{error}")
        return None


def _webhook(name: str, webhook: Webhook) -> Choice:
    for index, condition in enumerate(webhook.match_conditions):
        try:
            cel.compile(condition.expression, NAMES)
        except cel.CelError as error:
            raise ValueError(f"webhook.matchConditions[{index}].expression: {error}") from None
    times = {}
    for field, text in (
        ("timeout", webhook.timeout),
        ("authorizedTTL", webhook.authorized_ttl),
        ("unauthorizedTTL", webhook.unauthorized_ttl),
    ):
        try:
            times[field] = duration(text)
        except ValueError as error:
            raise ValueError(f"webhook.{field}: {error}") from None
    if not 0 < times["timeout"] <= 30:
        raise ValueError("webhook.timeout: expected more than 0s and at most 30s")
    options = Options(
        timeout_s=times["timeout"],
        authorized_ttl_s=times["authorizedTTL"] if webhook.cache_authorized_requests else 0.0,
        unauthorized_ttl_s=times["unauthorizedTTL"] if webhook.cache_unauthorized_requests else 0.0,
        deny_on_failure=webhook.failure_policy == "Deny",
        conditions=tuple(c.expression for c in webhook.match_conditions),
        version=webhook.subject_access_review_version,
    )
    return Choice("Webhook", name, _access(webhook.connection_info.kube_config_file), options)


def _access(path: str) -> ClusterAccess:
    try:
        return load_kubeconfig(Path(path))
    except ConfigError as error:
        raise ValueError(str(error)) from None
