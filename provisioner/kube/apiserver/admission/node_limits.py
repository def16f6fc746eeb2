"""What a pod's node can't do is refused at once: resizes above what it has or that its system doesn't know (since 1.36), and changes that need
a feature which it doesn't declare (NodeDeclaredFeatureValidator). Who has no node yet is the scheduler's."""

from __future__ import annotations

from fractions import Fraction

from provisioner.kube.api import codec, quantity
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import forbidden
from provisioner.kube.api.pod_totals import asked
from provisioner.kube.apiserver.admission.chain import Plugin
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.storage.cache import WatchCache

_PODS = frozenset({"core/pods"})


class _OfNodes(Plugin):
    kinds = _PODS

    def __init__(self, cache: WatchCache) -> None:
        self._cache = cache

    def _node(self, name: str | None) -> core_v1.Node | None:
        entry = self._cache.collection("core/nodes").entries.get(name) if name else None
        return codec.decode(core_v1.Node, entry.data) if entry is not None else None


class PodResize(_OfNodes):
    """A resize fits the node when nothing else runs there; whether it fits beside the others is the kubelet's to find out."""

    optional = False

    async def validate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        if call.target.subresource != "resize" or old is None or new.spec == old.spec:
            return
        node = self._node(new.spec.node_name)
        if node is None:
            return
        name, info = new.metadata.name or new.metadata.generate_name or "", node.status.node_info
        if info is not None and info.operating_system not in (None, "", "linux"):
            raise forbidden("pods", name, f"pod resize is not supported on nodes with operating system {info.operating_system}")
        for resource in ("cpu", "memory"):
            limit = (node.status.allocatable or {}).get(resource)
            wanted = _total(new.spec, resource)
            if limit is not None and wanted > quantity.parse(limit) and wanted > _total(old.spec, resource):
                shown = quantity.render(wanted, "binary" if resource == "memory" else "decimal")
                message = f"node {node.metadata.name} has not enough allocatable {resource}: requested {shown}, allocatable {limit}"
                raise forbidden("pods", name, message)


def _total(spec: core_v1.PodSpec, resource: str) -> Fraction:
    own = (spec.resources.requests if spec.resources is not None else None) or {}
    return quantity.parse(own[resource]) if resource in own else asked(spec, resource)


class NodeDeclaredFeatureValidator(_OfNodes):
    """Features that an update of a pod needs, as KEP-5328 names them, are among its node's `status.declaredFeatures`."""

    name = "NodeDeclaredFeatureValidator"

    async def validate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        if old is None or call.target.subresource not in ("", "resize") or new.spec == old.spec:
            return
        needed = list(_features(new.spec, old.spec))
        node = self._node(new.spec.node_name) if needed else None
        if node is None:
            return
        missing = sorted(set(needed) - set(node.status.declared_features or ()))
        if missing:
            message = f"pod update requires features {', '.join(missing)} which are not available on node {node.metadata.name!r}"
            raise forbidden("pods", new.metadata.name or new.metadata.generate_name or "", message)


def _features(new: core_v1.PodSpec, old: core_v1.PodSpec) -> list[str]:
    found = []
    if new.resources != old.resources:
        found.append("InPlacePodLevelResourcesVerticalScaling")
    for mine, before in zip(new.init_containers or (), old.init_containers or (), strict=False):
        if mine.restart_policy != "Always" and mine.resources != before.resources:
            found.append("InPlacePodVerticalScalingInitContainers")
    return found
