"""Dynamic resource allocation (resource.k8s.io): classes, claims and their templates. Versions differ in how requests are nested; what is
refused is told by the paths of the newest one, as upstream tells it."""

from __future__ import annotations

from typing import Any

import msgspec

from provisioner.kube.api import cel, errors, names
from provisioner.kube.api.cel import checking
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks, metadata, scheduling, statuses
from provisioner.kube.api.validation.checks import needed, one_of, unchanged
from provisioner.kube.api.validation.device_names import binding, extended, fact_name, full_name, label, pool, share_id
from provisioner.kube.api.validation.device_slices import EFFECTS, published
from provisioner.kube.api.validation.volume_sources import driver

MAX_REQUESTS = MAX_CONFIGS = MAX_CONSTRAINTS = MAX_SELECTORS = MAX_RESULTS = 32
MAX_SUBREQUESTS, MAX_RESERVED, MAX_CONDITIONS, MAX_ADDRESSES = 8, 256, 8, 16
MAX_EXPRESSION = MAX_PARAMETERS = MAX_DATA = 10 * 1024
MAX_INTERFACE, MAX_HARDWARE = 256, 128
_NO_REQUEST = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"


def create(obj: Any) -> list[FieldError]:
    kind, spec = type(obj).KIND, obj.spec
    if kind == "DeviceClass":
        problems = _selectors(spec.selectors or [], "spec.selectors") + _configs(spec.config or [], "spec.config", None)
        return problems + extended(getattr(spec, "extended_resource_name", None), "spec.extendedResourceName")
    if kind == "ResourceClaim":
        return _claim(spec, "spec")
    if kind == "ResourceClaimTemplate":
        own = spec.metadata.labels if spec.metadata is not None else None
        return metadata.labels(own, "spec.metadata.labels") + (_claim(spec.spec, "spec.spec") if spec.spec is not None else [])
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


def _names(claim: Any) -> set[str]:
    """Of requests, and of what each may be instead."""
    requests = (claim.devices.requests or ()) if claim.devices is not None else ()
    whole = {request.name or "" for request in requests}
    return whole | {f"{request.name}/{sub.name}" for request in requests for sub in request.first_available or ()}


def _claim(spec: Any, path: str) -> list[FieldError]:
    devices, where = spec.devices, f"{path}.devices"
    if devices is None:
        return []
    known = _names(spec)
    problems = checks.each(devices.requests, MAX_REQUESTS, f"{where}.requests", _request, key=lambda request: request.name or "")
    problems += checks.each(devices.constraints, MAX_CONSTRAINTS, f"{where}.constraints", lambda one, at: _constraint(one, at, known))
    return problems + _configs(devices.config or [], f"{where}.config", known)


def _constraint(found: Any, path: str, known: set[str]) -> list[FieldError]:
    problems = _known(found.requests, known, f"{path}.requests")
    distinct = getattr(found, "distinct_attribute", None)
    if found.match_attribute is not None:
        return problems + full_name(found.match_attribute, f"{path}.matchAttribute")
    if distinct is not None:
        return problems + full_name(distinct, f"{path}.distinctAttribute")
    told = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'
    return [*problems, errors.required(path, told)]


def _request(request: Any, path: str) -> list[FieldError]:
    problems = label(request.name, f"{path}.name")
    exactly = request.exactly if hasattr(request, "exactly") else request if _says_what(request) else None
    told = "exactly one of `exactly` or `firstAvailable` is required"
    if exactly is None and not request.first_available:
        return [*problems, errors.required(path, told)]
    if exactly is not None and request.first_available:
        return [*problems, errors.invalid_value(path, None, f"{told}, but multiple fields are set")]
    if exactly is not None:
        return problems + _wanted(exactly, f"{path}.exactly")
    return problems + checks.each(
        request.first_available,
        MAX_SUBREQUESTS,
        f"{path}.firstAvailable",
        lambda sub, at: label(sub.name, f"{at}.name") + _wanted(sub, at),
        key=lambda sub: sub.name or "",
    )


def _says_what(request: Any) -> bool:
    """Whether a flat request of v1beta1 asks for a device itself."""
    fields = ("device_class_name", "selectors", "allocation_mode", "count", "admin_access", "tolerations", "capacity")
    return any(getattr(request, name, None) for name in fields)


def _wanted(found: Any, path: str) -> list[FieldError]:
    problems = checks.name_needed(f"{path}.deviceClassName", found.device_class_name)
    problems += _selectors(found.selectors or [], f"{path}.selectors")
    mode, count = found.allocation_mode, found.count or 0
    if mode == "All":
        if count:
            problems.append(errors.invalid_value(f"{path}.count", count, "must not be specified when allocationMode is 'All'"))
    elif mode == "ExactCount":
        if count <= 0:
            problems.append(errors.invalid_value(f"{path}.count", count, "must be greater than zero"))
    else:
        problems.append(errors.not_supported(f"{path}.allocationMode", mode or "", ("All", "ExactCount")))
    capacity = getattr(found, "capacity", None)
    for name, value in (capacity.requests or {}).items() if capacity is not None else ():
        problems += fact_name(name, f"{path}.capacity.requests") + checks.amount(f"{path}.capacity.requests[{name}]", value)
    for index, toleration in enumerate(getattr(found, "tolerations", None) or ()):
        problems += _toleration(toleration, f"{path}.tolerations[{index}]")
    return problems


def _toleration(found: Any, path: str) -> list[FieldError]:
    problems = checks.named(f"{path}.key", found.key, names.is_qualified_name)
    if found.operator == "Exists":
        if found.value:
            problems.append(errors.invalid_value(f"{path}.value", found.value, "must be empty for operator `Exists`"))
    elif found.operator == "Equal":
        problems += checks.named(f"{path}.value", found.value, names.is_label_value)
    else:
        problems += one_of(f"{path}.operator", found.operator, ("Equal", "Exists"))
    return problems + one_of(f"{path}.effect", found.effect, EFFECTS, optional=True)


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


def _selectors(found: list[Any], path: str) -> list[FieldError]:
    return checks.each(found, MAX_SELECTORS, path, lambda selector, at: _selector(selector, f"{at}.cel"))


def _selector(found: Any, path: str) -> list[FieldError]:
    if found.cel is None:
        return [errors.required(path)]
    text, where = found.cel.expression or "", f"{path}.expression"
    if len(text) > MAX_EXPRESSION:
        return [errors.too_long(where, MAX_EXPRESSION)]
    try:
        kind, _ = checking.check(text, cel.compile(text, ("device",)).tree, {"device": _DEVICE})
    except cel.CelError as error:
        return [errors.invalid_value(where, text, f"compilation failed: {error}")]
    if kind is not None and kind.get("type") not in (None, "boolean"):
        return [errors.invalid_value(where, text, "must evaluate to bool")]
    return []


def _configs(found: list[Any], path: str, known: set[str] | None, limit: int = MAX_CONFIGS) -> list[FieldError]:
    return checks.each(found, limit, path, lambda config, at: _config(config, at, known))


def _config(config: Any, path: str, known: set[str] | None) -> list[FieldError]:
    """`known` None: a class's, which is for no request."""
    problems = _known(config.requests, known, f"{path}.requests") if known is not None else []
    if config.opaque is None:
        return [*problems, errors.required(f"{path}.opaque")]
    problems += driver(f"{path}.opaque.driver", config.opaque.driver)
    return problems + _raw(config.opaque.parameters, f"{path}.opaque.parameters", MAX_PARAMETERS)


def _raw(value: Any, path: str, limit: int) -> list[FieldError]:
    """A part that drivers read, an object of any kind."""
    if value is None:
        return [errors.required(path)]
    if len(msgspec.json.encode(value)) > limit:
        return [errors.too_long(path, limit)]
    return [] if isinstance(value, dict) else [errors.invalid_value(path, "<value omitted>", "must be a valid JSON object")]


def _known(requests: list[str] | None, known: set[str], path: str) -> list[FieldError]:
    return checks.each(requests, MAX_REQUESTS, path, lambda name, at: _reference(name, known, at), key=str)


def _reference(name: str, known: set[str], path: str) -> list[FieldError]:
    parts = name.split("/")
    if len(parts) > 2:
        return [errors.invalid_value(path, name, _NO_REQUEST)]
    problems = [problem for part in parts for problem in label(part, path)]
    return problems if name in known else [*problems, errors.invalid_value(path, name, _NO_REQUEST)]


# -- status ----------------------------------------------------------------------------------------------------------------


def status(new: Any, old: Any) -> list[FieldError]:
    """Of claims: who reserves one is there once, and only of an allocated one; an allocation does not change."""
    if type(new).KIND != "ResourceClaim":
        return []
    mine, before, path = new.status, old.status, "status.reservedFor"
    problems = checks.each(mine.reserved_for, MAX_RESERVED, path, _consumer, key=lambda one: one.uid or "")
    results = (mine.allocation.devices.results or ()) if mine.allocation is not None and mine.allocation.devices is not None else ()
    devices = {_device_id(result) for result in results}
    problems += checks.each(mine.devices, None, "status.devices", lambda one, at: _device(one, at, devices), key=_device_id)
    if mine.reserved_for and mine.allocation is None:
        problems.append(errors.forbidden_field(path, "may not be specified when `allocated` is not set"))
    elif mine.reserved_for and new.metadata.deletion_timestamp and any(one not in (before.reserved_for or ()) for one in mine.reserved_for):
        told = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set"
        problems.append(errors.forbidden_field(path, told))
    if mine.allocation is None:
        return problems
    if before.allocation is not None:
        return problems + unchanged("status.allocation", mine.allocation, before.allocation)
    return problems + _allocation(mine.allocation, _names(new.spec))


def _consumer(found: Any, path: str) -> list[FieldError]:
    told = (("resource", found.resource), ("name", found.name), ("uid", found.uid))
    return [problem for name, value in told for problem in needed(f"{path}.{name}", value)]


def _device_id(found: Any) -> str:
    parts = [found.driver or "", found.pool or "", found.device or ""]
    shared = getattr(found, "share_id", None)
    return "/".join([*parts, shared] if shared else parts)


def _device(found: Any, path: str, devices: set[str]) -> list[FieldError]:
    """What a driver says of a device that was allocated."""
    problems = driver(f"{path}.driver", found.driver) + pool(found.pool, f"{path}.pool") + label(found.device, f"{path}.device")
    problems += share_id(getattr(found, "share_id", None), f"{path}.shareID")
    if _device_id(found) not in devices:
        # A device tells itself, without quotes.
        told = f"Invalid value: {_device_id(found)}: must be an allocated device in the claim"
        problems.append(FieldError("FieldValueInvalid", path, told))
    if len(found.conditions or ()) > MAX_CONDITIONS:
        problems.append(errors.too_many(f"{path}.conditions", len(found.conditions), MAX_CONDITIONS))
    problems += statuses.conditions(found.conditions, f"{path}.conditions")
    if found.data is not None:
        problems += _raw(found.data, f"{path}.data", MAX_DATA)
    network, where = found.network_data, f"{path}.networkData"
    if network is None:
        return problems
    if len(network.interface_name or "") > MAX_INTERFACE:
        problems.append(errors.too_long(f"{where}.interfaceName", MAX_INTERFACE))
    if len(network.hardware_address or "") > MAX_HARDWARE:
        problems.append(errors.too_long(f"{where}.hardwareAddress", MAX_HARDWARE))
    return problems + checks.each(network.ips, MAX_ADDRESSES, f"{where}.ips", lambda text, at: checks.interface_address(at, text), key=str)


def _allocation(found: Any, known: set[str]) -> list[FieldError]:
    devices, path = found.devices, "status.allocation.devices"
    problems: list[FieldError] = []
    if devices is not None:
        problems += checks.each(devices.results, MAX_RESULTS, f"{path}.results", lambda one, at: _result(one, at, known))
        problems += checks.each(devices.config, 2 * MAX_CONFIGS, f"{path}.config", lambda one, at: _allocated_config(one, at, known))
    if found.node_selector is not None:
        problems += scheduling.node_selector(found.node_selector, "status.allocation.nodeSelector")
    return problems


def _result(found: Any, path: str, known: set[str]) -> list[FieldError]:
    problems = _reference(found.request or "", known, f"{path}.request") + driver(f"{path}.driver", found.driver)
    problems += pool(found.pool, f"{path}.pool") + label(found.device, f"{path}.device") + binding(found, path)
    for index, toleration in enumerate(getattr(found, "tolerations", None) or ()):
        problems += _toleration(toleration, f"{path}.tolerations[{index}]")
    return problems + share_id(getattr(found, "share_id", None), f"{path}.shareID")


def _allocated_config(found: Any, path: str, known: set[str]) -> list[FieldError]:
    return one_of(f"{path}.source", found.source, ("FromClaim", "FromClass")) + _config(found, path, known)
