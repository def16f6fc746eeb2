"""Dynamic resource allocation (resource.k8s.io): classes, claims and their templates, slices. Versions differ in how requests are nested."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api import cel, errors, names
from provisioner.kube.api.cel import checking
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.checks import Once, named, needed, one_of, unchanged
from provisioner.kube.api.validation.device_slices import fact_name, published

MODES = ("All", "ExactCount")
MAX_REQUESTS = MAX_CONFIGS = MAX_CONSTRAINTS = MAX_SELECTORS = 32
MAX_SUBREQUESTS = 8
MAX_RESERVED = 256
_NO_REQUEST = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"


def create(obj: Any) -> list[FieldError]:
    kind, spec = type(obj).KIND, obj.spec
    if kind == "DeviceClass":
        problems = _selectors(spec.selectors, "spec.selectors")
        extended = getattr(spec, "extended_resource_name", None)
        if extended is not None:
            problems += [errors.invalid_value("spec.extendedResourceName", extended, m) for m in names.is_qualified_name(extended)]
            if "/" not in extended or extended.partition("/")[0].endswith("kubernetes.io"):
                message = "must be a resource with a domain of its own"
                problems.append(errors.invalid_value("spec.extendedResourceName", extended, message))
        return problems + _configs(spec.config, "spec.config", None)
    if kind == "ResourceClaim":
        return _claim(spec, "spec")
    if kind == "ResourceClaimTemplate":
        return _claim(spec.spec, "spec.spec") if spec.spec is not None else [errors.required("spec.spec")]
    if kind == "ResourceSlice":
        return published(spec, "spec")
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
    capacity = getattr(found, "capacity", None)
    for name, value in (capacity.requests or {}).items() if capacity is not None else ():
        here = f"{path}.capacity.requests[{name}]"
        problems += fact_name(name, here) + checks.amount(here, value)
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
    return [errors.invalid_value(f"{path}[{i}]", name, _NO_REQUEST) for i, name in enumerate(requests or ()) if name not in known]


def _qualified(name: str, path: str) -> list[FieldError]:
    domain, slash, last = name.partition("/")
    if not slash:
        return [errors.invalid_value(path, name, "must include a domain")]
    return named(path, domain, names.is_dns_subdomain) + needed(path, last, "the name after the domain must not be empty")


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
    problems += _allocated(new)
    if old.status.allocation is not None and new.status.allocation is not None and new.status.allocation != old.status.allocation:
        problems += unchanged("status.allocation", new.status.allocation, old.status.allocation)
    return problems


def _allocated(claim: Any) -> list[FieldError]:
    """What was allocated was asked for; what drivers say is of what was allocated."""
    if claim.spec.devices is None or claim.status.allocation is None or claim.status.allocation.devices is None:
        return []
    known = {request.name for request in claim.spec.devices.requests or ()}
    known |= {f"{request.name}/{sub.name}" for request in claim.spec.devices.requests or () for sub in request.first_available or ()}
    problems = []
    devices = set()
    for index, result in enumerate(claim.status.allocation.devices.results or ()):
        where = f"status.allocation.devices.results[{index}]"
        if result.request not in known:
            problems.append(errors.invalid_value(f"{where}.request", result.request or "", _NO_REQUEST))
        for name, value in (("driver", result.driver), ("pool", result.pool), ("device", result.device)):
            problems += needed(f"{where}.{name}", value)
        devices.add((result.driver, result.pool, result.device))
    seen = Once()
    for index, device in enumerate(claim.status.devices or ()):
        where, key = f"status.devices[{index}]", (device.driver, device.pool, device.device)
        said = {"driver": device.driver, "pool": device.pool, "device": device.device}
        if key not in devices:
            problems.append(errors.invalid_value(where, said, "must be an allocated device in the claim"))
        problems += seen.add(where, (*key, device.share_id), said)
    return problems
