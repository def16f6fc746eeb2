"""How many replicas metrics call for, and how fast their number may change. Pure.

Source: the documentation of autoscaling/v2 HorizontalPodAutoscaler: algorithm details, scaling policies, stabilization.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from provisioner.kube.api import quantity
from provisioner.kube.api._generated import autoscaling_v2, core_v1
from provisioner.kube.api.meta import condition, parse_time

# Upstream's flags' defaults.
TOLERANCE = 0.1
CPU_INITIALIZATION_S = 300.0
INITIAL_READINESS_S = 30.0
DOWN_STABILIZATION_S = 300
_UP = autoscaling_v2.HPAScalingRules(
    stabilization_window_seconds=0,
    select_policy="Max",
    policies=[
        autoscaling_v2.HPAScalingPolicy(type="Pods", value=4, period_seconds=15),
        autoscaling_v2.HPAScalingPolicy(type="Percent", value=100, period_seconds=15),
    ],
)
_DOWN = autoscaling_v2.HPAScalingRules(
    stabilization_window_seconds=DOWN_STABILIZATION_S,
    select_policy="Max",
    policies=[autoscaling_v2.HPAScalingPolicy(type="Percent", value=100, period_seconds=15)],
)


class NoCount(Exception):
    """The metrics don't say; the message is upstream's."""


@dataclass(frozen=True)
class Sample:
    """One pod's value, in thousandths, over `window_s` up to `moment`."""

    milli: int
    moment: datetime | None = None
    window_s: float = 0.0


@dataclass
class Groups:
    """Pods by what their metrics are worth."""

    ready: list[str] = field(default_factory=list)
    unready: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def group(pods: Sequence[core_v1.Pod], samples: Mapping[str, Sample], resource: str, now: datetime) -> Groups:
    found = Groups()
    for pod in pods:
        name = pod.metadata.name or ""
        if pod.metadata.deletion_timestamp is not None or pod.status.phase == "Failed":
            found.ignored.append(name)
        elif pod.status.phase == "Pending" or (resource == "cpu" and name in samples and _starting(pod, samples[name], now)):
            found.unready.append(name)
        elif name not in samples:
            found.missing.append(name)
        else:
            found.ready.append(name)
    return found


def _starting(pod: core_v1.Pod, sample: Sample, now: datetime) -> bool:
    """Whether a pod's cpu is that of its start, which says nothing about its load."""
    ready, started = condition(pod.status.conditions, "Ready"), parse_time(pod.status.start_time)
    since = parse_time(ready.last_transition_time) if ready is not None else None
    if ready is None or started is None:
        return True
    if started + timedelta(seconds=CPU_INITIALIZATION_S) > now:
        early = sample.moment is not None and since is not None and sample.moment < since + timedelta(seconds=sample.window_s)
        return bool(ready.status == "False" or early)
    return bool(ready.status == "False" and since is not None and started + timedelta(seconds=INITIAL_READINESS_S) > since)


@dataclass(frozen=True)
class Tolerances:
    """By how much the ratio to the target may be too low or too high before anything is scaled."""

    down: float = TOLERANCE
    up: float = TOLERANCE

    def hold(self, ratio: float) -> bool:
        return 1.0 - self.down <= ratio <= 1.0 + self.up


EVEN = Tolerances()


def tolerances_of(spec: autoscaling_v2.HorizontalPodAutoscalerSpec) -> Tolerances:
    """`behavior`'s own, else upstream's flag's default."""

    def own(found: autoscaling_v2.HPAScalingRules | None) -> float:
        return float(quantity.parse(found.tolerance)) if found is not None and found.tolerance is not None else TOLERANCE

    behavior = spec.behavior
    return EVEN if behavior is None else Tolerances(own(behavior.scale_down), own(behavior.scale_up))


def by_pods(
    current: int,
    pods: Sequence[core_v1.Pod],
    samples: Mapping[str, Sample],
    target_milli: int,
    *,
    resource: str = "",
    requests: Mapping[str, int] | None = None,
    now: datetime,
    tolerances: Tolerances = EVEN,
) -> tuple[int, int]:
    """(replicas, the average in thousandths, or in per cent of `requests` where those are given). Raises NoCount.

    `target_milli` is a pod's wanted value, or with `requests` the wanted per cent.
    """
    groups = group(pods, samples, resource, now)
    values = {name: samples[name].milli for name in groups.ready}
    if not values:
        raise NoCount("did not receive metrics for targeted pods (pods might be unready)")
    ratio, average = _ratio(values, target_milli, requests)
    rebalance = bool(groups.unready) and ratio > 1
    if not rebalance and not groups.missing:
        return (current if tolerances.hold(ratio) else math.ceil(ratio * len(values))), average
    full = {name: requests[name] for name in groups.missing if name in requests} if requests is not None else {}
    for name in groups.missing:
        # What isn't known is taken to be against the change.
        if ratio < 1:
            values[name] = full.get(name, 0) * max(100, target_milli) // 100 if requests is not None else target_milli
        elif ratio > 1:
            values[name] = 0
    if rebalance:
        values.update(dict.fromkeys(groups.unready, 0))
    again, _ = _ratio(values, target_milli, requests)
    if tolerances.hold(again) or (ratio < 1 < again) or (ratio > 1 > again):
        return current, average
    wanted = math.ceil(again * len(values))
    if (again < 1 and wanted > current) or (again > 1 and wanted < current):
        return current, average
    return wanted, average


def _ratio(values: Mapping[str, int], target_milli: int, requests: Mapping[str, int] | None) -> tuple[float, int]:
    if requests is None:
        average = sum(values.values()) // len(values)
        return average / target_milli if target_milli else 1.0, average
    asked = sum(requests.get(name, 0) for name in values)
    if not asked:
        raise NoCount("no metrics returned matched known pods")
    percent = sum(values.values()) * 100 // asked
    return percent / target_milli if target_milli else 1.0, percent


def by_value(current: int, ready: int, value_milli: int, target_milli: int, tolerances: Tolerances = EVEN) -> int:
    """Replicas for one value that all pods together answer for."""
    ratio = value_milli / target_milli if target_milli else 1.0
    return current if tolerances.hold(ratio) else math.ceil(ratio * ready)


def by_total(current: int, total_milli: int, target_milli: int, tolerances: Tolerances = EVEN) -> int:
    """Replicas for a total that is shared evenly: each pod its target."""
    ratio = total_milli / (target_milli * current) if current and target_milli else math.inf
    return current if tolerances.hold(ratio) else math.ceil(total_milli / target_milli) if target_milli else current


# -- limits -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """One scaling that was done: by how many replicas (down is negative), and when."""

    by: int
    moment: datetime


@dataclass(frozen=True)
class Limited:
    """A number within the limits. `able` and `limited` are (status, reason, message) of the conditions AbleToScale and ScalingLimited."""

    replicas: int
    able: tuple[str, str, str] | None
    limited: tuple[str, str, str]


def rules(spec: autoscaling_v2.HorizontalPodAutoscalerSpec, up: bool) -> autoscaling_v2.HPAScalingRules:
    """A direction's rules, with upstream's defaults for what isn't said."""
    behavior, base = spec.behavior, _UP if up else _DOWN
    own = (behavior.scale_up if up else behavior.scale_down) if behavior is not None else None
    if own is None:
        return base
    window = own.stabilization_window_seconds
    return autoscaling_v2.HPAScalingRules(
        policies=own.policies or base.policies,
        select_policy=own.select_policy or "Max",
        stabilization_window_seconds=base.stabilization_window_seconds if window is None else window,
    )


def limit(
    spec: autoscaling_v2.HorizontalPodAutoscalerSpec,
    current: int,
    wanted: int,
    recommendations: Sequence[tuple[datetime, int]],
    changes: Sequence[Change],
    now: datetime,
) -> Limited:
    """What the wanted number becomes by stabilization, by the policies' rates and by the spec's bounds, in this order."""
    stable, able = _stabilized(spec, current, wanted, recommendations, now)
    low, high = spec.min_replicas if spec.min_replicas is not None else 1, spec.max_replicas or 1
    within_range = ("False", "DesiredWithinRange", "the desired count is within the acceptable range")
    if stable > current:
        fastest = _rate(rules(spec, up=True), current, changes, now, up=True)
        if stable > max(current, min(fastest, high)):
            if fastest < high:
                text = "the desired replica count is increasing faster than the maximum scale rate"
                return Limited(max(current, fastest), able, ("True", "ScaleUpLimit", text))
            return Limited(high, able, ("True", "TooManyReplicas", "the desired replica count is more than the maximum replica count"))
    elif stable < current:
        fastest = _rate(rules(spec, up=False), current, changes, now, up=False)
        if stable < min(current, max(fastest, low)):
            if fastest > low:
                text = "the desired replica count is decreasing faster than the maximum scale rate"
                return Limited(min(current, fastest), able, ("True", "ScaleDownLimit", text))
            return Limited(low, able, ("True", "TooFewReplicas", "the desired replica count is less than the minimum replica count"))
    return Limited(stable, able, within_range)


def _stabilized(
    spec: autoscaling_v2.HorizontalPodAutoscalerSpec,
    current: int,
    wanted: int,
    recommendations: Sequence[tuple[datetime, int]],
    now: datetime,
) -> tuple[int, tuple[str, str, str]]:
    up_s = rules(spec, up=True).stabilization_window_seconds or 0
    down_s = rules(spec, up=False).stabilization_window_seconds or 0
    lowest = min([wanted, *(n for moment, n in recommendations if (now - moment).total_seconds() < up_s)])
    highest = max([wanted, *(n for moment, n in recommendations if (now - moment).total_seconds() < down_s)])
    stable = min(max(current, lowest), highest)
    if stable == wanted:
        return stable, ("True", "ReadyForNewScale", "recommended size matches current size")
    if wanted > stable:
        text = "recent recommendations were lower than current one, applying the lowest recent recommendation"
        return stable, ("True", "ScaleUpStabilized", text)
    text = "recent recommendations were higher than current one, applying the highest recent recommendation"
    return stable, ("True", "ScaleDownStabilized", text)


def _rate(found: autoscaling_v2.HPAScalingRules, current: int, changes: Sequence[Change], now: datetime, *, up: bool) -> int:
    """The farthest that the policies let the number go from where each one's period began."""
    if found.select_policy == "Disabled":
        return current
    ends = []
    for policy in found.policies or ():
        recent = [c.by for c in changes if (c.by > 0) is up and (now - c.moment).total_seconds() < (policy.period_seconds or 0)]
        start = current - sum(recent)
        step = policy.value or 0
        if policy.type == "Percent":
            ends.append(math.ceil(start * (1 + step / 100)) if up else int(start * (1 - step / 100)))
        else:
            ends.append(start + step if up else start - step)
    if not ends:
        return current
    return (max if (found.select_policy != "Min") is up else min)(ends)


def milli(value: str | int | float | None) -> int:
    return quantity.milli(value) if value is not None else 0
