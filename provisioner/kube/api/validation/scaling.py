"""Disruption budgets and autoscalers."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api import errors, names
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.checks import needed, one_of

METRICS = {"ContainerResource": "containerResource", "External": "external", "Object": "object", "Pods": "pods", "Resource": "resource"}
# (the measure that is missed where there is none, another one that it may be, how they are told)
_AIMS = {
    "ContainerResource": ("averageUtilization", "averageValue", "raw value or a target utilization"),
    "External": ("averageValue", "value", "value for metric or a per-pod target"),
    "Object": ("averageValue", "value", "value for metric or a per-pod target"),
    "Pods": ("averageValue", "", "specify a positive target averageValue"),
    "Resource": ("averageUtilization", "averageValue", "raw value or a target utilization"),
}
MAX_WINDOW_S = 3600
MAX_PERIOD_S = 1800


def create(obj: Any) -> list[FieldError]:
    return _budget(obj.spec) if type(obj).KIND == "PodDisruptionBudget" else _autoscaler(obj.spec)


def _budget(spec: Any) -> list[FieldError]:
    problems: list[FieldError] = []
    if spec.min_available is not None and spec.max_unavailable is not None:
        problems.append(errors.invalid_value("spec", spec, "minAvailable and maxUnavailable cannot be both set"))
    for name, value in (("minAvailable", spec.min_available), ("maxUnavailable", spec.max_unavailable)):
        problems += checks.count_or_percent(f"spec.{name}", value) + checks.at_most_all(f"spec.{name}", value)
    problems += checks.label_selector("spec.selector", spec.selector)
    return problems + one_of(
        "spec.unhealthyPodEvictionPolicy", spec.unhealthy_pod_eviction_policy, ("AlwaysAllow", "IfHealthyBudget"), optional=True
    )


def _autoscaler(spec: Any) -> list[FieldError]:
    problems: list[FieldError] = []
    low, high = spec.min_replicas, spec.max_replicas or 0
    if low is not None and low < 1:
        problems.append(errors.invalid_value("spec.minReplicas", low, "must be greater than or equal to 1"))
    if high < 1:
        problems.append(errors.invalid_value("spec.maxReplicas", high, "must be greater than 0"))
    if low is not None and high < low:
        problems.append(errors.invalid_value("spec.maxReplicas", high, "must be greater than or equal to `minReplicas`"))
    target = spec.scale_target_ref
    problems += needed("spec.scaleTargetRef.kind", target.kind if target is not None else None)
    problems += needed("spec.scaleTargetRef.name", target.name if target is not None else None)
    for index, metric in enumerate(getattr(spec, "metrics", None) or ()):
        problems += _metric(metric, f"spec.metrics[{index}]")
    behavior = getattr(spec, "behavior", None)
    for name, rules in (("scaleUp", behavior.scale_up), ("scaleDown", behavior.scale_down)) if behavior is not None else ():
        if rules is not None:
            problems += _rules(rules, f"spec.behavior.{name}")
    return problems


def _metric(metric: Any, path: str) -> list[FieldError]:
    if not metric.type:
        return [errors.required(f"{path}.type", "must specify a metric source type")]
    if metric.type not in METRICS:
        return [errors.not_supported(f"{path}.type", metric.type, METRICS)]
    given = checks.sources_of(metric, but=("type",))
    expected = METRICS[metric.type]
    if expected not in given:
        return [errors.required(f"{path}.{expected}", "must populate information for the given metric source")]
    problems = [
        errors.forbidden_field(f"{path}.{name}", "must populate the given metric source only") for name in given if name != expected
    ]
    source = getattr(metric, {"containerResource": "container_resource"}.get(expected, expected))
    where = f"{path}.{expected}"
    if metric.type in ("Resource", "ContainerResource"):
        problems += needed(f"{where}.name", source.name, "must specify a resource name")
    if metric.type in ("External", "Object", "Pods"):
        problems += _named_metric(source.metric, f"{where}.metric")
    if metric.type == "Object":
        about = source.described_object
        problems += needed(f"{where}.describedObject.kind", about.kind if about is not None else None)
        problems += needed(f"{where}.describedObject.name", about.name if about is not None else None)
    if metric.type == "ContainerResource":
        problems += needed(f"{where}.container", source.container, "must specify a container")
    target = source.target
    if target is None:
        return [*problems, errors.required(f"{where}.target")]
    problems += one_of(f"{where}.target.type", target.type, ("AverageValue", "Utilization", "Value"))
    for name, value in (("value", target.value), ("averageValue", target.average_value)):
        if value is not None:
            problems += checks.amount(f"{where}.target.{name}", value)
    if target.average_utilization is not None and target.average_utilization < 1:
        problems.append(errors.invalid_value(f"{where}.target.averageUtilization", target.average_utilization, "must be greater than 0"))
    return problems + _aim(metric.type, target, f"{where}.target")


def _aim(kind: str, target: Any, path: str) -> list[FieldError]:
    """What each kind of metric is aimed at, by one of its measures."""
    measures = {"averageUtilization": target.average_utilization, "averageValue": target.average_value, "value": target.value}
    first, second, told = _AIMS[kind]
    problems = []
    if measures[first] is None and (not second or measures[second] is None):
        problems.append(errors.required(f"{path}.{first}", f"must {told}" if not second else f"must set either a target {told}"))
    if second and measures[first] is not None and measures[second] is not None:
        problems.append(errors.forbidden_field(f"{path}.{second}", f"may not set both a target {told.replace(' or ', ' and ')}"))
    return problems


def _named_metric(found: Any, path: str) -> list[FieldError]:
    if found is None or not found.name:
        return [errors.required(f"{path}.name", "must specify a metric name")]
    return checks.named(f"{path}.name", found.name, names.is_path_segment) + checks.label_selector(f"{path}.selector", found.selector)


def _rules(rules: Any, path: str) -> list[FieldError]:
    problems = checks.within(f"{path}.stabilizationWindowSeconds", rules.stabilization_window_seconds, 0, MAX_WINDOW_S)
    problems += one_of(f"{path}.selectPolicy", rules.select_policy, ("Disabled", "Max", "Min"), optional=True)
    if rules.tolerance is not None:
        problems += checks.amount(f"{path}.tolerance", rules.tolerance)
    problems += needed(f"{path}.policies", rules.policies, "must specify at least one Policy")
    for index, policy in enumerate(rules.policies or ()):
        where = f"{path}.policies[{index}]"
        problems += one_of(f"{where}.type", policy.type, ("Percent", "Pods"))
        problems += checks.within(f"{where}.value", policy.value or 0, 1, checks.INT32_MAX)
        problems += checks.within(f"{where}.periodSeconds", policy.period_seconds or 0, 1, MAX_PERIOD_S)
    return problems
