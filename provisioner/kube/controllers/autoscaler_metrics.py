"""The metrics that an autoscaler asks for, from the metrics API servers, if there are any, and what they call for.

A metric that can't be had is a MetricError with upstream's reason and text: that is what a cluster without a metrics server shows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec

from provisioner.kube.api import quantity
from provisioner.kube.api._generated import autoscaling_v2, core_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import parse_time
from provisioner.kube.client.client import Client
from provisioner.kube.controllers.pods import is_ready
from provisioner.kube.controllers.replica_count import EVEN, NoCount, Sample, Tolerances, by_pods, by_total, by_value, milli

Spec = autoscaling_v2.MetricSpec
Status = autoscaling_v2.MetricStatus
Value = autoscaling_v2.MetricValueStatus
_REASONS = {
    "Resource": "FailedGetResourceMetric",
    "ContainerResource": "FailedGetContainerResourceMetric",
    "Pods": "FailedGetPodsMetric",
    "Object": "FailedGetObjectMetric",
    "External": "FailedGetExternalMetric",
}


class MetricError(Exception):
    """`reason` is the condition's; `told` is what the condition says; the message names the metric beside."""

    def __init__(self, reason: str, told: str, about: str) -> None:
        super().__init__(f"failed to get {about} metric value: {told}")
        self.reason, self.told = reason, told


@dataclass(frozen=True)
class Proposal:
    """What one metric calls for; `name` is how events and conditions speak of it."""

    replicas: int
    name: str
    status: Status


@dataclass(frozen=True)
class Target:
    """What is scaled: its replicas, its pods, and the label selector that finds them."""

    namespace: str
    replicas: int
    selector: str
    pods: Sequence[core_v1.Pod]
    tolerances: Tolerances = EVEN


class _Absent(Exception):
    """A metrics API answered with an error, or nobody serves it."""


class Metrics:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def propose(self, spec: Spec, target: Target, now: datetime) -> Proposal:
        """Raises MetricError."""
        kind = spec.type or ""
        try:
            if kind in ("Resource", "ContainerResource"):
                return await self._resource(spec, target, now)
            if kind == "Pods" and spec.pods is not None:
                return await self._of_pods(spec.pods, target, now)
            if kind == "Object" and spec.object is not None:
                return await self._of_object(spec.object, target)
            if kind == "External" and spec.external is not None:
                return await self._external(spec.external, target)
        except (_Absent, NoCount) as error:
            raise MetricError(_REASONS[kind], str(error), _about(spec)) from error
        raise MetricError("InvalidMetricSourceType", f'unknown metric source type "{kind}"', kind)

    async def _get(self, path: str, what: str, **params: str) -> Any:
        try:
            return msgspec.json.decode(await self._client.raw("GET", path, params=params))
        except StatusError as error:
            text = f"the server could not find the requested resource (get {what})" if error.code == 404 else error.message
            raise _Absent(text) from error

    async def _resource(self, spec: Spec, target: Target, now: datetime) -> Proposal:
        source: Any = spec.resource if spec.type == "Resource" else spec.container_resource
        resource, container = source.name, getattr(source, "container", None)
        by_share = source.target.average_utilization is not None
        try:
            samples = await self._samples(resource, container, target)
            if not target.pods:
                raise NoCount("no pods returned by selector while calculating replica count")
            if by_share:
                requests = _requests(target.pods, resource, container)
                wanted = source.target.average_utilization
                asked: dict[str, int] | None = requests
            else:
                wanted = milli(source.target.average_value)
                asked = None
            replicas, average = by_pods(
                target.replicas, target.pods, samples, wanted, resource=resource, requests=asked, now=now, tolerances=target.tolerances
            )
        except (_Absent, NoCount) as error:
            raise NoCount(f"failed to get {resource} {'utilization' if by_share else 'usage'}: {error}") from error
        known = [s.milli for s in samples.values()]
        shown = _value(sum(known) // len(known), resource)
        current = Value(average_utilization=average if by_share else None, average_value=shown)
        of = f"{resource} container resource" if container else f"{resource} resource"
        name = f"{of} utilization (percentage of request)" if by_share else of
        if container:
            status = Status(
                type="ContainerResource",
                container_resource=autoscaling_v2.ContainerResourceMetricStatus(container=container, current=current, name=resource),
            )
        else:
            status = Status(type="Resource", resource=autoscaling_v2.ResourceMetricStatus(current=current, name=resource))
        return Proposal(replicas, name, status)

    async def _samples(self, resource: str, container: str | None, target: Target) -> dict[str, Sample]:
        path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{target.namespace}/pods"
        try:
            listed = await self._get(path, "pods.metrics.k8s.io", labelSelector=target.selector)
        except _Absent as error:
            text = f"unable to get metrics for resource {resource}: unable to fetch metrics from resource metrics API: {error}"
            raise _Absent(text) from error
        found = {}
        for item in listed["items"]:
            parts = [c["usage"] for c in item["containers"] if container in (None, c["name"])]
            if parts and all(resource in usage for usage in parts):
                moment = parse_time(item.get("timestamp"))
                found[item["metadata"]["name"]] = Sample(sum(quantity.milli(u[resource]) for u in parts), moment, _window_s(item))
        if not found:
            raise _Absent(f"unable to get metrics for resource {resource}: no metrics returned from resource metrics API")
        return found

    async def _of_pods(self, source: autoscaling_v2.PodsMetricSource, target: Target, now: datetime) -> Proposal:
        metric = source.metric or autoscaling_v2.MetricIdentifier()
        path = f"/apis/custom.metrics.k8s.io/v1beta2/namespaces/{target.namespace}/pods/*/{quote(metric.name or '')}"
        listed = await self._get(path, "pods.custom.metrics.k8s.io *", labelSelector=target.selector)
        samples = {i["describedObject"]["name"]: Sample(quantity.milli(i["value"])) for i in listed["items"]}
        wanted = milli(source.target.average_value if source.target else None)
        replicas, average = by_pods(target.replicas, target.pods, samples, wanted, now=now, tolerances=target.tolerances)
        current = Value(average_value=_value(average))
        status = Status(type="Pods", pods=autoscaling_v2.PodsMetricStatus(current=current, metric=metric))
        return Proposal(replicas, f"pods metric {metric.name}", status)

    async def _of_object(self, source: autoscaling_v2.ObjectMetricSource, target: Target) -> Proposal:
        metric = source.metric or autoscaling_v2.MetricIdentifier()
        described = source.described_object or autoscaling_v2.CrossVersionObjectReference()
        plural = (described.kind or "").lower() + "s"
        group = (described.api_version or "").rpartition("/")[0]
        resource = f"{plural}.{group}" if group else plural
        path = f"/apis/custom.metrics.k8s.io/v1beta2/namespaces/{target.namespace}/{resource}/{described.name}/{quote(metric.name or '')}"
        listed = await self._get(path, f"{resource}.custom.metrics.k8s.io {described.name}")
        value = sum(quantity.milli(item["value"]) for item in listed["items"])
        replicas, current = _one_value(source.target, target, value)
        status = Status(type="Object", object=autoscaling_v2.ObjectMetricStatus(current=current, described_object=described, metric=metric))
        return Proposal(replicas, f"{described.kind} metric {metric.name}", status)

    async def _external(self, source: autoscaling_v2.ExternalMetricSource, target: Target) -> Proposal:
        metric = source.metric or autoscaling_v2.MetricIdentifier()
        selector = metric.selector.match_labels if metric.selector is not None else None
        text = ",".join(f"{key}={value}" for key, value in sorted((selector or {}).items()))
        path = f"/apis/external.metrics.k8s.io/v1beta1/namespaces/{target.namespace}/{quote(metric.name or '')}"
        listed = await self._get(path, f"{metric.name}.external.metrics.k8s.io", labelSelector=text)
        value = sum(quantity.milli(item["value"]) for item in listed["items"])
        replicas, current = _one_value(source.target, target, value)
        status = Status(type="External", external=autoscaling_v2.ExternalMetricStatus(current=current, metric=metric))
        return Proposal(replicas, f"external metric {metric.name}(&LabelSelector{{MatchLabels:{selector or {}}}})", status)


def _window_s(item: dict[str, Any]) -> float:
    """The time that a PodMetrics was measured over, a Go duration like 14.5s or 1m0.2s; half a minute where it doesn't say."""
    found = re.fullmatch(r"(?:(\d+)m)?(\d+(?:\.\d+)?)s", item.get("window") or "")
    return int(found[1] or 0) * 60 + float(found[2]) if found else 30.0


def _one_value(wanted: autoscaling_v2.MetricTarget | None, target: Target, value: int) -> tuple[int, Value]:
    wanted = wanted or autoscaling_v2.MetricTarget()
    if wanted.average_value is not None:
        replicas = by_total(target.replicas, value, milli(wanted.average_value), target.tolerances)
        return replicas, Value(average_value=_value(value // max(1, target.replicas)))
    ready = sum(p.status.phase == "Running" and is_ready(p) for p in target.pods)
    return by_value(target.replicas, ready, value, milli(wanted.value), target.tolerances), Value(value=_value(value))


def _value(thousandths: int, resource: str = "") -> str:
    from fractions import Fraction

    return quantity.render(Fraction(thousandths, 1000), "binary" if resource == "memory" else "decimal")


def _about(spec: Spec) -> str:
    if spec.type == "Resource" and spec.resource is not None:
        return f"{spec.resource.name} resource"
    if spec.type == "ContainerResource" and spec.container_resource is not None:
        return f"{spec.container_resource.name} container"
    if spec.type == "External" and spec.external is not None and spec.external.metric is not None:
        return f"{spec.external.metric.name} external"
    return (spec.type or "").lower()


def _requests(pods: Sequence[core_v1.Pod], resource: str, container: str | None) -> dict[str, int]:
    """Thousandths that each pod requests. Raises NoCount where a container doesn't say."""
    found = {}
    for pod in pods:
        total = 0
        for own in [*(pod.spec.containers or ()), *(c for c in pod.spec.init_containers or () if c.restart_policy == "Always")]:
            if container not in (None, own.name):
                continue
            value = ((own.resources.requests if own.resources is not None else None) or {}).get(resource)
            if value is None:
                raise NoCount(f"missing request for {resource} in container {own.name} of Pod {pod.metadata.name}")
            total += quantity.milli(value)
        found[pod.metadata.name or ""] = total
    return found
