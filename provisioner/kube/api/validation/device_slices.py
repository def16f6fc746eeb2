"""What drivers publish of their devices (resource.k8s.io ResourceSlice): where they are, what they are like, what they share. Versions
differ; what is refused is told by the paths of the newest one."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from provisioner.kube.api import errors, names, quantity
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks, scheduling
from provisioner.kube.api.validation.device_names import binding, fact_name, label, pool
from provisioner.kube.api.validation.volume_sources import driver

EFFECTS = ("NoExecute", "NoSchedule", "None")
MAX_DEVICES, MAX_ADVANCED_DEVICES, MAX_COUNTER_SETS, MAX_COUNTERS, MAX_USED_SETS, MAX_TAINTS = 128, 64, 8, 32, 2, 16
# Attributes and capacities of a device together; letters of a text or a version; values that may be asked for of a capacity.
MAX_FACTS, MAX_VALUE, MAX_CHOICES = 32, 64, 10
_NUMBER = "(?:0|[1-9][0-9]*)"
_PRE = "(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
_SEMVER = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_PRE}(?:\.{_PRE})*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?")
_ONE_PLACE = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"
_OWN_PLACE = "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec"
_NO_PLACE = "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec"


def published(spec: Any, path: str) -> list[FieldError]:
    problems = driver(f"{path}.driver", spec.driver) + _pool(spec.pool, f"{path}.pool")
    places, wrong = _places(spec, path, "must be either unset or set to a non-empty string")
    problems += wrong
    if spec.node_selector is not None and len(spec.node_selector.node_selector_terms or ()) != 1:
        where = f"{path}.nodeSelector.nodeSelectorTerms"
        problems.append(
            errors.invalid_value(where, spec.node_selector.node_selector_terms or [], "must have exactly one node selector term")
        )
    per_device = getattr(spec, "per_device_node_selection", None)
    if per_device:
        places.append("`perDeviceNodeSelection`")
    elif per_device is not None:
        problems.append(errors.invalid_value(f"{path}.perDeviceNodeSelection", False, "must be either unset or set to true"))
    if not places:
        problems.append(errors.required(path, _ONE_PLACE))
    elif len(places) > 1:
        shown = "{" + ", ".join(places) + "}"
        problems.append(errors.invalid_value(path, shown, f"{_ONE_PLACE}, but multiple fields are set"))
    counters = getattr(spec, "shared_counters", None)
    if spec.devices is not None and counters is not None:
        problems.append(errors.invalid_value(path, "", "only one of `sharedCounters` or `devices` is allowed"))
    # v1beta1 has what is said of a device in a part of its own.
    facts = [(one.name, one.basic if hasattr(one, "basic") else one) for one in spec.devices or ()]
    advanced = any(getattr(one, name, None) for _, one in facts for name in ("taints", "consumes_counters"))
    problems += checks.each(
        facts,
        MAX_ADVANCED_DEVICES if advanced else MAX_DEVICES,
        f"{path}.devices",
        lambda one, at: label(one[0], f"{at}.name") + (_device(one[1], at, bool(per_device)) if one[1] is not None else []),
        key=lambda one: one[0] or "",
    )
    return problems + checks.each(counters, MAX_COUNTER_SETS, f"{path}.sharedCounters", _counter_set, key=lambda one: one.name or "")


def _pool(found: Any, path: str) -> list[FieldError]:
    name, slices, generation = (found.name, found.resource_slice_count or 0, found.generation or 0) if found is not None else ("", 0, 0)
    problems = pool(name, f"{path}.name")
    if slices <= 0:
        problems.append(errors.invalid_value(f"{path}.resourceSliceCount", slices, "must be greater than zero"))
    if generation < 0:
        problems.append(errors.invalid_value(f"{path}.generation", generation, "must be greater than or equal to zero"))
    return problems


def _places(found: Any, path: str, unnamed: str) -> tuple[list[str], list[FieldError]]:
    """Which of the fields that say where devices are count, as they are told, and what is wrong with them."""
    node, selector, everywhere = (getattr(found, name, None) for name in ("node_name", "node_selector", "all_nodes"))
    places: list[str] = []
    problems: list[FieldError] = []
    if node:
        places.append("`nodeName`")
        problems += checks.named(f"{path}.nodeName", node, names.is_dns_subdomain)
    elif node is not None:
        problems.append(errors.invalid_value(f"{path}.nodeName", node, unnamed))
    if selector is not None:
        places.append("`nodeSelector`")
        problems += scheduling.node_selector(selector, f"{path}.nodeSelector")
    if everywhere:
        places.append("`allNodes`")
    elif everywhere is not None:
        problems.append(errors.invalid_value(f"{path}.allNodes", everywhere, "must be either unset or set to true"))
    return places, problems


def _counter_set(found: Any, path: str) -> list[FieldError]:
    """What devices share, and use up together."""
    problems = label(found.name, f"{path}.name") if found.name else [errors.required(f"{path}.name")]
    return problems + _counters(found.counters, f"{path}.counters")


def _counters(found: dict[str, Any] | None, path: str) -> list[FieldError]:
    if not found:
        return [errors.required(path)]
    if len(found) > MAX_COUNTERS:
        return [errors.too_many(path, len(found), MAX_COUNTERS)]
    return [problem for name in found for problem in label(name, path)]


def _device(device: Any, path: str, chooses: bool) -> list[FieldError]:
    """What a driver says of a device."""
    attributes, capacity = device.attributes or {}, device.capacity or {}
    problems: list[FieldError] = []
    if len(attributes) + len(capacity) > MAX_FACTS:
        message = f"the total number of attributes and capacities must not exceed {MAX_FACTS}"
        problems.append(errors.invalid_value(path, len(attributes) + len(capacity), message))
    for key, attribute in attributes.items():
        problems += fact_name(key, f"{path}.attributes") + _attribute(attribute, f"{path}.attributes[{key}]")
    shared = getattr(device, "allow_multiple_allocations", None)
    for key, found in capacity.items():
        problems += fact_name(key, f"{path}.capacity")
        policy, where = getattr(found, "request_policy", None), f"{path}.capacity[{key}].requestPolicy"
        if policy is not None and shared:
            problems += _policy(policy, found.value or "0", where)
        elif policy is not None:
            problems.append(errors.forbidden_field(where, "allowMultipleAllocations must be true"))
    problems += checks.each(getattr(device, "taints", None), MAX_TAINTS, f"{path}.taints", _taint)
    problems += checks.each(
        getattr(device, "consumes_counters", None),
        MAX_USED_SETS,
        f"{path}.consumesCounters",
        lambda one, at: (
            (label(one.counter_set, f"{at}.counterSet") if one.counter_set else [errors.required(f"{at}.counterSet")])
            + _counters(one.counters, f"{at}.counters")
        ),
        key=lambda one: one.counter_set or "",
    )
    return problems + _own_place(device, path, chooses) + binding(device, path)


def _own_place(device: Any, path: str, chooses: bool) -> list[FieldError]:
    if not chooses:
        there = any(getattr(device, name, None) is not None for name in ("node_name", "node_selector", "all_nodes"))
        return [errors.invalid_value(path, None, _NO_PLACE)] if there else []
    places, problems = _places(device, path, "must not be empty")
    if not places:
        return [*problems, errors.required(path, _OWN_PLACE)]
    return problems if len(places) == 1 else [*problems, errors.invalid_value(path, "{" + ", ".join(places) + "}", _OWN_PLACE)]


def _attribute(found: Any, path: str) -> list[FieldError]:
    """An attribute has one value."""
    problems = []
    if found.string is not None and len(found.string) > MAX_VALUE:
        problems.append(errors.too_long(f"{path}.string", MAX_VALUE))
    if found.version is not None:
        if not _SEMVER.fullmatch(found.version):
            message = "must be a string compatible with semver.org spec 2.0.0"
            problems.append(errors.invalid_value(f"{path}.version", found.version, message))
        if len(found.version) > MAX_VALUE:
            problems.append(errors.too_long(f"{path}.version", MAX_VALUE))
    given = sum(value is not None for value in msgspec.structs.astuple(found))
    if given != 1:
        problems.append(errors.invalid_value(path, found if given else "", "exactly one value must be specified"))
    return problems


def _taint(found: Any, path: str) -> list[FieldError]:
    problems = checks.qualified(f"{path}.key", found.key or "") + checks.named(f"{path}.value", found.value, names.is_label_value)
    return problems + checks.one_of(f"{path}.effect", found.effect, EFFECTS)


def _policy(found: Any, most: Any, path: str) -> list[FieldError]:
    """What may be asked for of a capacity that is shared, and what is given to who asks for nothing."""
    if found.valid_values and found.valid_range is not None:
        told = 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time'
        return [errors.forbidden_field(path, told)]
    for name, given in (("validValues", found.valid_values), ("validRange", found.valid_range)):
        if given:
            if found.default is None:
                return [errors.required(f"{path}.default", f"required when {name} is defined")]
            return (_choices if name == "validValues" else _range)(given, found.default, most, f"{path}.{name}")
    return []


def _wrong(path: str, value: Any, detail: str) -> FieldError:
    return errors.invalid_value(path, quantity.canonical(value), detail)


def _choices(values: list[Any], default: Any, most: Any, path: str) -> list[FieldError]:
    exact = [quantity.parse(value) for value in values]
    told = "values must be sorted in ascending order"
    problems = [_wrong(f"{path}[{n}]", values[n], told) for n in range(1, len(values)) if exact[n - 1] > exact[n]]
    larger = f"option is larger than capacity value: {quantity.canonical(most)}"
    problems += checks.each(
        values,
        MAX_CHOICES,
        path,
        lambda value, at: [_wrong(at, value, larger)] if quantity.parse(value) > quantity.parse(most) else [],
        key=lambda value: str(quantity.value(value)),
    )
    if quantity.parse(default) not in exact:
        problems.append(_wrong(path, default, "default value is not valid according to the requestPolicy"))
    return problems


def _range(found: Any, default: Any, most: Any, path: str) -> list[FieldError]:
    if found.min is None:
        return [errors.required(f"{path}.min", "required when validRange is defined")]
    limit, least, given = quantity.parse(most), quantity.parse(found.min), quantity.parse(default)
    shown, shown_least = quantity.canonical(most), quantity.canonical(found.min)
    problems = []
    if least > limit:
        problems.append(_wrong(f"{path}.min", found.min, f"min is larger than capacity value: {shown}"))
    if given < least:
        problems.append(_wrong(f"{path}.default", default, f"default is less than min: {shown_least}"))
    if found.max is not None:
        top = quantity.parse(found.max)
        if least > top:
            problems.append(_wrong(f"{path}.max", found.min, f"min is larger than max: {quantity.canonical(found.max)}"))
        if top > limit:
            problems.append(_wrong(f"{path}.max", found.max, f"max is larger than capacity value: {shown}"))
        if given > top:
            problems.append(_wrong(f"{path}.default", default, f"default is more than max: {quantity.canonical(found.max)}"))
    return problems + _steps(found, default, most, f"{path}.step")


def _steps(found: Any, default: Any, most: Any, path: str) -> list[FieldError]:
    if found.step is None:
        return []
    step, least = quantity.parse(found.step), quantity.parse(found.min)
    if step <= 0:
        return [_wrong(path, found.step, "must be greater than zero")]
    problems = []
    if least + step > quantity.parse(most):
        told = f"one step {quantity.render(least + step)} is larger than capacity value: {quantity.canonical(most)}"
        problems.append(_wrong(path, found.step, told))
    told = f"value is not a multiple of a given step ({quantity.canonical(found.step)}) from ({quantity.canonical(found.min)})"
    for value in (default, found.max):
        if value is not None and (quantity.parse(value) - least) % step:
            problems.append(_wrong(path, value, told))
    return problems
