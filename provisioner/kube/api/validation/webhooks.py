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
_FORM = "; desired format: https://host[/path]"


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
        problems += _service_path(service.path or "", f"{where}.path")
        if service.port is not None and not 1 <= service.port <= 65535:
            message = "port is not valid: must be between 1 and 65535, inclusive"
            problems.append(errors.invalid_value(f"{where}.port", service.port, message))
        return problems
    try:
        parts = urlsplit(found.url)
    except ValueError as error:
        return [errors.required(f"{path}.url", f"url must be a valid URL: {error}{_FORM}")]
    user = parts.netloc.rpartition("@")[0]
    return [
        errors.invalid_value(f"{path}.url", value, message)
        for wrong, value, message in (
            (parts.scheme != "https", parts.scheme, f"'https' is the only allowed URL scheme{_FORM}"),
            (not parts.netloc, "", f"host must be specified{_FORM}"),
            (user, user, "user information is not permitted in the URL"),
            (parts.fragment, parts.fragment, "fragments are not permitted in the URL"),
            (parts.query, parts.query, "query parameters are not permitted in the URL"),
        )
        if wrong
    ]


def _service_path(text: str, path: str) -> list[FieldError]:
    if text in ("", "/"):
        return []
    if text == "//":
        return [errors.invalid_value(path, text, "segment[0] may not be empty")]
    problems = [] if text.startswith("/") else [errors.invalid_value(path, text, "must start with a '/'")]
    for index, step in enumerate(text[1:].removesuffix("/").split("/")):
        wrong = (
            [f"segment[{index}]: {message}" for message in names.is_dns_subdomain(step)] if step else [f"segment[{index}] may not be empty"]
        )
        problems += [errors.invalid_value(path, text, message) for message in wrong]
    return problems


def _resources(given: list[str], path: str) -> list[FieldError]:
    """That no pattern says what another says already."""
    problems = []
    whole, everywhere = set(), set()
    for index, pattern in enumerate(given):
        where = f"{path}[{index}]"
        if not pattern:
            problems.append(errors.required(where))
        resource, slash, sub = pattern.partition("/")
        if not slash or not pattern:
            continue
        if resource in whole:
            problems.append(errors.invalid_value(where, pattern, f"if '{resource}/*' is present, must not specify {pattern}"))
        if sub in everywhere:
            problems.append(errors.invalid_value(where, pattern, f"if '*/{sub}' is present, must not specify {pattern}"))
        if sub == "*":
            whole.add(resource)
        if resource == "*":
            everywhere.add(sub)
    if len(given) > 1 and "*/*" in given:
        problems.append(errors.invalid_value(path, given, "if '*/*' is present, must not specify other resources"))
    if "*" in given and any("/" not in pattern and pattern not in ("", "*") for pattern in given):
        problems.append(errors.invalid_value(path, given, "if '*' is present, must not specify other resources without subresources"))
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
    problems += needed(f"{path}.resources", rule.resources) + _resources(rule.resources or [], f"{path}.resources")
    problems += one_of(f"{path}.scope", rule.scope, ("*", "Cluster", "Namespaced"), optional=True)
    for index, version in enumerate(rule.api_versions or ()):
        if version != "*":
            problems += checks.named(f"{path}.apiVersions[{index}]", version, names.is_dns1035_label)
    return problems
