"""What pods get on their way in: a service account and its token volume, default tolerations, a priority; nodes get their first taint."""

from __future__ import annotations

import asyncio
import random

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1, scheduling_v1
from provisioner.kube.api.defaults import pod as pod_defaults
from provisioner.kube.api.errors import forbidden
from provisioner.kube.apiserver.admission.chain import Plugin
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.incoming import suffix
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.storage.cache import Entry, WatchCache

MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
TOKEN_VOLUME = "kube-api-access-"
# As often as upstream, 0.1 to 0.2 s apart.
DEFAULT_ACCOUNT_TRIES = 10
MIRROR = "kubernetes.io/config.mirror"


def _is_new_pod(call: Call, kind: Kind, old: Obj | None) -> bool:
    return kind.resource.kind == "Pod" and kind.resource.group == "" and old is None


class ServiceAccount(Plugin):
    name = "ServiceAccount"
    kinds = frozenset({"core/pods"})

    def __init__(self, cache: WatchCache) -> None:
        self._cache = cache

    async def mutate(self, call: Call, kind: Kind, new: core_v1.Pod, old: core_v1.Pod | None) -> None:
        if not _is_new_pod(call, kind, old) or MIRROR in (new.metadata.annotations or {}):
            return
        spec, namespace = new.spec, call.target.namespace
        name = spec.service_account_name or "default"
        spec.service_account_name = spec.service_account = name
        entry = await self._found(namespace, name)
        if entry is None:
            message = f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
            raise forbidden("pods", new.metadata.name or new.metadata.generate_name or "", message)
        account = codec.decode(core_v1.ServiceAccount, entry.data)
        wanted = spec.automount_service_account_token
        if wanted is None:
            wanted = account.automount_service_account_token
        if wanted is not False:
            _mount_token(spec)
        if not spec.image_pull_secrets and account.image_pull_secrets:
            spec.image_pull_secrets = list(account.image_pull_secrets)

    async def _found(self, namespace: str, name: str) -> Entry | None:
        """The account; the one called default is waited for, since a controller makes it when it sees the namespace."""
        entries = self._cache.collection("core/serviceaccounts").entries
        key, interval_s = f"{namespace}/{name}", random.uniform(0.1, 0.2)
        for attempt in range(DEFAULT_ACCOUNT_TRIES if name == "default" else 1):
            if attempt:
                await asyncio.sleep(interval_s)
            if key not in entries:
                await self._cache.fresh()
            if key in entries:
                break
        return entries.get(key)


def _mount_token(spec: core_v1.PodSpec) -> None:
    """The projected volume with token, CA and namespace, mounted where a container has nothing there yet."""
    containers = [*(spec.init_containers or ()), *(spec.containers or ())]
    bare = [c for c in containers if not any(m.mount_path == MOUNT_PATH for m in c.volume_mounts or ())]
    if not bare:
        return
    present = next((v.name for v in spec.volumes or () if (v.name or "").startswith(TOKEN_VOLUME)), None)
    name = present or TOKEN_VOLUME + suffix()
    if present is None:
        spec.volumes = [*(spec.volumes or ()), _token_volume(name)]
    for container in bare:
        container.volume_mounts = [*(container.volume_mounts or ()), core_v1.VolumeMount(name=name, mount_path=MOUNT_PATH, read_only=True)]


def _token_volume(name: str) -> core_v1.Volume:
    sources = [
        core_v1.VolumeProjection(service_account_token=core_v1.ServiceAccountTokenProjection(expiration_seconds=3607, path="token")),
        core_v1.VolumeProjection(
            config_map=core_v1.ConfigMapProjection(name="kube-root-ca.crt", items=[core_v1.KeyToPath(key="ca.crt", path="ca.crt")])
        ),
        core_v1.VolumeProjection(
            downward_api=core_v1.DownwardAPIProjection(
                items=[
                    core_v1.DownwardAPIVolumeFile(
                        path="namespace", field_ref=core_v1.ObjectFieldSelector(api_version="v1", field_path="metadata.namespace")
                    )
                ]
            )
        ),
    ]
    volume = core_v1.Volume(name=name, projected=core_v1.ProjectedVolumeSource(sources=sources))
    pod_defaults.volume(volume)
    return volume


class DefaultTolerationSeconds(Plugin):
    """Pods bear a node that is away for five minutes before they are evicted, where they don't say otherwise."""

    name = "DefaultTolerationSeconds"
    kinds = frozenset({"core/pods"})
    KEYS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")

    def __init__(self, not_ready_s: int = 300, unreachable_s: int = 300) -> None:
        self._seconds = dict(zip(self.KEYS, (not_ready_s, unreachable_s), strict=True))

    async def mutate(self, call: Call, kind: Kind, new: core_v1.Pod, old: core_v1.Pod | None) -> None:
        if not _is_new_pod(call, kind, old):
            return
        tolerations = list(new.spec.tolerations or ())
        for key, seconds in self._seconds.items():
            if not any((t.key in (key, None, "")) and (t.effect in ("NoExecute", None, "")) for t in tolerations):
                tolerations.append(core_v1.Toleration(key=key, operator="Exists", effect="NoExecute", toleration_seconds=seconds))
        new.spec.tolerations = tolerations


class Priority(Plugin):
    """priorityClassName becomes a number; without one the default class's, or 0."""

    name = "Priority"
    kinds = frozenset({"core/pods"})

    def __init__(self, cache: WatchCache) -> None:
        self._cache = cache

    async def mutate(self, call: Call, kind: Kind, new: core_v1.Pod, old: core_v1.Pod | None) -> None:
        if not _is_new_pod(call, kind, old):
            return
        classes = self._cache.collection("scheduling.k8s.io/priorityclasses").entries
        name = new.spec.priority_class_name
        if name:
            entry = classes.get(name)
            if entry is None:
                raise forbidden(
                    "pods", new.metadata.name or new.metadata.generate_name or "", f"no PriorityClass with name {name} was found"
                )
            chosen: scheduling_v1.PriorityClass | None = codec.decode(scheduling_v1.PriorityClass, entry.data)
        else:
            defaults = [c for entry in classes.values() if (c := codec.decode(scheduling_v1.PriorityClass, entry.data)).global_default]
            chosen = min(defaults, key=lambda c: c.value or 0) if defaults else None
            if chosen is not None:
                new.spec.priority_class_name = chosen.metadata.name
        value = (chosen.value or 0) if chosen is not None else 0
        if new.spec.priority is not None and new.spec.priority != value:
            message = f"the integer value of priority ({new.spec.priority}) must not be provided in pod spec; priority admission controller computed {value} from the given PriorityClass name"
            raise forbidden("pods", new.metadata.name or new.metadata.generate_name or "", message)
        new.spec.priority = value
        new.spec.preemption_policy = new.spec.preemption_policy or (chosen.preemption_policy if chosen else None) or "PreemptLowerPriority"


class TaintNodesByCondition(Plugin):
    """A new node takes no pods until it is known to be ready."""

    name = "TaintNodesByCondition"
    kinds = frozenset({"core/nodes"})

    async def mutate(self, call: Call, kind: Kind, new: core_v1.Node, old: core_v1.Node | None) -> None:
        if kind.resource.kind != "Node" or old is not None:
            return
        key = "node.kubernetes.io/not-ready"
        taints = list(new.spec.taints or ())
        if not any(t.key == key and t.effect == "NoSchedule" for t in taints):
            new.spec.taints = [*taints, core_v1.Taint(key=key, effect="NoSchedule")]


class AlwaysPullImages(Plugin):
    """Every container's image is pulled anew, so that nobody runs a private image without the right to pull it."""

    name = "AlwaysPullImages"
    kinds = frozenset({"core/pods"})

    async def mutate(self, call: Call, kind: Kind, new: core_v1.Pod, old: core_v1.Pod | None) -> None:
        if kind.stored_as != "core/pods" or call.target.subresource not in ("", "ephemeralcontainers"):
            return
        before = {c.image for c in _containers(old)} if old is not None else set()
        for container in _containers(new):
            if container.image not in before:
                container.image_pull_policy = "Always"


def _containers(pod: core_v1.Pod) -> list[core_v1.Container | core_v1.EphemeralContainer]:
    return [*(pod.spec.containers or ()), *(pod.spec.init_containers or ()), *(pod.spec.ephemeral_containers or ())]
