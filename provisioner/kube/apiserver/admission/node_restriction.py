"""NodeRestriction: a kubelet writes its own node, lease and pods, and can't give itself what others rely on.

Source: "NodeRestriction" in Kubernetes' list of admission plug-ins; messages are upstream's.
"""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import forbidden
from provisioner.kube.apiserver.admission.chain import Plugin
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.storage.cache import WatchCache

MIRROR = "kubernetes.io/config.mirror"
PROTECTED = "node-restriction.kubernetes.io"
# Labels under kubernetes.io and k8s.io that a kubelet may set on its node.
KUBELET_LABELS = frozenset(
    {
        *("kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch", "beta.kubernetes.io/os", "beta.kubernetes.io/arch"),
        *("node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type", "topology.kubernetes.io/region"),
        *("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone"),
    }
)
KUBELET_PREFIXES = ("kubelet.kubernetes.io", "node.kubernetes.io")
# Ours, beyond upstream: a kubelet says its role when it registers, and can't change it afterwards (nor make its node anew: it may not delete).
ROLE_PREFIX = "node-role.kubernetes.io/"


def forbidden_labels(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Labels that a kubelet would change and must not."""
    changed = {key for key in {*before, *after} if before.get(key) != after.get(key)}
    return sorted(key for key in changed if not _may_set(key))


def _may_set(label: str) -> bool:
    prefix, slash, _ = label.partition("/")
    if not slash:
        return True
    if prefix == PROTECTED or prefix.endswith("." + PROTECTED):
        return False
    if not (prefix in ("kubernetes.io", "k8s.io") or prefix.endswith((".kubernetes.io", ".k8s.io"))):
        return True
    return label in KUBELET_LABELS or any(prefix == p or prefix.endswith("." + p) for p in KUBELET_PREFIXES)


class NodeRestriction(Plugin):
    name = "NodeRestriction"

    def __init__(self, cache: WatchCache) -> None:
        self._cache = cache

    async def validate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        node = call.user.node_name
        if not node:
            return
        name = new.metadata.name or ""
        if kind.stored_as == "core/nodes":
            self._node(node, name, new, old)
        elif kind.stored_as == "core/pods":
            self._pod(node, call, new, old)
        elif kind.stored_as in ("coordination.k8s.io/leases", "storage.k8s.io/csinodes") and name != node:
            message = (
                f"can only access {'node lease' if 'leases' in kind.stored_as else 'CSINode'} with the same name as the requesting node"
            )
            raise forbidden(kind.resource.plural, name, message, kind.resource.group)
        elif kind.stored_as == "resource.k8s.io/resourceslices" and new.spec.node_name != node:
            raise forbidden(
                "resourceslices", name, "can only create ResourceSlice with the same NodeName as the requesting node", "resource.k8s.io"
            )

    @staticmethod
    def _node(node: str, name: str, new: core_v1.Node, old: core_v1.Node | None) -> None:
        if name != node:
            raise forbidden("nodes", name, f'node "{node}" is not allowed to modify node "{name}"')
        wrong = forbidden_labels((old.metadata.labels if old is not None else None) or {}, new.metadata.labels or {})
        if old is None:
            wrong = [label for label in wrong if not label.startswith(ROLE_PREFIX)]
        if wrong:
            raise forbidden("nodes", name, f'node "{node}" is not allowed to modify labels: {", ".join(wrong)}')
        if old is not None and (old.spec.taints or []) != (new.spec.taints or []):
            raise forbidden("nodes", name, f'node "{node}" is not allowed to modify taints')
        if (new.metadata.owner_references or []) != ((old.metadata.owner_references if old is not None else None) or []):
            raise forbidden("nodes", name, f'node "{node}" is not allowed to modify ownerReferences')

    def _pod(self, node: str, call: Call, new: core_v1.Pod, old: core_v1.Pod | None) -> None:
        name = new.metadata.name or ""
        if old is not None:
            if call.target.subresource != "status":
                return
            if old.spec.node_name != node:
                message = f'node "{node}" can only update pod status for pods with spec.nodeName set to itself'
                raise forbidden("pods", name, message)
            if (old.metadata.labels or {}) != (new.metadata.labels or {}):
                raise forbidden("pods", name, f'node "{node}" cannot update labels through pod status')
            return
        if MIRROR not in (new.metadata.annotations or {}):
            raise forbidden("pods", name, f'pod does not have "{MIRROR}" annotation, node "{node}" can only create mirror pods')
        spec = new.spec
        if spec.node_name != node:
            raise forbidden("pods", name, f'node "{node}" can only create pods with spec.nodeName set to itself')
        for owner in new.metadata.owner_references or ():
            if (owner.api_version, owner.kind, owner.name) != ("v1", "Node", node):
                raise forbidden("pods", name, f'node "{node}" can only create pods with an owner reference set to itself')
        what = self._refers(spec)
        if what:
            raise forbidden("pods", name, f'node "{node}" can not create pods that reference {what}')

    @staticmethod
    def _refers(spec: core_v1.PodSpec) -> str:
        """What of the API a pod needs, which a node's own pods must not."""
        from provisioner.kube.apiserver.authorization.node_authorizer import references

        found = {resource for resource, _ in references(core_v1.Pod(spec=spec)) if resource != "serviceaccounts"}
        if spec.service_account_name:
            return "a service account"
        return sorted(found)[0] if found else ""

    async def validate_delete(self, call: Call, kind: Kind, old: Obj) -> None:
        node, name = call.user.node_name, old.metadata.name or ""
        if not node:
            return
        if kind.stored_as == "core/pods" and old.spec.node_name != node:
            raise forbidden("pods", name, f'node "{node}" can only delete pods with spec.nodeName set to itself')
        if kind.stored_as == "core/nodes":
            raise forbidden("nodes", name, f'node "{node}" is not allowed to delete nodes')

    def check_token(self, call: Call, bound_kind: str, name: str, uid: str) -> None:
        """Before a token is made for a kubelet: only for pods that run there. Raises 403."""
        node = call.user.node_name
        if not node:
            return
        account = call.target.name
        if bound_kind != "Pod":
            raise forbidden("serviceaccounts", account, "node requested token not bound to a pod")
        if not uid:
            raise forbidden("serviceaccounts", account, "node requested token with a pod binding without a uid")
        entry = self._cache.collection("core/pods").entries.get(f"{call.target.namespace}/{name}")
        pod = codec.decode(core_v1.Pod, entry.data) if entry is not None else None
        if pod is None or pod.metadata.uid != uid or pod.spec.node_name != node:
            raise forbidden("serviceaccounts", account, "node requested token bound to a pod scheduled on a different node")
