"""What an update may change, kind by kind: metadata that is the server's, generation, status against spec, deletion, selectable fields. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from provisioner.kube.api._generated.resources import Resource

# Kinds whose status is not a part of its own: an ordinary update writes it.
_STATUS_WITH_SPEC = {"Event", "ComponentStatus", "Binding"}
# Kinds whose metadata.generation upstream leaves empty.
_NO_GENERATION = {
    "Service",
    "Namespace",
    "Node",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "Endpoints",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "ResourceQuota",
}


class Strategy:
    """The rules for one resource. Objects are Structs of its kind; they are changed in place."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.has_status = any(sub.name == "status" for sub in resource.subresources) and resource.kind not in _STATUS_WITH_SPEC

    def prepare_create(self, obj: Any) -> None:
        """A new object has no status of its own and is the first generation."""
        if self.has_status:
            obj.status = type(obj)().status
        initial = _INITIAL.get(self.resource.kind)
        if initial is not None:
            initial(obj)
        if hasattr(obj, "spec") and self.resource.kind not in _NO_GENERATION:
            obj.metadata.generation = 1

    def prepare_update(self, new: Any, old: Any) -> None:
        """Keep what is the server's; a changed spec is a new generation."""
        self._keep_metadata(new, old)
        if self.has_status:
            new.status = old.status
        if hasattr(new, "spec") and old.metadata.generation is not None:
            changed = new.spec != old.spec or (
                self.resource.kind in _ANNOTATIONS_COUNT and new.metadata.annotations != old.metadata.annotations
            )
            new.metadata.generation = old.metadata.generation + (1 if changed else 0)

    def prepare_status_update(self, new: Any, old: Any) -> None:
        """Only status may change; of metadata, labels and annotations stay as they were too, except what kubelets need on nodes and pods."""
        self._keep_metadata(new, old)
        for field in new.__struct_fields__:
            if field not in ("metadata", "status", "api_version", "kind"):
                setattr(new, field, getattr(old, field))
        metadata = new.metadata
        metadata.generation = old.metadata.generation
        metadata.finalizers, metadata.owner_references = old.metadata.finalizers, old.metadata.owner_references
        if self.resource.kind not in ("Node", "Pod"):
            metadata.labels, metadata.annotations = old.metadata.labels, old.metadata.annotations

    def _keep_metadata(self, new: Any, old: Any) -> None:
        metadata, kept = new.metadata, old.metadata
        metadata.uid, metadata.creation_timestamp = kept.uid, kept.creation_timestamp
        metadata.deletion_timestamp, metadata.deletion_grace_period_seconds = kept.deletion_timestamp, kept.deletion_grace_period_seconds
        metadata.generate_name, metadata.self_link = kept.generate_name, None
        metadata.generation = kept.generation

    def grace_period_s(self, obj: Any, asked_s: int | None) -> int:
        """How long a deletion waits for somebody to stop the object. Only pods on a node have anybody who does."""
        if self.resource.kind != "Pod":
            return 0
        if not obj.spec.node_name or obj.status.phase in ("Succeeded", "Failed"):
            return 0
        return asked_s if asked_s is not None else int(obj.spec.termination_grace_period_seconds or 0)

    def selectable_fields(self, obj: Any) -> dict[str, str]:
        """What field selectors may ask of this object."""
        fields = {"metadata.name": obj.metadata.name or ""}
        if self.resource.namespaced:
            fields["metadata.namespace"] = obj.metadata.namespace or ""
        more = _FIELDS.get((self.resource.group, self.resource.kind))
        return fields | more(obj) if more is not None else fields

    @property
    def has_own_fields(self) -> bool:
        """Whether selectors may ask for more than name and namespace."""
        return (self.resource.group, self.resource.kind) in _FIELDS

    def field_names(self) -> frozenset[str]:
        """The fields that a selector may name."""
        if self.resource.kind not in _NAMES_BY_KIND:
            obj = self.resource.load()()
            _NAMES_BY_KIND[self.resource.kind] = frozenset(self.selectable_fields(obj))
        return _NAMES_BY_KIND[self.resource.kind]


_NAMES_BY_KIND: dict[str, frozenset[str]] = {}
_ANNOTATIONS_COUNT = {"Deployment"}


def _pod_created(obj: Any) -> None:
    obj.status.phase = "Pending"
    obj.status.qos_class = qos_class(obj.spec)


def _namespace_created(obj: Any) -> None:
    obj.status.phase = "Active"
    finalizers = list(obj.spec.finalizers or ())
    if "kubernetes" not in finalizers:
        finalizers.append("kubernetes")
    obj.spec.finalizers = finalizers


def _volume_created(obj: Any) -> None:
    obj.status.phase = "Pending"


_INITIAL: dict[str, Callable[[Any], None]] = {
    "Pod": _pod_created,
    "Namespace": _namespace_created,
    "PersistentVolume": _volume_created,
    "PersistentVolumeClaim": _volume_created,
}


def qos_class(spec: Any) -> str:
    """Guaranteed, Burstable or BestEffort by the containers' requests and limits of cpu and memory."""
    from provisioner.kube.api import quantity

    guaranteed, any_set = True, False
    for container in [*(spec.containers or ()), *(spec.init_containers or ())]:
        resources = container.resources
        requests = (resources.requests if resources else None) or {}
        limits = (resources.limits if resources else None) or {}
        for name in ("cpu", "memory"):
            limit = limits.get(name)
            asked = requests.get(name, limit)
            nonzero = asked is not None and quantity.parse(asked) != 0
            any_set = any_set or nonzero or (limit is not None and quantity.parse(limit) != 0)
            guaranteed = (
                guaranteed and asked is not None and nonzero and limit is not None and quantity.parse(limit) == quantity.parse(asked)
            )
    return "Guaranteed" if guaranteed and any_set else "Burstable" if any_set else "BestEffort"


def _pod_fields(obj: Any) -> dict[str, str]:
    return {
        "spec.nodeName": obj.spec.node_name or "",
        "spec.restartPolicy": obj.spec.restart_policy or "",
        "spec.schedulerName": obj.spec.scheduler_name or "",
        "spec.serviceAccountName": obj.spec.service_account_name or "",
        "spec.hostNetwork": str(bool(obj.spec.host_network)).lower(),
        "status.phase": obj.status.phase or "",
        "status.podIP": obj.status.pod_ip or "",
        "status.nominatedNodeName": obj.status.nominated_node_name or "",
    }


def _event_fields(obj: Any) -> dict[str, str]:
    about = obj.involved_object
    parts = {
        "kind": "kind",
        "namespace": "namespace",
        "name": "name",
        "uid": "uid",
        "apiVersion": "api_version",
        "resourceVersion": "resource_version",
        "fieldPath": "field_path",
    }
    fields = {f"involvedObject.{name}": (getattr(about, attribute) or "") if about else "" for name, attribute in parts.items()}
    source = (obj.source.component if obj.source else None) or ""
    return fields | {
        "reason": obj.reason or "",
        "reportingComponent": obj.reporting_component or "",
        "source": source or obj.reporting_component or "",
        "type": obj.type or "",
    }


def _event_v1_fields(obj: Any) -> dict[str, str]:
    about = obj.regarding
    parts = {"kind": "kind", "namespace": "namespace", "name": "name", "uid": "uid", "apiVersion": "api_version", "fieldPath": "field_path"}
    fields = {f"regarding.{name}": (getattr(about, attribute) or "") if about else "" for name, attribute in parts.items()}
    return fields | {"reason": obj.reason or "", "reportingController": obj.reporting_controller or "", "type": obj.type or ""}


_FIELDS: dict[tuple[str, str], Callable[[Any], dict[str, str]]] = {
    ("", "Pod"): _pod_fields,
    ("", "Event"): _event_fields,
    ("events.k8s.io", "Event"): _event_v1_fields,
    ("", "Node"): lambda obj: {"spec.unschedulable": str(bool(obj.spec.unschedulable)).lower()},
    ("", "Namespace"): lambda obj: {"status.phase": obj.status.phase or "", "name": obj.metadata.name or ""},
    ("", "Secret"): lambda obj: {"type": obj.type or ""},
    ("", "Service"): lambda obj: {"spec.clusterIP": obj.spec.cluster_ip or "", "spec.type": obj.spec.type or ""},
    ("", "ReplicationController"): lambda obj: {"status.replicas": str(obj.status.replicas or 0)},
    ("apps", "ReplicaSet"): lambda obj: {"status.replicas": str(obj.status.replicas or 0)},
    ("batch", "Job"): lambda obj: {"status.successful": str(obj.status.succeeded or 0)},
    ("certificates.k8s.io", "CertificateSigningRequest"): lambda obj: {"spec.signerName": obj.spec.signer_name or ""},
}

_strategies: dict[tuple[str, str, str], Strategy] = {}


def strategy_of(resource: Resource) -> Strategy:
    """The one Strategy of a resource."""
    key = (resource.group, resource.version, resource.plural)
    if key not in _strategies:
        _strategies[key] = Strategy(resource)
    return _strategies[key]
