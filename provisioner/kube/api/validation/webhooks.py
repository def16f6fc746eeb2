"""Admission webhook configurations: where they are, what they are asked about, and that asking does no harm."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from provisioner.kube.api import errors, names
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.checks import Once, label_selector, needed, one_of

OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
VERSIONS = ("v1", "v1beta1")
MAX_TIMEOUT_S = 30
MAX_CONDITIONS = 64


def create(obj: Any) -> list[FieldError]:
    problems = []
    seen = Once()
    for index, hook in enumerate(obj.webhooks or ()):
        where = f"webhooks[{index}]"
        problems += _webhook(hook, where) + seen.add(f"{where}.name", hook.name)
    return problems


def _webhook(hook: Any, path: str) -> list[FieldError]:
    problems = checks.name_needed(f"{path}.name", hook.name)
    if hook.name and hook.name.count(".") < 2:
        problems.append(
            errors.invalid_value(f"{path}.name", hook.name, "should be a domain with at least three segments separated by dots")
        )
    for index, rule in enumerate(hook.rules or ()):
        problems += rule_of(rule, f"{path}.rules[{index}]")
    problems += one_of(f"{path}.failurePolicy", hook.failure_policy, ("Fail", "Ignore"), optional=True)
    problems += one_of(f"{path}.matchPolicy", hook.match_policy, ("Equivalent", "Exact"), optional=True)
    problems += one_of(f"{path}.sideEffects", hook.side_effects, ("None", "NoneOnDryRun"))
    timeout_s = hook.timeout_seconds
    if timeout_s is not None and not 1 <= timeout_s <= MAX_TIMEOUT_S:
        message = f"the timeout value must be between 1 and {MAX_TIMEOUT_S} seconds"
        problems.append(errors.invalid_value(f"{path}.timeoutSeconds", timeout_s, message))
    problems += label_selector(f"{path}.namespaceSelector", hook.namespace_selector)
    problems += label_selector(f"{path}.objectSelector", hook.object_selector)
    versions = hook.admission_review_versions
    if not versions:
        problems.append(errors.required(f"{path}.admissionReviewVersions", f"must specify one of {', '.join(VERSIONS)}"))
    elif not set(versions) & set(VERSIONS):
        message = f"must include at least one of {', '.join(VERSIONS)}"
        problems.append(errors.invalid_value(f"{path}.admissionReviewVersions", versions, message))
    if hook.match_conditions:
        from provisioner.kube.api.validation.policies import HOOK_NAMES, conditions

        problems += conditions(f"{path}.matchConditions", hook.match_conditions, HOOK_NAMES)
    if hook.client_config is None:
        return [*problems, errors.required(f"{path}.clientConfig", "exactly one of url or service is required")]
    return problems + client(hook.client_config, f"{path}.clientConfig")


def client(found: Any, path: str) -> list[FieldError]:
    """Where a webhook is: an URL or a service."""
    if (found.url is None) == (found.service is None):
        return [errors.required(path, "exactly one of url or service is required")]
    if found.service is not None:
        service, where = found.service, f"{path}.service"
        problems = needed(f"{where}.name", service.name, "service name is required")
        problems += needed(f"{where}.namespace", service.namespace, "service namespace is required")
        if service.path and not service.path.startswith("/"):
            problems.append(errors.invalid_value(f"{where}.path", service.path, "must start with a '/'"))
        return problems + checks.within(f"{where}.port", service.port, 1, 65535)
    parts = urlsplit(found.url)
    problems = []
    if parts.scheme != "https":
        message = f"'https' is the only allowed URL scheme; desired format: https://host[/path]. Got {parts.scheme!r}"
        problems.append(errors.invalid_value(f"{path}.url", found.url, message))
    if not parts.netloc:
        problems.append(errors.invalid_value(f"{path}.url", found.url, "host must be specified; desired format: https://host[/path]"))
    for part, said in ((parts.username, "user information"), (parts.query, "query parameters"), (parts.fragment, "fragments")):
        if part:
            problems.append(errors.invalid_value(f"{path}.url", found.url, f"{said} are not permitted in the URL"))
    return problems


def rule_of(rule: Any, path: str) -> list[FieldError]:
    """Operations, groups, versions and resources: each given, and a star alone."""
    problems = needed(f"{path}.operations", rule.operations)
    for index, operation in enumerate(rule.operations or ()):
        problems += one_of(f"{path}.operations[{index}]", operation, OPERATIONS)
    for name, values in (("operations", rule.operations), ("apiGroups", rule.api_groups), ("apiVersions", rule.api_versions)):
        if name != "operations":
            problems += needed(f"{path}.{name}", values)
        if "*" in (values or ()) and len(values) > 1:
            problems.append(
                errors.invalid_value(
                    f"{path}.{name}",
                    values,
                    "if '*' is present, must not specify other "
                    + {"operations": "operations", "apiGroups": "API groups", "apiVersions": "API versions"}[name],
                )
            )
    problems += needed(f"{path}.resources", rule.resources)
    problems += one_of(f"{path}.scope", rule.scope, ("*", "Cluster", "Namespaced"), optional=True)
    for index, version in enumerate(rule.api_versions or ()):
        if version != "*":
            problems += checks.named(f"{path}.apiVersions[{index}]", version, names.is_dns1035_label)
    return problems
