"""Defaults of autoscalers: what they look at, and how fast they go."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api._generated import autoscaling_v2 as v2
from provisioner.kube.api.defaults import default

CPU_PERCENT = 80


def horizontalpodautoscaler(obj: Any) -> None:
    default(obj.spec, min_replicas=1)
    if not isinstance(obj, v2.HorizontalPodAutoscaler):
        return
    if not obj.spec.metrics:
        target = v2.MetricTarget(type="Utilization", average_utilization=CPU_PERCENT)
        obj.spec.metrics = [v2.MetricSpec(type="Resource", resource=v2.ResourceMetricSource(name="cpu", target=target))]
    behavior = obj.spec.behavior
    if behavior is None:
        return
    percent = v2.HPAScalingPolicy(type="Percent", value=100, period_seconds=15)
    pods = v2.HPAScalingPolicy(type="Pods", value=4, period_seconds=15)
    if behavior.scale_up is None:
        behavior.scale_up = v2.HPAScalingRules()
    if behavior.scale_down is None:
        behavior.scale_down = v2.HPAScalingRules()
    default(behavior.scale_up, stabilization_window_seconds=0, select_policy="Max", policies=[pods, percent])
    default(behavior.scale_down, select_policy="Max", policies=[percent])
