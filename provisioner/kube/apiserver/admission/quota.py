"""ResourceQuota: what a new object takes is added to the namespace's quotas before it is stored, or it is refused.

The quota controller counts afresh what is really used; here each quota's status is raised by compare and swap, so that several API
servers together can't give more than there is. Source: core/v1 ResourceQuota.
"""

from __future__ import annotations

from fractions import Fraction

import msgspec

from provisioner.kube.api import codec, errors, quantity, quota_scopes
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.pod_totals import whole_pod
from provisioner.kube.api.volume_match import class_of
from provisioner.kube.apiserver.admission.chain import Plugin
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.storage.cache import ROOT, Entry, WatchCache
from provisioner.kube.storage.etcd import EtcdError
from provisioner.kube.storage.store import Conflict, Store

TRIES = 16
# Resources counted under their bare name too; all others only as count/<plural>.<group>.
COUNTED = frozenset(("pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps", "persistentvolumeclaims"))
_COMPUTE = ("cpu", "memory", "ephemeral-storage")
# What containers must say when a quota limits it.
_MUST_SAY = {"requests.cpu", "requests.memory", "limits.cpu", "limits.memory", "cpu", "memory"}

# Objects that may take more when they are changed.
GROWING = frozenset(("core/services", "core/persistentvolumeclaims"))

Usage = dict[str, Fraction]


class ResourceQuota(Plugin):
    name = "ResourceQuota"

    def __init__(self, cache: WatchCache, store: Store) -> None:
        self._cache, self._store = cache, store

    async def validate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        resource = kind.resource
        resizes = kind.stored_as == "core/pods" and call.target.subresource == "resize" and old is not None
        if (call.target.subresource and not resizes) or not resource.namespaced or resource.kind == "Event":
            return
        if old is not None and not resizes and kind.stored_as not in GROWING:
            return
        quotas = self._cache.collection("core/resourcequotas")
        keys = [entry.key for entry in quotas.page(f"{call.target.namespace}/", "")]
        if not keys:
            return
        wanted = usage(kind, new)
        if old is not None:
            before = usage(kind, old)
            wanted = {name: amount - before.get(name, 0) for name, amount in wanted.items() if amount > before.get(name, 0)}
            if not wanted:
                return
        for key in keys:
            entry = quotas.entries.get(key)
            if entry is not None:
                await self._take(call, kind, new, wanted, entry)

    async def _take(self, call: Call, kind: Kind, new: Obj, wanted: Usage, entry: Entry) -> None:
        for _ in range(TRIES):
            quota = codec.decode(core_v1.ResourceQuota, entry.data)
            body = self._raised(kind, new, wanted, quota)
            if body is None or call.dry_run:
                return
            try:
                await self._store.put(ROOT + f"core/resourcequotas/{entry.key}".encode(), body, entry.revision)
                return
            except Conflict as conflict:
                if conflict.value is None:
                    return
                await self._cache.reach(conflict.revision)
                found = self._cache.collection("core/resourcequotas").entries.get(entry.key)
                if found is None:
                    return
                entry = found
            except EtcdError as error:
                raise errors.unavailable(str(error)) from error
        raise errors.conflict("resourcequotas", entry.key.rpartition("/")[2])

    def _raised(self, kind: Kind, new: Obj, wanted: Usage, quota: core_v1.ResourceQuota) -> bytes | None:
        """The quota with the use added, None where it has no say. Raises 403."""
        hard, used = quota.status.hard or {}, dict(quota.status.used or {})
        mine = {name: amount for name, amount in wanted.items() if name in hard}
        if not in_scopes(kind, new, quota.spec):
            return None
        plural, name, title = kind.resource.plural, new.metadata.name or "", quota.metadata.name
        if kind.stored_as == "core/pods":
            missing = "; ".join(
                f"{m} for: {','.join(names)}" for m in sorted(_MUST_SAY & hard.keys()) if (names := silent_containers(new.spec, m))
            )
            if missing:
                raise errors.forbidden(plural, name, f"failed quota: {title}: must specify {missing}", kind.resource.group)
        if not mine:
            return None
        unknown = sorted(m for m in mine if m not in used)
        if unknown:
            raise errors.forbidden(plural, name, f"status unknown for quota: {title}, resources: {','.join(unknown)}", kind.resource.group)
        over = [m for m, amount in sorted(mine.items()) if amount and quantity.parse(used[m]) + amount > quantity.parse(hard[m])]
        if over:
            asked = ",".join(f"{m}={_shown(m, mine[m])}" for m in over)
            has = ",".join(f"{m}={used[m]}" for m in over)
            limit = ",".join(f"{m}={hard[m]}" for m in over)
            message = f"exceeded quota: {title}, requested: {asked}, used: {has}, limited: {limit}"
            raise errors.forbidden(plural, name, message, kind.resource.group)
        for m, amount in mine.items():
            used[m] = _shown(m, quantity.parse(used[m]) + amount)
        quota.status.used = used
        quota.metadata.resource_version = None
        return msgspec.json.encode(quota)


def silent_containers(spec: core_v1.PodSpec, limited: str) -> list[str]:
    """The containers that don't say how much they take of what a quota limits; all may be silent in a pod that says it for itself."""
    if spec.resources is not None and (spec.resources.requests or spec.resources.limits):
        return []
    of, _, name = limited.rpartition(".")
    found = []
    for container in (*(spec.containers or ()), *(spec.init_containers or ())):
        given = container.resources or core_v1.ResourceRequirements()
        if name not in ((given.limits if of == "limits" else given.requests) or {}):
            found.append(container.name or "")
    return sorted(found)


def _shown(name: str, amount: Fraction) -> str:
    """Bytes in powers of two, as people write them."""
    return quantity.render(amount, "binary" if "memory" in name or "storage" in name else "decimal")


def usage(kind: Kind, obj: Obj) -> Usage:
    """What an object takes, under the names that quotas limit."""
    resource = kind.resource
    one = Fraction(1)
    taken: Usage = {f"count/{resource.plural}.{resource.group}" if resource.group else f"count/{resource.plural}": one}
    if resource.group == "" and resource.plural in COUNTED:
        taken[resource.plural] = one
    if kind.stored_as == "core/pods":
        requests, limits = whole_pod(obj.spec, "requests"), whole_pod(obj.spec, "limits")
        taken |= {f"requests.{name}": value for name, value in requests.items()}
        taken |= {name: value for name, value in requests.items() if name in _COMPUTE}
        taken |= {f"limits.{name}": value for name, value in limits.items() if name in _COMPUTE}
    elif kind.stored_as == "core/services":
        if obj.spec.type in ("NodePort", "LoadBalancer"):
            # A load balancer may go without node ports; then only those that are asked for count.
            suppressed = obj.spec.type == "LoadBalancer" and obj.spec.allocate_load_balancer_node_ports is False
            taken["services.nodeports"] = Fraction(sum(1 for p in obj.spec.ports or () if p.node_port or not suppressed))
        if obj.spec.type == "LoadBalancer":
            taken["services.loadbalancers"] = one
    elif kind.stored_as == "core/persistentvolumeclaims":
        asked = (obj.spec.resources.requests if obj.spec.resources else None) or {}
        if "storage" in asked:
            taken["requests.storage"] = Fraction(quantity.parse(asked["storage"]))
            if named := class_of(obj):
                prefix = f"{named}.storageclass.storage.k8s.io"
                taken |= {f"{prefix}/requests.storage": taken["requests.storage"], f"{prefix}/persistentvolumeclaims": one}
    return taken


def in_scopes(kind: Kind, obj: Obj, spec: core_v1.ResourceQuotaSpec) -> bool:
    """Whether a quota's scopes select the object; scopes speak of pods alone."""
    if kind.stored_as != "core/pods":
        return not (spec.scopes or (spec.scope_selector and spec.scope_selector.match_expressions))
    return quota_scopes.in_scopes(obj, spec)
