"""Names in dynamic resource allocation: of requests and devices, pools, attributes and capacities, extended resources, shares."""

from __future__ import annotations

import re
from typing import Any

from provisioner.kube.api import errors, names
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.volume_sources import driver

# Letters of an identifier, of a pool's name, and conditions that must be true before a device is used.
MAX_IDENTIFIER, MAX_POOL, MAX_CONDITIONS = 32, 253, 4
_IDENTIFIER = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_NO_IDENTIFIER = (
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' "
    "(e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')"
)
_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NO_UUID = "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters"


def label(name: str | None, path: str) -> list[FieldError]:
    return [errors.invalid_value(path, name or "", message) for message in names.is_dns_label(name or "")]


def pool(name: str | None, path: str) -> list[FieldError]:
    """Domains, with slashes between them."""
    if not name:
        return [errors.required(path)]
    problems = [errors.too_long(path, MAX_POOL)] if len(name) > MAX_POOL else []
    return problems + [errors.invalid_value(path, part, message) for part in name.split("/") for message in names.is_dns_subdomain(part)]


def fact_name(name: str, path: str) -> list[FieldError]:
    """Of an attribute or a capacity: an identifier, with or without its driver's domain."""
    domain, slash, identifier = name.partition("/")
    if not slash:
        return _identifier(name, path)
    if "/" in identifier:
        return [errors.invalid_value(path, name, "must not contain more than one slash")]
    problems = driver(path, domain) if domain else [errors.invalid_value(path, "", "the domain must not be empty")]
    return problems + (_identifier(identifier, path) if identifier else [errors.invalid_value(path, "", "the name must not be empty")])


def full_name(name: str, path: str) -> list[FieldError]:
    """Of an attribute, with its domain."""
    problems = fact_name(name, path)
    if "/" not in name:
        told = "a fully qualified name must be a domain and a name separated by a slash"
        problems.append(errors.invalid_value(path, name, told))
    return problems


def _identifier(text: str, path: str) -> list[FieldError]:
    problems = [errors.too_long(path, MAX_IDENTIFIER)] if len(text) > MAX_IDENTIFIER else []
    return problems if _IDENTIFIER.fullmatch(text) else [*problems, errors.invalid_value(path, text, _NO_IDENTIFIER)]


def extended(name: str | None, path: str) -> list[FieldError]:
    """Of a resource with a domain of its own."""
    if name is None:
        return []
    own = "/" in name and "kubernetes.io/" not in name and not name.startswith("requests.")
    right = own and not names.is_qualified_name(f"requests.{name}")
    return [] if right else [errors.invalid_value(path, name, "must be a valid extended resource name")]


def share_id(found: str | None, path: str) -> list[FieldError]:
    if found is None or _UUID.fullmatch(found):
        return []
    if _UUID.fullmatch(found.lower()):
        return [errors.invalid_value(path, found, _NO_UUID)]
    return [errors.invalid_value(path, found, f"error validating uid: invalid UUID length: {len(found)}")]


def binding(found: Any, path: str) -> list[FieldError]:
    """The conditions that must be true before a device is used, and those that say that it can't be. Older versions have none."""
    wanted, failing = (getattr(found, name, None) or [] for name in ("binding_conditions", "binding_failure_conditions"))
    here, there = f"{path}.bindingConditions", f"{path}.bindingFailureConditions"
    problems: list[FieldError] = []
    for where, given in ((here, wanted), (there, failing)):
        problems += checks.each(given, MAX_CONDITIONS, where, lambda one, at: checks.qualified(at, one))
    seen, failures = checks.Once(), checks.Once()
    for index, condition in enumerate(wanted):
        problems += seen.add(f"{here}[{index}]", condition)
    for index, condition in enumerate(failing):
        problems += failures.add(f"{there}[{index}]", condition)
        if condition in wanted:
            told = "bindingFailureConditions must not overlap with bindingConditions"
            problems.append(errors.invalid_value(f"{there}[{index}]", condition, told))
    if failing and not wanted:
        problems.append(errors.invalid_value(here, [], "bindingConditions are required to use bindingFailureConditions"))
    if wanted and not failing:
        problems.append(errors.invalid_value(there, [], "bindingFailureConditions are required to use bindingConditions"))
    return problems
