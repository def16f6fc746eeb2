"""Where pods may go, by what their namespace says: node selectors and tolerations; and what follows from the resources they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import forbidden
from provisioner.kube.apiserver.admission.chain import Plugin
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.storage.cache import WatchCache

NODE_SELECTOR = "scheduler.alpha.kubernetes.io/node-selector"
DEFAULT_TOLERATIONS = "scheduler.alpha.kubernetes.io/defaultTolerations"
TOLERATION_WHITELIST = "scheduler.alpha.kubernetes.io/tolerationsWhitelist"


def _is_new_pod(call: Call, kind: Kind, old: Obj | None) -> bool:
    return kind.stored_as == "core/pods" and old is None and not call.target.subresource


def _annotations(cache: WatchCache, namespace: str) -> Mapping[str, str]:
    entry = cache.collection("core/namespaces").entries.get(namespace)
    found: Mapping[str, str] = (msgspec.json.decode(entry.data)["metadata"].get("annotations") or {}) if entry is not None else {}
    return found


def labels_of(text: str) -> dict[str, str]:
    """`a=b,c=d`. Raises ValueError."""
    found = {}
    for part in text.split(","):
        if part.strip():
            key, equals, value = part.partition("=")
            if not equals:
                raise ValueError(f"expected key=value, found {part!r}")
            found[key.strip()] = value.lstrip("=").strip()
    return found


class PodNodeSelector(Plugin):
    """A namespace's node selector is added to its pods', and must not contradict it."""

    name = "PodNodeSelector"
    kinds = frozenset({"core/pods"})

    def __init__(self, cache: WatchCache, configured: Mapping[str, str]) -> None:
        self._cache, self._configured = cache, configured

    async def mutate(self, call: Call, kind: Kind, new: core_v1.Pod, old: Obj | None) -> None:
        if not _is_new_pod(call, kind, old):
            return
        namespace, name = call.target.namespace, new.metadata.name or new.metadata.generate_name or ""
        text = _annotations(self._cache, namespace).get(NODE_SELECTOR)
        try:
            wanted = labels_of(self._configured.get("clusterDefaultNodeSelector", "") if text is None else text)
            allowed = labels_of(self._configured.get(namespace, ""))
        except ValueError as error:
            raise forbidden("pods", name, f"the namespace's node selector can't be read: {error}") from None
        given = new.spec.node_selector or {}
        if any(given.get(key, value) != value for key, value in wanted.items()):
            raise forbidden("pods", name, "pod node label selector conflicts with its namespace node label selector")
        merged = {**given, **wanted}
        if allowed and any(allowed.get(key) != value for key, value in merged.items()):
            raise forbidden("pods", name, "pod node label selector labels conflict with its namespace whitelist")
        new.spec.node_selector = merged or None


class PodTolerationRestriction(Plugin):
    """A namespace's default tolerations are added to its pods', and its list of allowed ones holds."""

    name = "PodTolerationRestriction"
    kinds = frozenset({"core/pods"})

    def __init__(self, cache: WatchCache) -> None:
        self._cache = cache

    def _listed(self, call: Call, annotation: str) -> list[core_v1.Toleration] | None:
        text = _annotations(self._cache, call.target.namespace).get(annotation)
        if not text:
            return None
        try:
            return msgspec.json.decode(text, type=list[core_v1.Toleration])
        except msgspec.DecodeError as error:
            raise forbidden("namespaces", call.target.namespace, f"annotation {annotation} can't be read: {error}") from None

    async def mutate(self, call: Call, kind: Kind, new: core_v1.Pod, old: Obj | None) -> None:
        if not _is_new_pod(call, kind, old):
            return
        added = self._listed(call, DEFAULT_TOLERATIONS) or []
        present = list(new.spec.tolerations or ())
        for toleration in added:
            clash = next((t for t in present if t.key == toleration.key and t.effect == toleration.effect and t != toleration), None)
            if clash is not None:
                message = "namespace tolerations and pod tolerations conflict"
                raise forbidden("pods", new.metadata.name or new.metadata.generate_name or "", message)
        new.spec.tolerations = [*present, *(t for t in added if t not in present)] or None

    async def validate(self, call: Call, kind: Kind, new: core_v1.Pod, old: Obj | None) -> None:
        if not _is_new_pod(call, kind, old):
            return
        allowed = self._listed(call, TOLERATION_WHITELIST)
        if allowed is None:
            return
        for toleration in new.spec.tolerations or ():
            if not any(_covers(each, toleration) for each in allowed):
                message = "pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace whitelist"
                raise forbidden("pods", new.metadata.name or new.metadata.generate_name or "", message)


def _covers(allowed: core_v1.Toleration, given: core_v1.Toleration) -> bool:
    if allowed.key and allowed.key != given.key:
        return False
    if allowed.effect and allowed.effect != given.effect:
        return False
    if (allowed.operator or "Equal") == "Exists":
        return True
    return (given.operator or "Equal") == "Equal" and (allowed.value or "") == (given.value or "")


class ExtendedResourceToleration(Plugin):
    """A pod that asks for an extended resource bears the taint of the nodes that have it."""

    name = "ExtendedResourceToleration"
    kinds = frozenset({"core/pods"})

    async def mutate(self, call: Call, kind: Kind, new: core_v1.Pod, old: Obj | None) -> None:
        if not _is_new_pod(call, kind, old):
            return
        asked: set[str] = set()
        for container in [*(new.spec.containers or ()), *(new.spec.init_containers or ())]:
            resources: Any = container.resources
            asked.update((resources.requests if resources is not None else None) or {})
        for name in sorted(n for n in asked if "/" in n and not n.partition("/")[0].endswith("kubernetes.io")):
            wanted = core_v1.Toleration(key=name, operator="Exists", effect="NoSchedule")
            if wanted not in (new.spec.tolerations or ()):
                new.spec.tolerations = [*(new.spec.tolerations or ()), wanted]


class LimitPodHardAntiAffinityTopology(Plugin):
    """Required anti-affinity keeps pods apart by host alone: anything wider could lock others out of a zone."""

    name = "LimitPodHardAntiAffinityTopology"
    kinds = frozenset({"core/pods"})

    async def validate(self, call: Call, kind: Kind, new: core_v1.Pod, old: Obj | None) -> None:
        affinity = new.spec.affinity if _is_new_pod(call, kind, old) else None
        terms = affinity.pod_anti_affinity if affinity is not None else None
        for term in (terms.required_during_scheduling_ignored_during_execution or ()) if terms is not None else ():
            if term.topology_key != "kubernetes.io/hostname":
                message = (
                    f"affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey {term.topology_key} "
                    "but only key kubernetes.io/hostname is allowed"
                )
                raise forbidden("pods", new.metadata.name or new.metadata.generate_name or "", message)


class PodTopologyLabels(Plugin):
    """A pod that gets a node is labelled with the node's zone and region: the binding brings the labels, or the pod comes with its node."""

    name = "PodTopologyLabels"
    kinds = frozenset({"core/pods", "core/bindings"})
    KEYS = ("topology.kubernetes.io/region", "topology.kubernetes.io/zone")

    def __init__(self, cache: WatchCache) -> None:
        self._cache = cache

    async def mutate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        if kind.resource.kind == "Binding":
            node = new.target.name if new.target is not None else None
        elif _is_new_pod(call, kind, old):
            node = new.spec.node_name
        else:
            return
        entry = self._cache.collection("core/nodes").entries.get(node or "")
        if entry is not None:
            place = {key: entry.labels[key] for key in self.KEYS if key in entry.labels}
            new.metadata.labels = {**(new.metadata.labels or {}), **place} or None
