"""The Node authorizer: a kubelet may read what its own pods need, and write its own node, lease and pods' status. Nothing else.

Source: the API reference's "Using Node Authorization". What a pod refers to is indexed as pods come to nodes and leave.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.apiserver.context import User
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.storage.cache import Change, WatchCache

# (group, resource, subresource) -> verbs that every kubelet may use on any object
ALWAYS: dict[tuple[str, str, str], frozenset[str]] = {
    ("", "services", ""): frozenset({"get", "list", "watch"}),
    ("", "nodes", ""): frozenset({"create", "get", "list", "watch"}),
    ("", "pods", ""): frozenset({"get", "list", "watch", "create", "delete"}),
    ("", "pods", "status"): frozenset({"update", "patch"}),
    ("", "pods", "eviction"): frozenset({"create"}),
    ("", "events", ""): frozenset({"create", "update", "patch"}),
    ("events.k8s.io", "events", ""): frozenset({"create", "update", "patch"}),
    ("authentication.k8s.io", "tokenreviews", ""): frozenset({"create"}),
    ("authorization.k8s.io", "subjectaccessreviews", ""): frozenset({"create"}),
    ("authorization.k8s.io", "localsubjectaccessreviews", ""): frozenset({"create"}),
    ("certificates.k8s.io", "certificatesigningrequests", ""): frozenset({"create", "get", "list", "watch"}),
    ("storage.k8s.io", "csidrivers", ""): frozenset({"get", "list", "watch"}),
    ("storage.k8s.io", "volumeattachments", ""): frozenset({"get"}),
    ("node.k8s.io", "runtimeclasses", ""): frozenset({"get", "list", "watch"}),
    ("", "persistentvolumes", ""): frozenset({"get"}),
}
READ = frozenset({"get", "list", "watch"})


class NodeAuthorizer:
    def __init__(self, cache: WatchCache) -> None:
        # (node, resource, namespace, name) -> how many of the node's pods refer to it
        self._references: Counter[tuple[str, str, str, str]] = Counter()
        cache.collection("core/pods").listeners.append(self._changed)

    def _changed(self, change: Change) -> None:
        for entry, sign in ((change.old, -1), (change.new, 1)):
            if entry is None or not entry.fields.get("spec.nodeName"):
                continue
            pod = codec.decode(core_v1.Pod, entry.data)
            for resource, name in references(pod):
                key = (pod.spec.node_name or "", resource, pod.metadata.namespace or "", name)
                self._references[key] += sign
                if not self._references[key]:
                    del self._references[key]

    def allows(self, user: User, target: Target) -> bool:
        node = user.node_name
        if not node or not target.is_resource:
            return False
        verbs = ALWAYS.get((target.group, target.resource, target.subresource))
        if verbs is not None and target.verb in verbs:
            return True
        if target.group == "" and target.resource == "nodes":
            return target.name == node and target.verb in ("update", "patch") and target.subresource in ("", "status")
        if target.group == "coordination.k8s.io" and target.resource == "leases":
            return (
                target.namespace == "kube-node-lease"
                and (target.name == node or target.verb == "create")
                and target.verb != "deletecollection"
            )
        if target.group == "storage.k8s.io" and target.resource == "csinodes":
            return target.name == node or target.verb == "create"
        if target.group == "" and target.resource in ("secrets", "configmaps", "persistentvolumeclaims"):
            return target.verb in READ and (node, target.resource, target.namespace, target.asked_name) in self._references
        if target.group == "" and target.resource == "serviceaccounts":
            held = (node, "serviceaccounts", target.namespace, target.name) in self._references
            return held and (target.verb == "get" or (target.subresource == "token" and target.verb == "create"))
        return False


def references(pod: core_v1.Pod) -> Iterator[tuple[str, str]]:
    """(resource, name) of what the pod needs from its namespace."""
    spec = pod.spec
    yield "serviceaccounts", spec.service_account_name or "default"
    for secret in spec.image_pull_secrets or ():
        yield "secrets", secret.name or ""
    for container in [*(spec.containers or ()), *(spec.init_containers or ()), *(spec.ephemeral_containers or ())]:
        for source in container.env_from or ():
            if source.config_map_ref is not None:
                yield "configmaps", source.config_map_ref.name or ""
            if source.secret_ref is not None:
                yield "secrets", source.secret_ref.name or ""
        for variable in container.env or ():
            if variable.value_from is not None and variable.value_from.config_map_key_ref is not None:
                yield "configmaps", variable.value_from.config_map_key_ref.name or ""
            if variable.value_from is not None and variable.value_from.secret_key_ref is not None:
                yield "secrets", variable.value_from.secret_key_ref.name or ""
    for volume in spec.volumes or ():
        if volume.secret is not None:
            yield "secrets", volume.secret.secret_name or ""
        if volume.config_map is not None:
            yield "configmaps", volume.config_map.name or ""
        if volume.persistent_volume_claim is not None:
            yield "persistentvolumeclaims", volume.persistent_volume_claim.claim_name or ""
        for part in (volume.projected.sources or ()) if volume.projected is not None else ():
            if part.secret is not None:
                yield "secrets", part.secret.name or ""
            if part.config_map is not None:
                yield "configmaps", part.config_map.name or ""
