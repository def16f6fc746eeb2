"""What drivers publish of their devices (resource.k8s.io ResourceSlice): where they are, what they are like, what they share. Versions differ."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from provisioner.kube.api import errors, names
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks, scheduling
from provisioner.kube.api.validation.checks import Once, needed

EFFECTS = ("NoExecute", "NoSchedule", "None")
MAX_DEVICES, MAX_COUNTER_SETS, MAX_TAINTS, MAX_CONDITIONS = 128, 8, 16, 4
# Attributes and capacities of a device together; letters of a text or a version, and of a name.
MAX_FACTS, MAX_VALUE, MAX_IDENTIFIER = 32, 64, 32
_IDENTIFIER = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_NO_IDENTIFIER = (
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' "
    "(e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')"
)
_NUMBER = "(?:0|[1-9][0-9]*)"
_SEMVER = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?")


def published(spec: Any, path: str) -> list[FieldError]:
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
    counters = getattr(spec, "shared_counters", None)
    if spec.devices and counters:
        problems.append(errors.invalid_value(path, "{`devices`, `sharedCounters`}", "only one of `sharedCounters` or `devices` may be set"))
    problems += _counters(counters or [], f"{path}.sharedCounters")
    needs_place = spec.devices or not counters
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
            problems += _device(facts, f"{path}.devices[{index}]{below}") + _use(facts, f"{path}.devices[{index}]{below}", bool(per_device))
    return problems


def _counters(found: list[Any], path: str) -> list[FieldError]:
    """What devices share, and use up together."""
    problems = [errors.too_many(path, len(found), MAX_COUNTER_SETS)] if len(found) > MAX_COUNTER_SETS else []
    seen = Once()
    for index, one in enumerate(found):
        where = f"{path}[{index}]"
        problems += checks.name_needed(f"{where}.name", one.name, names.is_dns_label) + seen.add(f"{where}.name", one.name)
        problems += needed(f"{where}.counters", one.counters)
        for name, counter in (one.counters or {}).items():
            at = f"{where}.counters[{name}]"
            problems += [errors.invalid_value(at, name, message) for message in names.is_dns_label(name)]
            problems += checks.amount(f"{at}.value", counter.value) if counter.value is not None else []
    return problems


def _use(device: Any, path: str, chooses: bool) -> list[FieldError]:
    """Where a device is, what it takes of counters, who is kept from it, and what must be true before it is used. Older versions have less."""
    places = [n for n in ("node_name", "node_selector", "all_nodes") if getattr(device, n, None)]
    problems: list[FieldError] = []
    if chooses and len(places) != 1:
        message = (
            "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the spec"
        )
        problems.append(errors.required(path, message))
    elif not chooses and places:
        field = dict(zip(device.__struct_fields__, device.__struct_encode_fields__, strict=True))[places[0]]
        message = "can only be set if `perDeviceNodeSelection` is set to true in the spec"
        problems.append(errors.invalid_value(f"{path}.{field}", getattr(device, places[0]), message))
    for index, taken in enumerate(getattr(device, "consumes_counters", None) or ()):
        problems += checks.name_needed(f"{path}.consumesCounters[{index}].counterSet", taken.counter_set, names.is_dns_label)
        problems += needed(f"{path}.consumesCounters[{index}].counters", taken.counters)
    taints = getattr(device, "taints", None) or []
    if len(taints) > MAX_TAINTS:
        problems.append(errors.too_many(f"{path}.taints", len(taints), MAX_TAINTS))
    for index, taint in enumerate(taints):
        where = f"{path}.taints[{index}]"
        problems += [errors.invalid_value(f"{where}.key", taint.key or "", m) for m in names.is_qualified_name(taint.key or "")]
        problems += [errors.invalid_value(f"{where}.value", taint.value, m) for m in names.is_label_value(taint.value or "")]
        problems += checks.one_of(f"{where}.effect", taint.effect, EFFECTS)
    wanted, failing = (getattr(device, name, None) or [] for name in ("binding_conditions", "binding_failure_conditions"))
    for field, here, there in (("bindingConditions", wanted, failing), ("bindingFailureConditions", failing, wanted)):
        if there and not here:
            other = "bindingFailureConditions" if field == "bindingConditions" else "bindingConditions"
            problems.append(errors.invalid_value(f"{path}.{field}", here, f"{field} are required to use {other}"))
        if len(here) > MAX_CONDITIONS:
            problems.append(errors.too_many(f"{path}.{field}", len(here), MAX_CONDITIONS))
        for index, condition in enumerate(here):
            problems += [errors.invalid_value(f"{path}.{field}[{index}]", condition, m) for m in names.is_qualified_name(condition)]
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
        problems += fact_name(key, where)
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
        problems += fact_name(key, f"{path}.capacity[{key}]")
        problems += checks.amount(f"{path}.capacity[{key}].value", found.value) if found.value is not None else []
    return problems


def fact_name(key: str, path: str) -> list[FieldError]:
    domain, slash, identifier = key.rpartition("/")
    problems = [errors.invalid_value(path, domain, message) for message in names.is_dns_subdomain(domain)] if slash else []
    if not _IDENTIFIER.fullmatch(identifier):
        problems.append(errors.invalid_value(path, identifier, _NO_IDENTIFIER))
    if len(identifier) > MAX_IDENTIFIER:
        problems.append(errors.too_long(path, MAX_IDENTIFIER))
    return problems
