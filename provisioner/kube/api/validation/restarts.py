"""How containers come back: restart policies and rules of their own, and what a resize does to them (core/v1 Container)."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api import errors
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation.checks import Once, one_of

POLICIES = ("Always", "Never", "OnFailure")
ACTIONS = ("Restart", "RestartAllContainers")
MAX_RULES, MAX_EXIT_CODES = 20, 255
RESIZED = ("cpu", "memory")
RESIZE_POLICIES = ("NotRequired", "RestartContainer")


def restarts(one: Any, path: str) -> list[FieldError]:
    """Of a container or init container."""
    problems: list[FieldError] = []
    if one.restart_policy:
        problems += one_of(f"{path}.restartPolicy", one.restart_policy, POLICIES)
    elif one.restart_policy_rules:
        problems.append(errors.required(f"{path}.restartPolicy", "must specify restartPolicy when restart rules are used"))
    if one.restart_policy_rules:
        problems += _rules(one.restart_policy_rules, f"{path}.restartPolicyRules")
    return problems


def resizes(one: Any, path: str, pod_policy: str | None, *, init: bool = False) -> list[FieldError]:
    """The pod's policy says whether a container may be restarted at all."""
    if not one.resize_policy:
        return []
    return _resizes(one.resize_policy, f"{path}.resizePolicy", pod_policy, not init or one.restart_policy == "Always")


def _rules(rules: list[Any], path: str) -> list[FieldError]:
    problems = [errors.too_many(path, len(rules), MAX_RULES)] if len(rules) > MAX_RULES else []
    for index, rule in enumerate(rules):
        where, codes = f"{path}[{index}]", rule.exit_codes
        if rule.action not in ACTIONS:
            problems.append(errors.not_supported(f"{where}.action", rule.action or "", ACTIONS))
        if codes is None:
            problems.append(errors.required(f"{where}.exitCodes", "must be specified"))
            continue
        if codes.operator not in ("In", "NotIn"):
            problems.append(errors.not_supported(f"{where}.exitCodes.operator", codes.operator or "", ("In", "NotIn")))
        if len(codes.values or ()) > MAX_EXIT_CODES:
            problems.append(errors.too_many(f"{where}.exitCodes.values", len(codes.values), MAX_EXIT_CODES))
    return problems


def _resizes(policies: list[Any], path: str, pod_policy: str | None, runs_on: bool) -> list[FieldError]:
    problems: list[FieldError] = []
    seen = Once()
    for index, policy in enumerate(policies):
        problems += seen.add(f"{path}[{index}]", policy.resource_name)
        problems += one_of(path, policy.resource_name, RESIZED) + one_of(path, policy.restart_policy, RESIZE_POLICIES)
        if policy.restart_policy == "NotRequired":
            continue
        if pod_policy == "Never":
            message = "must be 'NotRequired' when `restartPolicy` is 'Never'"
            problems.append(errors.invalid_value(path, policy.restart_policy, message))
        elif not runs_on:
            message = "must be 'NotRequired' for init containers without restartPolicy 'Always'"
            problems.append(errors.invalid_value(path, policy.restart_policy, message))
    return problems
