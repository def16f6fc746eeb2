"""Dynamic resource allocation (resource.k8s.io): classes, claims and their templates, slices. Versions differ in how requests are nested."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from provisioner.kube.api import cel, errors, names
from provisioner.kube.api.cel import checking
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks, scheduling
from provisioner.kube.api.validation.checks import Once, named, needed, one_of, unchanged

MODES = ("All", "ExactCount")
MAX_REQUESTS = MAX_CONFIGS = MAX_CONSTRAINTS = MAX_SELECTORS = 32
MAX_DEVICES = 128
MAX_SUBREQUESTS = 8
MAX_RESERVED = 256
# Attributes and capacities of a device together; letters of a text or a version, and of a name.
MAX_FACTS, MAX_VALUE, MAX_IDENTIFIER = 32, 64, 32
_IDENTIFIER = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_NO_IDENTIFIER = (
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' "
    "(e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')"
)
_NUMBER = "(?:0|[1-9][0-9]*)"
_SEMVER = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?")


def create(obj: Any) -> list[FieldError]:
    kind, spec = type(obj).KIND, obj.spec
    if kind == "DeviceClass":
        problems = _selectors(spec.selectors, "spec.selectors")
        return problems + _configs(spec.config, "spec.config", None)
    if kind == "ResourceClaim":
        return _claim(spec, "spec")
    if kind == "ResourceClaimTemplate":
        return _claim(spec.spec, "spec.spec") if spec.spec is not None else [errors.required("spec.spec")]
    if kind == "ResourceSlice":
        return _slice(spec, "spec")
    return []


def always(obj: Any) -> list[FieldError]:
    return create(obj) if type(obj).KIND in ("DeviceClass", "ResourceSlice") else []


def update(new: Any, old: Any) -> list[FieldError]:
    kind = type(new).KIND
    if kind in ("ResourceClaim", "ResourceClaimTemplate"):
        return unchanged("spec", new.spec, old.spec)
    if kind != "ResourceSlice":
        return []
    mine, before = (getattr(o.spec.pool, "name", None) for o in (new, old))
    problems = unchanged("spec.pool.name", mine, before) + unchanged("spec.driver", new.spec.driver, old.spec.driver)
    return problems + unchanged("spec.nodeName", new.spec.node_name, old.spec.node_name)


def _claim(spec: Any, path: str) -> list[FieldError]:
    devices, where = spec.devices, f"{path}.devices"
    if devices is None:
        return []
    problems: list[FieldError] = []
    seen, known = Once(), set()
    if len(devices.requests or ()) > MAX_REQUESTS:
        problems.append(errors.too_many(f"{where}.requests", len(devices.requests), MAX_REQUESTS))
    for index, request in enumerate(devices.requests or ()):
        here = f"{where}.requests[{index}]"
        problems += checks.name_needed(f"{here}.name", request.name, names.is_dns_label) + seen.add(f"{here}.name", request.name)
        known.add(request.name or "")
        known |= {f"{request.name}/{sub.name}" for sub in request.first_available or ()}
        problems += _request(request, here)
    if len(devices.constraints or ()) > MAX_CONSTRAINTS:
        problems.append(errors.too_many(f"{where}.constraints", len(devices.constraints), MAX_CONSTRAINTS))
    for index, constraint in enumerate(devices.constraints or ()):
        here = f"{where}.constraints[{index}]"
        problems += _known(constraint.requests, known, f"{here}.requests")
        if constraint.match_attribute is None and getattr(constraint, "distinct_attribute", None) is None:
            problems.append(errors.required(f"{here}.matchAttribute"))
        elif constraint.match_attribute is not None:
            problems += _qualified(constraint.match_attribute, f"{here}.matchAttribute")
    return problems + _configs(devices.config, f"{where}.config", known)


def _request(request: Any, path: str) -> list[FieldError]:
    nested = hasattr(request, "exactly")
    exactly = request.exactly if nested else request if request.device_class_name else None
    if exactly is None and not request.first_available:
        return [errors.required(path, "exactly one of `exactly` or `firstAvailable` is required")]
    if exactly is not None and request.first_available:
        return [
            errors.invalid_value(path, request, "exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set")
        ]
    if exactly is not None:
        return _wanted(exactly, f"{path}.exactly" if nested else path)
    problems: list[FieldError] = []
    if len(request.first_available) > MAX_SUBREQUESTS:
        problems.append(errors.too_many(f"{path}.firstAvailable", len(request.first_available), MAX_SUBREQUESTS))
    seen = Once()
    for index, sub in enumerate(request.first_available):
        here = f"{path}.firstAvailable[{index}]"
        problems += checks.name_needed(f"{here}.name", sub.name, names.is_dns_label) + seen.add(f"{here}.name", sub.name)
        problems += _wanted(sub, here)
    return problems


def _wanted(found: Any, path: str) -> list[FieldError]:
    problems = checks.name_needed(f"{path}.deviceClassName", found.device_class_name)
    problems += _selectors(found.selectors, f"{path}.selectors")
    mode, count = found.allocation_mode, found.count
    problems += one_of(f"{path}.allocationMode", mode, MODES)
    if mode == "ExactCount" and (count or 0) <= 0:
        problems.append(errors.invalid_value(f"{path}.count", count or 0, "must be greater than zero"))
    elif mode == "All" and count:
        problems.append(errors.invalid_value(f"{path}.count", count, "must not be specified when allocationMode is 'All'"))
    for index, toleration in enumerate(getattr(found, "tolerations", None) or ()):
        here = f"{path}.tolerations[{index}]"
        problems += one_of(f"{here}.operator", toleration.operator, ("Equal", "Exists"))
        problems += one_of(f"{here}.effect", toleration.effect, ("NoExecute", "NoSchedule", "None"), optional=True)
    return problems


# What an expression knows of a device.
_DOMAINS = {"type": "object", "additionalProperties": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
_DEVICE = {
    "type": "object",
    "properties": {
        "driver": {"type": "string"},
        "attributes": _DOMAINS,
        "capacity": _DOMAINS,
        "allowMultipleAllocations": {"type": "boolean"},
    },
}


def _selectors(found: list[Any] | None, path: str) -> list[FieldError]:
    problems = []
    if len(found or ()) > MAX_SELECTORS:
        problems.append(errors.too_many(path, len(found or ()), MAX_SELECTORS))
    for index, selector in enumerate(found or ()):
        where = f"{path}[{index}].cel"
        if selector.cel is None:
            problems.append(errors.required(where))
            continue
        text = selector.cel.expression or ""
        try:
            kind, _ = checking.check(text, cel.compile(text, ("device",)).tree, {"device": _DEVICE})
        except cel.CelError as error:
            problems.append(errors.invalid_value(f"{where}.expression", text, f"compilation failed: {error}"))
            continue
        if kind is not None and kind.get("type") not in (None, "boolean"):
            problems.append(errors.invalid_value(f"{where}.expression", text, "must evaluate to bool"))
    return problems


def _configs(found: list[Any] | None, path: str, known: set[str] | None) -> list[FieldError]:
    problems = []
    if len(found or ()) > MAX_CONFIGS:
        problems.append(errors.too_many(path, len(found or ()), MAX_CONFIGS))
    for index, config in enumerate(found or ()):
        where = f"{path}[{index}]"
        if known is not None:
            problems += _known(config.requests, known, f"{where}.requests")
        if config.opaque is None:
            problems.append(errors.required(f"{where}.opaque"))
            continue
        problems += checks.name_needed(f"{where}.opaque.driver", config.opaque.driver)
        if config.opaque.parameters is None:
            problems.append(errors.required(f"{where}.opaque.parameters"))
        elif not isinstance(config.opaque.parameters, dict):
            problems.append(errors.invalid_value(f"{where}.opaque.parameters", "<value omitted>", "must be a valid JSON object"))
    return problems


def _known(requests: list[str] | None, known: set[str], path: str) -> list[FieldError]:
    message = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
    return [errors.invalid_value(f"{path}[{i}]", name, message) for i, name in enumerate(requests or ()) if name not in known]


def _qualified(name: str, path: str) -> list[FieldError]:
    domain, slash, last = name.partition("/")
    if not slash:
        return [errors.invalid_value(path, name, "must include a domain")]
    return named(path, domain, names.is_dns_subdomain) + needed(path, last, "the name after the domain must not be empty")


def _slice(spec: Any, path: str) -> list[FieldError]:
    problems = checks.name_needed(f"{path}.driver", spec.driver)
    pool = spec.pool
    if pool is None or not pool.name:
        problems.append(errors.required(f"{path}.pool.name"))
    if pool is not None:
        if (pool.resource_slice_count or 0) <= 0:
            message = "must be greater than zero"
            problems.append(errors.invalid_value(f"{path}.pool.resourceSliceCount", pool.resource_slice_count or 0, message))
        problems += checks.not_negative(f"{path}.pool.generation", pool.generation)
    per_device = getattr(spec, "per_device_node_selection", None)
    chosen = [n for n, v in (("nodeName", spec.node_name), ("nodeSelector", spec.node_selector), ("allNodes", spec.all_nodes), ("perDeviceNodeSelection", per_device)) if v]  # fmt: skip
    if spec.node_name == "":
        problems.append(errors.invalid_value(f"{path}.nodeName", "", "must be either unset or set to a non-empty string"))
    needs_place = spec.devices or not getattr(spec, "shared_counters", None)
    if not chosen and needs_place:
        message = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"
        problems.append(errors.required(path, message))
    elif len(chosen) > 1:
        message = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set"
        problems.append(errors.invalid_value(path, "{" + ", ".join(f"`{n}`" for n in chosen) + "}", message))
    if spec.node_selector is not None:
        problems += scheduling.node_selector(spec.node_selector, f"{path}.nodeSelector")
    if len(spec.devices or ()) > MAX_DEVICES:
        problems.append(errors.too_many(f"{path}.devices", len(spec.devices), MAX_DEVICES))
    seen = Once()
    for index, device in enumerate(spec.devices or ()):
        where = f"{path}.devices[{index}].name"
        problems += checks.name_needed(where, device.name, names.is_dns_label) + seen.add(where, device.name)
        # v1beta1 has what is said of a device in a part of its own.
        facts, below = (device.basic, ".basic") if hasattr(device, "basic") else (device, "")
        if facts is not None:
            problems += _device(facts, f"{path}.devices[{index}]{below}")
    return problems


def _device(device: Any, path: str) -> list[FieldError]:
    """What a driver says of a device: names are identifiers, with or without a domain; an attribute has one value."""
    attributes, capacity = device.attributes or {}, device.capacity or {}
    problems = []
    if len(attributes) + len(capacity) > MAX_FACTS:
        message = f"the total number of attributes and capacities must not exceed {MAX_FACTS}"
        problems.append(errors.invalid_value(path, len(attributes) + len(capacity), message))
    for key, attribute in attributes.items():
        where = f"{path}.attributes[{key}]"
        problems += _fact_name(key, where)
        given = [value for value in msgspec.structs.astuple(attribute) if value is not None]
        if not given:
            problems.append(errors.required(where, "exactly one value must be specified"))
        elif len(given) > 1:
            problems.append(errors.invalid_value(where, attribute, "exactly one value must be specified"))
        for name, text in (("string", attribute.string), ("version", attribute.version)):
            if text is not None and len(text) > MAX_VALUE:
                problems.append(errors.too_long(f"{where}.{name}", MAX_VALUE))
        if attribute.version is not None and not _SEMVER.fullmatch(attribute.version):
            message = "must be a string compatible with semver.org spec 2.0.0"
            problems.append(errors.invalid_value(f"{where}.version", attribute.version, message))
    for key, found in capacity.items():
        problems += _fact_name(key, f"{path}.capacity[{key}]")
        problems += checks.amount(f"{path}.capacity[{key}].value", found.value) if found.value is not None else []
    return problems


def _fact_name(key: str, path: str) -> list[FieldError]:
    domain, slash, identifier = key.rpartition("/")
    problems = [errors.invalid_value(path, domain, message) for message in names.is_dns_subdomain(domain)] if slash else []
    if not _IDENTIFIER.fullmatch(identifier):
        problems.append(errors.invalid_value(path, identifier, _NO_IDENTIFIER))
    if len(identifier) > MAX_IDENTIFIER:
        problems.append(errors.too_long(path, MAX_IDENTIFIER))
    return problems


def status(new: Any, old: Any) -> list[FieldError]:
    """Of claims: who reserves one is there once, and only of an allocated one; an allocation does not change while it is reserved."""
    if type(new).KIND != "ResourceClaim":
        return []
    reserved, path = new.status.reserved_for or [], "status.reservedFor"
    problems: list[FieldError] = []
    seen = Once()
    if len(reserved) > MAX_RESERVED:
        problems.append(errors.too_many(path, len(reserved), MAX_RESERVED))
    for index, consumer in enumerate(reserved):
        where = f"{path}[{index}]"
        for name, value in (("resource", consumer.resource), ("name", consumer.name), ("uid", consumer.uid)):
            problems += needed(f"{where}.{name}", value)
        problems += seen.add(where, consumer.uid)
    if reserved and new.status.allocation is None:
        problems.append(errors.forbidden_field(path, "may not be specified when `allocated` is not set"))
    if old.status.allocation is not None and new.status.allocation is not None and new.status.allocation != old.status.allocation:
        problems += unchanged("status.allocation", new.status.allocation, old.status.allocation)
    return problems
