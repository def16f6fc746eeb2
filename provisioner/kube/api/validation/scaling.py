"""Disruption budgets and autoscalers."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api import errors, names, quantity
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks, statuses
from provisioner.kube.api.validation.checks import needed, one_of

_ATTRIBUTES = {"containerResource": "container_resource"}
METRICS = {"ContainerResource": "containerResource", "External": "external", "Object": "object", "Pods": "pods", "Resource": "resource"}
# (the measure that is missed where there is none, another one that it may be, what is told then, and where both are there)
_UTILIZED = "must set either a target raw value or a target utilization"
_AIMS = {
    "containerResource": ("averageUtilization", "averageValue", _UTILIZED, "may not set both a target raw value and a target utilization"),
    "external": (
        "averageValue",
        "value",
        "must set either a target value for metric or a per-pod target",
        "may not set both a target value for metric and a per-pod target",
    ),
    "object": ("averageValue", "value", "must set either a target value or averageValue", ""),
    "pods": ("averageValue", "", "must specify a positive target averageValue", ""),
    "resource": ("averageUtilization", "averageValue", _UTILIZED, "may not set both a target raw value and a target utilization"),
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
    problems += _reference(spec.scale_target_ref, "spec.scaleTargetRef")
    for index, metric in enumerate(getattr(spec, "metrics", None) or ()):
        problems += _metric(metric, f"spec.metrics[{index}]")
    behavior = getattr(spec, "behavior", None)
    for name, rules in (("scaleUp", behavior.scale_up), ("scaleDown", behavior.scale_down)) if behavior is not None else ():
        if rules is not None:
            problems += _rules(rules, f"spec.behavior.{name}")
    return problems


def _reference(found: Any, path: str) -> list[FieldError]:
    kind, name = (found.kind, found.name) if found is not None else (None, None)
    return checks.name_needed(f"{path}.kind", kind, names.is_path_segment) + checks.name_needed(f"{path}.name", name, names.is_path_segment)


def _metric(metric: Any, path: str) -> list[FieldError]:
    problems = needed(f"{path}.type", metric.type, "must specify a metric source type")
    if metric.type not in METRICS:
        problems.append(errors.not_supported(f"{path}.type", metric.type or "", METRICS))
    sources = {
        name: getattr(metric, _ATTRIBUTES.get(name, name), None) for name in ("object", "external", "pods", "resource", "containerResource")
    }
    given = [name for name, source in sources.items() if source is not None]
    if given:
        problems += _source(given[0], sources[given[0]], f"{path}.{given[0]}")
    expected = METRICS.get(metric.type or "")
    if expected is not None and expected not in given:
        problems.append(errors.required(f"{path}.{expected}", "must populate information for the given metric source"))
    if len(given) != 1:
        told = "must populate the given metric source only"
        problems += [errors.forbidden_field(f"{path}.{name}", told) for name in given if name != expected]
    return problems


def _source(name: str, source: Any, path: str) -> list[FieldError]:
    problems: list[FieldError] = []
    if name == "object":
        problems += _reference(source.described_object, f"{path}.describedObject")
    if name in ("object", "external", "pods"):
        metric = source.metric.name if source.metric is not None else None
        problems += needed(f"{path}.metric.name", metric, "must specify a metric name")
        problems += checks.named(f"{path}.metric.name", metric, names.is_path_segment)
    else:
        problems += needed(f"{path}.name", source.name, "must specify a resource name")
    if name == "containerResource":
        problems += needed(f"{path}.container", source.container, "must specify a container")
        problems += checks.named(f"{path}.container", source.container, names.is_dns_label)
    target, where = source.target, f"{path}.target"
    if target is None:
        return [*problems, errors.required(where)]
    problems += needed(f"{where}.type", target.type, "must specify a metric target type")
    if target.type not in ("Utilization", "Value", "AverageValue"):
        problems.append(errors.invalid_value(f"{where}.type", target.type or "", "must be either Utilization, Value, or AverageValue"))
    for measure, value in (("value", target.value), ("averageValue", target.average_value)):
        if value is not None and quantity.parse(value) <= 0:
            # A quantity tells itself, without quotes.
            told = f"Invalid value: {quantity.canonical(value)}: must be positive"
            problems.append(FieldError("FieldValueInvalid", f"{where}.{measure}", told))
    if target.average_utilization is not None and target.average_utilization < 1:
        problems.append(errors.invalid_value(f"{where}.averageUtilization", target.average_utilization, "must be greater than 0"))
    return problems + _aim(name, target, where)


def _aim(name: str, target: Any, path: str) -> list[FieldError]:
    """What each kind of metric is aimed at, by one of its measures."""
    measures = {"averageUtilization": target.average_utilization, "averageValue": target.average_value, "value": target.value, "": None}
    first, second, none, both = _AIMS[name]
    problems = []
    if measures[first] is None and measures[second] is None:
        problems.append(errors.required(f"{path}.{first}", none))
    if both and measures[first] is not None and measures[second] is not None:
        problems.append(errors.forbidden_field(f"{path}.{second}", both))
    return problems


def _rules(rules: Any, path: str) -> list[FieldError]:
    problems: list[FieldError] = []
    window_s, where = rules.stabilization_window_seconds, f"{path}.stabilizationWindowSeconds"
    if window_s is not None and window_s < 0:
        problems.append(errors.invalid_value(where, window_s, "must be greater than or equal to zero"))
    if window_s is not None and window_s > MAX_WINDOW_S:
        problems.append(errors.invalid_value(where, window_s, f"must be less than or equal to {MAX_WINDOW_S}"))
    problems += one_of(f"{path}.selectPolicy", rules.select_policy, ("Disabled", "Max", "Min"), optional=True)
    if rules.tolerance is not None:
        problems += checks.amount(f"{path}.tolerance", rules.tolerance)
    problems += needed(f"{path}.policies", rules.policies, "must specify at least one Policy")
    for index, policy in enumerate(rules.policies or ()):
        where = f"{path}.policies[{index}]"
        if policy.type not in ("Percent", "Pods"):
            problems.append(errors.not_supported(f"{where}.type", policy.type or "", ("Percent", "Pods")))
        for name, value in (("value", policy.value or 0), ("periodSeconds", policy.period_seconds or 0)):
            if value <= 0:
                problems.append(errors.invalid_value(f"{where}.{name}", value, "must be greater than zero"))
        if (policy.period_seconds or 0) > MAX_PERIOD_S:
            told = f"must be less than or equal to {MAX_PERIOD_S}"
            problems.append(errors.invalid_value(f"{where}.periodSeconds", policy.period_seconds, told))
    return problems


def status(new: Any, old: Any) -> list[FieldError]:
    """Counts, and a budget's conditions."""
    found = new.status
    if type(new).KIND == "HorizontalPodAutoscaler":
        problems = checks.not_negative("status.currentReplicas", found.current_replicas)
        return problems + checks.not_negative("status.desiredReplicas", found.desired_replicas)
    problems = statuses.conditions(found.conditions, "status.conditions")
    for name, value in (
        ("disruptionsAllowed", found.disruptions_allowed),
        ("currentHealthy", found.current_healthy),
        ("desiredHealthy", found.desired_healthy),
        ("expectedPods", found.expected_pods),
    ):
        problems += checks.not_negative(f"status.{name}", value)
    return problems
