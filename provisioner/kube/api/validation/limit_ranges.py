"""LimitRanges: which types and resources there are, and that least, default and most are in that order (core/v1 LimitRangeItem)."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api import errors, names, quantity
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import resource_names
from provisioner.kube.api.validation.checks import Once

TYPES = ("Container", "PersistentVolumeClaim", "Pod")
# (the one that must not be more, the one that must not be less, whose path, whose value is told), with what they are called
_ORDER = (
    ("min", "max", "min", "min", "min value {} is greater than max value {}"),
    ("min", "defaultRequest", "defaultRequest", "defaultRequest", "min value {} is greater than default request value {}"),
    ("defaultRequest", "max", "defaultRequest", "defaultRequest", "default request value {} is greater than max value {}"),
    ("defaultRequest", "default", "defaultRequest", "defaultRequest", "default request value {} is greater than default limit value {}"),
    ("min", "default", "default", "min", "min value {} is greater than default value {}"),
    ("default", "max", "default", "max", "default value {} is greater than max value {}"),
)


def create(obj: core_v1.LimitRange) -> list[FieldError]:
    problems: list[FieldError] = []
    kinds = Once()
    for index, item in enumerate(obj.spec.limits or ()):
        where = f"spec.limits[{index}]"
        problems += _type(item.type or "", f"{where}.type") + kinds.add(f"{where}.type", item.type) + _item(item, where)
    return problems


def _type(name: str, path: str) -> list[FieldError]:
    wrong = [errors.invalid_value(path, name, message) for message in names.is_qualified_name(name)]
    if wrong or "/" in name or name in TYPES:
        return wrong
    return [errors.invalid_value(path, name, "must be a standard limit type or fully qualified")]


def _item(item: core_v1.LimitRangeItem, where: str) -> list[FieldError]:
    problems: list[FieldError] = []
    amounts: dict[str, dict[str, Any]] = {}
    for field, given in (
        ("max", item.max),
        ("min", item.min),
        ("default", item.default),
        ("defaultRequest", item.default_request),
        ("maxLimitRequestRatio", item.max_limit_request_ratio),
    ):
        if (
            field == "maxLimitRequestRatio"
            and item.type == "PersistentVolumeClaim"
            and "storage" not in {*(item.min or ()), *(item.max or ())}
        ):
            message = "either minimum or maximum storage value is required, but neither was provided"
            problems.append(errors.required(f"{where}.limits", message))
        if item.type == "Pod" and field.startswith("default"):
            problems += [errors.forbidden_field(f"{where}.{field}", "may not be specified when `type` is 'Pod'")] if given else []
            continue
        for name, value in (given or {}).items():
            path = f"{where}.{field}[{name}]"
            problems += (resource_names.wrong_in_container if item.type in ("Pod", "Container") else resource_names.wrong_name)(name, path)
            try:
                quantity.parse(value)
            except quantity.QuantityError as error:
                problems.append(errors.invalid_value(path, value, str(error)))
            else:
                amounts.setdefault(name, {})[field] = value
    return problems + [problem for name, found in amounts.items() for problem in _bounds(found, where, name)]


def _bounds(found: dict[str, Any], where: str, name: str) -> list[FieldError]:
    """min <= defaultRequest <= default <= max, as far as each is there; and a ratio that can be kept."""
    exact = {field: quantity.parse(value) for field, value in found.items()}
    told = {field: quantity.canonical(value) for field, value in found.items()}
    problems = [
        errors.invalid_value(f"{where}.{path}[{name}]", told[value], message.format(told[low], told[high]))
        for low, high, path, value, message in _ORDER
        if low in exact and high in exact and exact[low] > exact[high]
    ]
    ratio, path = exact.get("maxLimitRequestRatio"), f"{where}.maxLimitRequestRatio[{name}]"
    if ratio is not None and ratio < 1:
        problems.append(errors.invalid_value(path, told["maxLimitRequestRatio"], f"ratio {told['maxLimitRequestRatio']} is less than 1"))
    if ratio is not None and exact.get("min") and "max" in exact and ratio > exact["max"] / exact["min"]:
        most = f"{float(exact['max'] / exact['min']):f}"
        message = f"ratio {told['maxLimitRequestRatio']} is greater than max/min = {most}"
        problems.append(errors.invalid_value(path, told["maxLimitRequestRatio"], message))
    if not resource_names.is_shared(name) and {"default", "defaultRequest"} <= exact.keys() and exact["default"] != exact["defaultRequest"]:
        message = f"default value {told['default']} must equal to defaultRequest value {told['defaultRequest']} in {name}"
        problems.append(errors.invalid_value(f"{where}.defaultRequest[{name}]", told["defaultRequest"], message))
    return problems
