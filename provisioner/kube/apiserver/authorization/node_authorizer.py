"""The Node authorizer: a kubelet may read what its own pods need, and write its own node, lease and pods' status. Nothing else.

Source: the API reference's "Using Node Authorization". What a pod refers to is indexed as pods come to nodes and leave, and which secrets the
volumes of its claims are mounted with. A mirror pod refers to nothing: a kubelet makes those itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.apiserver.authorization.authz import NO_OPINION, LocalMode, Verdict
from provisioner.kube.apiserver.context import User
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.storage.cache import Change, WatchCache

# (group, resource, subresource) -> verbs that every kubelet may use on any object; admission looks at whose the object is
ALWAYS: dict[tuple[str, str, str], frozenset[str]] = {
    ("", "services", ""): frozenset({"get", "list", "watch"}),
    ("", "nodes", ""): frozenset({"create"}),
    ("", "pods", ""): frozenset({"create", "delete"}),
    ("", "pods", "status"): frozenset({"update", "patch"}),
    ("", "pods", "eviction"): frozenset({"create"}),
    ("", "events", ""): frozenset({"create", "update", "patch"}),
    ("events.k8s.io", "events", ""): frozenset({"create", "update", "patch"}),
    ("authentication.k8s.io", "tokenreviews", ""): frozenset({"create"}),
    ("authorization.k8s.io", "subjectaccessreviews", ""): frozenset({"create"}),
    ("authorization.k8s.io", "localsubjectaccessreviews", ""): frozenset({"create"}),
    ("certificates.k8s.io", "certificatesigningrequests", ""): frozenset({"create", "get", "list", "watch"}),
    ("certificates.k8s.io", "clustertrustbundles", ""): frozenset({"get", "list", "watch"}),
    ("storage.k8s.io", "csidrivers", ""): frozenset({"get", "list", "watch"}),
    ("node.k8s.io", "runtimeclasses", ""): frozenset({"get", "list", "watch"}),
}
READ = frozenset({"get", "list", "watch"})
OWN_LEASE = frozenset({"get", "create", "update", "patch", "delete"})
GRANTED = Verdict(allowed=True)
# The annotation of a pod that shows what a kubelet runs by a file.
MIRROR = "kubernetes.io/config.mirror"
# Sources of a pod's own volumes that name a secret.
_WITH_SECRETS = ("cephfs", "cinder", "flex_volume", "iscsi", "rbd", "scale_io", "storageos")
# What objects tell of whom they are for, when a kubelet asks for them by name.
_PARTS = {
    "persistentvolumes": ("core/persistentvolumes", ("spec", "claimRef")),
    "volumeattachments": ("storage.k8s.io/volumeattachments", ("spec", "nodeName")),
    "resourceslices": ("resource.k8s.io/resourceslices", ("spec", "nodeName")),
    "podcertificaterequests": ("certificates.k8s.io/podcertificaterequests", ("spec", "nodeName")),
}


class NodeAuthorizer(LocalMode):
    def __init__(self, cache: WatchCache) -> None:
        self._cache = cache
        # (node, resource, namespace, name) -> how many of the node's pods refer to it
        self._references: Counter[tuple[str, str, str, str]] = Counter()
        # (claim's namespace, claim) -> the secrets that its volume is mounted with, and how many volumes say so
        self._mounting: dict[tuple[str, str], Counter[tuple[str, str]]] = {}
        cache.collection("core/pods").listeners.append(self._changed)
        cache.collection("core/persistentvolumes").listeners.append(self._volume_changed)

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

    def _volume_changed(self, change: Change) -> None:
        for entry, sign in ((change.old, -1), (change.new, 1)):
            spec = msgspec.json.decode(entry.data).get("spec") or {} if entry is not None else {}
            claim = spec.get("claimRef") or {}
            key = (claim.get("namespace") or "", claim.get("name") or "")
            for secret in volume_secrets(spec, key[0]) if all(key) else ():
                held = self._mounting.setdefault(key, Counter())
                held[secret] += sign
                if not held[secret]:
                    del held[secret]
            if not self._mounting.get(key, True):
                del self._mounting[key]

    def decide(self, user: User, target: Target) -> Verdict:
        node = user.node_name
        if not node:
            return NO_OPINION
        if not target.is_resource:
            return NO_OPINION
        return GRANTED if self._may(node, target) else Verdict(reason=f"no relationship found between node '{node}' and this object")

    def _may(self, node: str, target: Target) -> bool:
        verbs = ALWAYS.get((target.group, target.resource, target.subresource))
        if verbs is not None and target.verb in verbs:
            return True
        if target.group == "":
            return self._may_core(node, target)
        if target.group == "coordination.k8s.io" and target.resource == "leases":
            own = target.name == node or (target.verb == "create" and not target.name)
            return target.namespace == "kube-node-lease" and own and target.verb in OWN_LEASE
        if target.group == "storage.k8s.io" and target.resource == "csinodes":
            own = target.name == node or (target.verb == "create" and not target.name)
            return own and target.verb in OWN_LEASE and not target.subresource
        if target.group == "storage.k8s.io" and target.resource == "volumeattachments":
            return target.verb == "get" and not target.subresource and bool(self._part(target) == node)
        if target.group == "resource.k8s.io" and target.resource == "resourceclaims":
            return target.verb == "get" and not target.subresource and self._refers(node, target)
        if target.group == "certificates.k8s.io" and target.resource == "podcertificaterequests" and not target.subresource:
            return self._may_slices(node, target) and target.verb in {"create", *READ}
        if target.group == "resource.k8s.io" and target.resource == "resourceslices" and not target.subresource:
            return self._may_slices(node, target)
        return False

    def _may_core(self, node: str, target: Target) -> bool:
        resource, verb, sub = target.resource, target.verb, target.subresource
        if resource == "nodes":
            if target.asked_name != node:
                return False
            return (verb in ("update", "patch") and sub in ("", "status")) or (verb in READ and not sub)
        if resource == "pods":
            if sub or verb not in READ:
                return False
            if target.name:
                entry = self._cache.collection("core/pods").entries.get(f"{target.namespace}/{target.name}")
                return entry is not None and entry.fields.get("spec.nodeName") == node
            return _selects(target, "spec.nodeName", node)
        if resource in ("secrets", "configmaps"):
            if sub or verb not in READ or not target.asked_name:
                return False
            return self._refers(node, target) or (resource == "secrets" and self._mounts(node, target))
        if resource == "persistentvolumeclaims":
            return (
                verb in ({"get", "update", "patch"} if sub == "status" else {"get"})
                and sub in ("", "status")
                and self._refers(node, target)
            )
        if resource == "persistentvolumes":
            claim = self._part(target) if verb == "get" and not sub else None
            return isinstance(claim, dict) and self._held(node, "persistentvolumeclaims", claim.get("namespace", ""), claim.get("name", ""))
        if resource == "serviceaccounts":
            return self._refers(node, target) and ((verb == "get" and not sub) or (sub == "token" and verb == "create"))
        return False

    def _may_slices(self, node: str, target: Target) -> bool:
        if target.verb == "create":
            return True
        if target.name:
            return bool(self._part(target) == node)
        return target.verb in ("list", "watch", "deletecollection") and _selects(target, "spec.nodeName", node)

    def _refers(self, node: str, target: Target) -> bool:
        return self._held(node, target.resource, target.namespace, target.asked_name)

    def _mounts(self, node: str, target: Target) -> bool:
        """Whether a volume of one of the node's claims is mounted with a secret."""
        wanted = (target.namespace, target.asked_name)
        return any(wanted in secrets and self._held(node, "persistentvolumeclaims", *claim) for claim, secrets in self._mounting.items())

    def _held(self, node: str, resource: str, namespace: str, name: str) -> bool:
        return (node, resource, namespace, name) in self._references

    def _part(self, target: Target) -> Any:
        """What the object that is asked for tells of whom it is for; None where it is not there."""
        stored_as, path = _PARTS[target.resource]
        key = f"{target.namespace}/{target.asked_name}" if target.namespace else target.asked_name
        entry = self._cache.collection(stored_as).entries.get(key)
        found: Any = msgspec.json.decode(entry.data) if entry is not None else None
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return found


def _selects(target: Target, field: str, value: str) -> bool:
    """Whether a list or watch asks for one value of a field alone."""
    return any(term.strip().replace("==", "=") == f"{field}={value}" for term in target.field_selector.split(","))


def volume_secrets(spec: Mapping[str, Any], namespace: str) -> Iterator[tuple[str, str]]:
    """(namespace, name) of what a node mounts a volume with; those without a namespace are in the claim's. What only controllers need is not
    among them."""
    for source in spec.values():
        if not isinstance(source, dict):
            continue
        for field in ("secretRef", "nodeStageSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef"):
            reference = source.get(field)
            if isinstance(reference, dict) and reference.get("name"):
                yield reference.get("namespace") or namespace, reference["name"]
        if source.get("secretName"):
            yield source.get("secretNamespace") or namespace, source["secretName"]


def references(pod: core_v1.Pod) -> Iterator[tuple[str, str]]:
    """(resource, name) of what the pod needs from its namespace."""
    spec = pod.spec
    if MIRROR in (pod.metadata.annotations or {}):
        return
    if spec.service_account_name:
        yield "serviceaccounts", spec.service_account_name
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
        if volume.ephemeral is not None:
            yield "persistentvolumeclaims", f"{pod.metadata.name}-{volume.name}"
        if volume.azure_file is not None:
            yield "secrets", volume.azure_file.secret_name or ""
        for kind in _WITH_SECRETS:
            found = getattr(volume, kind)
            if found is not None and found.secret_ref is not None:
                yield "secrets", found.secret_ref.name or ""
        if volume.csi is not None and volume.csi.node_publish_secret_ref is not None:
            yield "secrets", volume.csi.node_publish_secret_ref.name or ""
    for claim in spec.resource_claims or ():
        if claim.resource_claim_name:
            yield "resourceclaims", claim.resource_claim_name
    for made in pod.status.resource_claim_statuses or ():
        if made.resource_claim_name:
            yield "resourceclaims", made.resource_claim_name
