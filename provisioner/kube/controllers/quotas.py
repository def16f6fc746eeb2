"""ResourceQuota: what a namespace really uses, counted afresh; admission adds to it in between, so that it is never behind.

Pods, services, claims and configmaps are counted from what is watched anyway; everything else is asked of the server, which counts
without sending (a list of one object says how many remain). Source: core/v1 ResourceQuota.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from fractions import Fraction
from functools import partial
from typing import Any

import msgspec

from provisioner.kube.api import quantity
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api._generated.resources import RESOURCES
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import parse_time
from provisioner.kube.api.pod_totals import whole_pod
from provisioner.kube.api.quota_scopes import in_scopes
from provisioner.kube.api.volume_match import class_of
from provisioner.kube.client.informer import key_of
from provisioner.kube.controllers.controller import Controller, Parts

# How soon what isn't watched is counted again; upstream's full resync is 5 minutes, but it watches everything.
RECOUNT_S = 10.0
RESYNC_S = 300.0
# A new quota is counted twice: an object made just before it may not have been seen the first time.
SETTLE_S = 1.0
COMPUTE = ("cpu", "memory", "ephemeral-storage")
BARE = ("pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps", "persistentvolumeclaims")
_STORAGE_SUFFIX = ".storageclass.storage.k8s.io"

Usage = dict[str, Fraction]


def overdue_at(pod: core_v1.Pod) -> datetime | None:
    """When a pod that is on its way out has used its grace period twice: its node is lost, and its owner may have another in its place."""
    deletion, grace_s = parse_time(pod.metadata.deletion_timestamp), pod.metadata.deletion_grace_period_seconds
    return deletion + timedelta(seconds=grace_s) if deletion is not None and grace_s is not None else None


def pod_usage(pod: core_v1.Pod, now: datetime | None = None) -> Usage:
    """What a pod takes. One that has ended, or is overdue at `now`, takes nothing but its place in the object count."""
    taken: Usage = {"count/pods": Fraction(1)}
    overdue = overdue_at(pod)
    if pod.status.phase in ("Succeeded", "Failed") or (now is not None and overdue is not None and now > overdue):
        return taken
    taken["pods"] = Fraction(1)
    for kind in ("requests", "limits"):
        for name, value in whole_pod(pod.spec, kind).items():
            if kind == "requests" and name in COMPUTE:
                taken[name] = value
            if kind == "requests" or name in COMPUTE:
                taken[f"{kind}.{name}"] = value
    return taken


def service_usage(service: core_v1.Service) -> Usage:
    taken: Usage = {"services": Fraction(1), "count/services": Fraction(1)}
    if service.spec.type in ("NodePort", "LoadBalancer"):
        suppressed = service.spec.type == "LoadBalancer" and service.spec.allocate_load_balancer_node_ports is False
        taken["services.nodeports"] = Fraction(sum(1 for p in service.spec.ports or () if p.node_port or not suppressed))
    if service.spec.type == "LoadBalancer":
        taken["services.loadbalancers"] = Fraction(1)
    return taken


def claim_usage(claim: core_v1.PersistentVolumeClaim) -> Usage:
    taken: Usage = {"persistentvolumeclaims": Fraction(1), "count/persistentvolumeclaims": Fraction(1)}
    requests = (claim.spec.resources.requests if claim.spec.resources is not None else None) or {}
    size = quantity.parse(requests.get("storage", 0))
    taken["requests.storage"] = size
    if named := class_of(claim):
        prefix = named + _STORAGE_SUFFIX
        taken |= {f"{prefix}/requests.storage": size, f"{prefix}/persistentvolumeclaims": Fraction(1)}
    return taken


def total(parts: Iterable[Usage]) -> Usage:
    found: Usage = {}
    for part in parts:
        for name, amount in part.items():
            found[name] = found.get(name, Fraction(0)) + amount
    return found


def shown(name: str, amount: Fraction) -> str:
    """Bytes in powers of two, as people write them."""
    return quantity.render(amount, "binary" if "memory" in name or "storage" in name else "decimal")


def counted_path(name: str, namespace: str) -> str | None:
    """Where the objects of `count/<resource>.<group>` are listed; None for what this server's own kinds don't have."""
    plural, _, group = name.removeprefix("count/").partition(".")
    for resource in RESOURCES:
        if resource.namespaced and (resource.plural, resource.group) == (plural, group):
            return resource.path(namespace)
    return None


class Quotas(Controller):
    name = "resourcequota"
    workers = 5

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._quotas = self.informers.get(core_v1.ResourceQuota)
        self._quotas.add_handler(self._limits_changed, self._quota_changed)
        self._sources: dict[str, tuple[Any, Any]] = {
            "pods": (self.informers.get(core_v1.Pod), lambda pod: pod_usage(pod, self.clock.now())),
            "services": (self.informers.get(core_v1.Service), service_usage),
            "persistentvolumeclaims": (self.informers.get(core_v1.PersistentVolumeClaim), claim_usage),
        }
        # What is made was added by admission, often before our informers show it: counting then would give it away again.
        for informer, usage in self._sources.values():
            informer.add_handler(on_update=partial(self._used_differently, usage), on_delete=self._used)

    def _limits_changed(self, quota: core_v1.ResourceQuota) -> None:
        self.enqueue(quota)
        self.queue.add_after(key_of(quota), SETTLE_S)

    def _quota_changed(self, old: core_v1.ResourceQuota, quota: core_v1.ResourceQuota) -> None:
        if old.spec != quota.spec:
            self._limits_changed(quota)

    def _used(self, obj: Any) -> None:
        for quota in self._quotas.store.list(obj.metadata.namespace):
            self.enqueue(quota)

    def _used_differently(self, usage: Callable[[Any], Usage], old: Any, obj: Any) -> None:
        # What is on its way out is looked at again, since it may be overdue some day.
        if usage(old) != usage(obj) or old.metadata.deletion_timestamp != obj.metadata.deletion_timestamp:
            self._used(obj)

    async def reconcile(self, key: str) -> float | None:
        quota: core_v1.ResourceQuota | None = self._quotas.store.get(key)
        if quota is None or quota.metadata.deletion_timestamp is not None:
            return None
        hard = quota.spec.hard or {}
        namespace = quota.metadata.namespace or ""
        watched = total(
            usage(obj)
            for name, (informer, usage) in self._sources.items()
            for obj in informer.store.list(namespace)
            if name == "pods" or not (quota.spec.scopes or quota.spec.scope_selector)
            if name != "pods" or in_scopes(obj, quota.spec)
        )
        used: dict[str, Any] = {}
        asked = False
        for name in sorted(hard):
            amount = watched.get(name)
            path = counted_path(f"count/{name}" if name in BARE else name, namespace)
            if amount is None and path is not None and path.rpartition("/")[2] not in self._sources:
                amount, asked = Fraction(await self._count(path)), True
            used[name] = shown(name, amount or Fraction(0))
        status = core_v1.ResourceQuotaStatus(hard=hard or None, used=used or None)
        if not _same(status, quota.status):
            await self.client.update_status(msgspec.structs.replace(quota, status=status))
        pods, now = self._sources["pods"][0].store.list(namespace), self.clock.now()
        waits = [(moment - now).total_seconds() + 0.1 for pod in pods if (moment := overdue_at(pod)) is not None and moment >= now]
        return min([RECOUNT_S if asked else RESYNC_S, *waits])

    async def _count(self, path: str) -> int:
        try:
            answer = await self.client.raw("GET", path, params={"limit": "1"})
        except StatusError as error:
            if error.code == 404:
                return 0
            raise
        listed: dict[str, Any] = msgspec.json.decode(answer)
        return len(listed["items"] or ()) + int((listed.get("metadata") or {}).get("remainingItemCount") or 0)


def _same(mine: core_v1.ResourceQuotaStatus, other: core_v1.ResourceQuotaStatus) -> bool:
    pairs = ((mine.hard, other.hard), (mine.used, other.used))
    return all(
        (a or {}).keys() == (b or {}).keys() and all(quantity.parse(v) == quantity.parse((b or {})[k]) for k, v in (a or {}).items())
        for a, b in pairs
    )
