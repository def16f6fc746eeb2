"""Admission webhook configurations: where they are, what they are asked about, and that asking does no harm."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from provisioner.kube.api import errors, names
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation.checks import Once, label_selector, needed, one_of

OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
VERSIONS = ("v1", "v1beta1")
SIDE_EFFECTS = ("None", "NoneOnDryRun")
MAX_TIMEOUT_S = 30
MAX_CONDITIONS = 64
_FORM = "; desired format: https://host[/path]"


def create(obj: Any) -> list[FieldError]:
    problems = []
    seen = Once()
    for index, hook in enumerate(obj.webhooks or ()):
        where = f"webhooks[{index}]"
        problems += _webhook(hook, where) + _review_versions(hook.admission_review_versions or [], f"{where}.admissionReviewVersions")
        problems += seen.add(f"{where}.name", hook.name) if hook.name else []
    return problems


def _webhook(hook: Any, path: str) -> list[FieldError]:
    problems = _full_name(hook.name or "", f"{path}.name")
    for index, rule in enumerate(hook.rules or ()):
        problems += rule_of(rule, f"{path}.rules[{index}]")
    problems += one_of(f"{path}.failurePolicy", hook.failure_policy, ("Fail", "Ignore"), optional=True)
    problems += one_of(f"{path}.matchPolicy", hook.match_policy, ("Equivalent", "Exact"), optional=True)
    if hook.side_effects is None:
        problems.append(errors.required(f"{path}.sideEffects", f"must specify one of {', '.join(SIDE_EFFECTS)}"))
    elif hook.side_effects not in SIDE_EFFECTS:
        problems.append(errors.not_supported(f"{path}.sideEffects", hook.side_effects, SIDE_EFFECTS))
    timeout_s = hook.timeout_seconds
    if timeout_s is not None and not 1 <= timeout_s <= MAX_TIMEOUT_S:
        message = f"the timeout value must be between 1 and {MAX_TIMEOUT_S} seconds"
        problems.append(errors.invalid_value(f"{path}.timeoutSeconds", timeout_s, message))
    problems += label_selector(f"{path}.namespaceSelector", hook.namespace_selector)
    problems += label_selector(f"{path}.objectSelector", hook.object_selector)
    # Those that validate have none.
    again = getattr(hook, "reinvocation_policy", None)
    problems += one_of(f"{path}.reinvocationPolicy", again, ("IfNeeded", "Never"), optional=True)
    if hook.client_config is None:
        problems.append(errors.required(f"{path}.clientConfig", "exactly one of url or service is required"))
    else:
        problems += client(hook.client_config, f"{path}.clientConfig")
    if hook.match_conditions:
        from provisioner.kube.api.validation.policies import HOOK_NAMES, conditions

        problems += conditions(f"{path}.matchConditions", hook.match_conditions, HOOK_NAMES)
    return problems


def _full_name(name: str, path: str) -> list[FieldError]:
    if not name:
        return [errors.required(path)]
    if wrong := names.is_dns_subdomain(name):
        return [errors.invalid_value(path, name, ",".join(wrong))]
    told = "should be a domain with at least three segments separated by dots"
    return [errors.invalid_value(path, name, told)] if name.count(".") < 2 else []


def _review_versions(versions: list[str], path: str) -> list[FieldError]:
    if not versions:
        return [errors.required(path, f"must specify one of {', '.join(VERSIONS)}")]
    problems = []
    for index, version in enumerate(versions):
        if version in versions[:index]:
            problems.append(errors.invalid_value(f"{path}[{index}]", version, "duplicate version"))
        else:
            problems += [errors.invalid_value(f"{path}[{index}]", version, message) for message in names.is_dns1035_label(version)]
    if not set(versions) & set(VERSIONS):
        problems.append(errors.invalid_value(path, versions, f"must include at least one of {', '.join(VERSIONS)}"))
    return problems


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
    problems = _starred(rule.operations, f"{path}.operations", "operations")
    for index, operation in enumerate(rule.operations or ()):
        if operation not in OPERATIONS:
            problems.append(errors.not_supported(f"{path}.operations[{index}]", operation, OPERATIONS))
    problems += _starred(rule.api_groups, f"{path}.apiGroups", "API groups")
    problems += _starred(rule.api_versions, f"{path}.apiVersions", "API versions")
    for index, version in enumerate(rule.api_versions or ()):
        problems += needed(f"{path}.apiVersions[{index}]", version)
    problems += needed(f"{path}.resources", rule.resources) + _resources(rule.resources or [], f"{path}.resources")
    return problems + one_of(f"{path}.scope", rule.scope, ("*", "Cluster", "Namespaced"), optional=True)


def _starred(values: list[str] | None, path: str, what: str) -> list[FieldError]:
    if "*" in (values or ()) and len(values or ()) > 1:
        return [errors.invalid_value(path, values, f"if '*' is present, must not specify other {what}")]
    return needed(path, values)
