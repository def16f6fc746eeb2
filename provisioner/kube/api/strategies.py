"""What a write may change, kind by kind: metadata that is the server's, generation, status against spec, deletion, selectable fields. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from provisioner.kube.api import own_labels
from provisioner.kube.api._generated import meta_v1
from provisioner.kube.api._generated.resources import Resource
from provisioner.kube.api.qos import qos_class
from provisioner.kube.api.selectable import FIELDS

# Kinds whose status is not a part of its own: an ordinary update writes it.
_STATUS_WITH_SPEC = {"Event", "ComponentStatus", "Binding"}
# Kinds that bring a status along when they are created: a kubelet registers its node with one.
_BORN_WITH_STATUS = {"Node"}
# Kinds with a generation, and the attributes whose change is a new one.
_GENERATION: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "CronJob",
            "CSIDriver",
            "CustomResourceDefinition",
            "DaemonSet",
            "Deployment",
            "DeviceClass",
            "DeviceTaintRule",
            "FlowSchema",
            "Ingress",
            "IngressClass",
            "Job",
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "NetworkPolicy",
            "Pod",
            "PodDisruptionBudget",
            "PriorityLevelConfiguration",
            "ReplicaSet",
            "ReplicationController",
            "ResourceSlice",
            "StatefulSet",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
        ),
        ("spec",),
    ),
    "EndpointSlice": ("endpoints", "ports", "address_type"),
    "MutatingWebhookConfiguration": ("webhooks",),
    "ValidatingWebhookConfiguration": ("webhooks",),
    "PodTemplate": ("template",),
    "PriorityClass": ("value", "global_default", "preemption_policy", "description"),
}
_METADATA_COUNTS = {"Deployment": ("annotations",), "EndpointSlice": ("labels",)}
_ALL_OF_IT = ("annotations", "finalizers", "labels", "owner_references")
# What of metadata no write through the status subresource changes.
_KEPT_BY_STATUS: dict[str, tuple[str, ...]] = {
    "Deployment": ("labels",),
    "Pod": ("owner_references",),
    **dict.fromkeys(
        (
            "DeviceTaintRule",
            "FlowSchema",
            "PodCertificateRequest",
            "PriorityLevelConfiguration",
            "ResourceClaim",
            "ValidatingAdmissionPolicy",
            "VolumeAttachment",
        ),
        _ALL_OF_IT,
    ),
}
# Kinds that an update creates where they are not there yet.
_CREATED_ON_UPDATE = {
    "ClusterRole",
    "ClusterRoleBinding",
    "Endpoints",
    "Event",
    "Lease",
    "LimitRange",
    "PodTemplate",
    "Role",
    "RoleBinding",
}
# Kinds that nobody replaces without saying what they have seen.
_VERSION_NEEDED = {
    "APIService",
    "CSIDriver",
    "CSINode",
    "CustomResourceDefinition",
    "Lease",
    "MutatingWebhookConfiguration",
    "PodDisruptionBudget",
    "RuntimeClass",
    "ServiceAccount",
    "ValidatingWebhookConfiguration",
    "VolumeAttachment",
}


class Strategy:
    """The rules for one resource. Objects are Structs of its kind; they are changed in place."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.has_status = any(sub.name == "status" for sub in resource.subresources) and resource.kind not in _STATUS_WITH_SPEC
        self._fields = FIELDS.get((resource.group, resource.kind))
        self._names: frozenset[str] | None = None
        self.creates_on_update = resource.kind in _CREATED_ON_UPDATE
        self.needs_version = resource.kind in _VERSION_NEEDED

    def prepare_create(self, obj: Any) -> None:
        """A new object has no status of its own and is the first generation. May run twice on one object."""
        kind = self.resource.kind
        if self.has_status and kind not in _BORN_WITH_STATUS:
            obj.status = type(obj)().status
        initial = _INITIAL.get(kind)
        if initial is not None:
            initial(obj)
        obj.metadata.generation = 1 if kind in _GENERATION else None

    def prepare_update(self, new: Any, old: Any) -> None:
        """Keep what is the server's; a changed spec is a new generation."""
        self._keep_metadata(new, old)
        if self.has_status:
            new.status = old.status
        kept = _KEPT.get(self.resource.kind)
        if kept is not None:
            kept(new, old)
        parts = _GENERATION.get(self.resource.kind)
        if parts is not None and self._differs(new, old, parts):
            new.metadata.generation = (old.metadata.generation or 0) + 1

    def _differs(self, new: Any, old: Any, parts: tuple[str, ...]) -> bool:
        metadata = _METADATA_COUNTS.get(self.resource.kind, ())
        return any(getattr(new, part) != getattr(old, part) for part in parts) or any(
            getattr(new.metadata, part) != getattr(old.metadata, part) for part in metadata
        )

    def prepare_status_update(self, new: Any, old: Any) -> None:
        """No spec changes through status. Of metadata most kinds let change what an update could: load balancers put their finalizer on a
        service that way."""
        self._keep_metadata(new, old)
        for field in new.__struct_fields__:
            if field not in ("metadata", "status", "api_version", "kind"):
                setattr(new, field, getattr(old, field))
        metadata = new.metadata
        metadata.generation = old.metadata.generation
        for name in _KEPT_BY_STATUS.get(self.resource.kind, ()):
            setattr(metadata, name, getattr(old.metadata, name))
        if self.resource.kind == "Pod" and old.status.qos_class:
            new.status.qos_class = old.status.qos_class

    def _keep_metadata(self, new: Any, old: Any) -> None:
        metadata, kept = new.metadata, old.metadata
        metadata.uid, metadata.creation_timestamp = kept.uid, kept.creation_timestamp
        metadata.deletion_timestamp, metadata.deletion_grace_period_seconds = kept.deletion_timestamp, kept.deletion_grace_period_seconds
        metadata.generate_name, metadata.self_link = kept.generate_name, None
        metadata.generation = kept.generation

    def grace_period_s(self, obj: Any, asked_s: int | None) -> int:
        """How long a deletion waits for somebody to stop the object. Only pods on a node have anybody who does.

        A negative period is one second, as upstream has it.
        """
        if self.resource.kind != "Pod" or not obj.spec.node_name or obj.status.phase in ("Succeeded", "Failed"):
            return 0
        wanted = asked_s if asked_s is not None else int(obj.spec.termination_grace_period_seconds or 0)
        return wanted if wanted >= 0 else 1

    def selectable_fields(self, obj: Any) -> dict[str, str]:
        """What field selectors may ask of this object."""
        fields = {"metadata.name": obj.metadata.name or ""}
        if self.resource.namespaced:
            fields["metadata.namespace"] = obj.metadata.namespace or ""
        return fields | self._fields(obj) if self._fields is not None else fields

    @property
    def has_own_fields(self) -> bool:
        """Whether selectors may ask for more than name and namespace."""
        return self._fields is not None

    def field_names(self) -> frozenset[str]:
        """The fields that a selector may name."""
        if self._names is None:
            self._names = frozenset(self.selectable_fields(self.resource.load()()))
        return self._names


# -- new objects -----------------------------------------------------------------------------------------------------------


def _pod_created(obj: Any) -> None:
    obj.status.phase = "Pending"
    obj.status.qos_class = qos_class(obj.spec)
    if obj.spec.affinity is not None or obj.spec.topology_spread_constraints:
        own_labels.merge(obj)
    if obj.spec.scheduling_gates:
        # Whoever has a pod has its module: nobody pays for this import.
        from provisioner.kube.api._generated import core_v1

        text = "Scheduling is blocked due to non-empty scheduling gates"
        held = core_v1.PodCondition(type="PodScheduled", status="False", reason="SchedulingGated", message=text)
        obj.status.conditions = [held]


def _namespace_created(obj: Any) -> None:
    obj.status.phase = "Active"
    finalizers = list(obj.spec.finalizers or ())
    if "kubernetes" not in finalizers:
        finalizers.append("kubernetes")
    obj.spec.finalizers = finalizers


def _node_created(obj: Any) -> None:
    """What a kubelet once could be configured with is no longer taken."""
    obj.spec.config_source = obj.status.config = None


def _volume_created(obj: Any) -> None:
    obj.status.phase = "Pending"


def job_labels(metadata: meta_v1.ObjectMeta) -> dict[str, str]:
    """What the pods of a job carry, under the names of today and of before."""
    named = {"controller-uid": metadata.uid or "", "job-name": metadata.name or ""}
    return {f"{prefix}{name}": value for name, value in named.items() for prefix in ("", "batch.kubernetes.io/")}


def _job_created(obj: Any) -> None:
    """A job's pods carry its uid, and its selector is by it, unless the selector is the user's own affair."""
    template = obj.spec.template
    if obj.spec.manual_selector or template is None:
        return
    if template.metadata is None:
        template.metadata = meta_v1.ObjectMeta()
    own = job_labels(obj.metadata)
    template.metadata.labels = {**(template.metadata.labels or {}), **own}
    if obj.spec.selector is None:
        obj.spec.selector = meta_v1.LabelSelector()
    uid_label = "batch.kubernetes.io/controller-uid"
    obj.spec.selector.match_labels = {**(obj.spec.selector.match_labels or {}), uid_label: own[uid_label]}
    if not obj.metadata.labels:
        obj.metadata.labels = dict(template.metadata.labels)


def _definition_created(obj: Any) -> None:
    """What its objects are stored in is written down before there are any."""
    # Whoever has a definition has its module.
    from provisioner.kube.api._generated import apiextensions_v1

    obj.status.accepted_names = apiextensions_v1.CustomResourceDefinitionNames(plural="", kind="")
    obj.status.stored_versions = [version.name for version in obj.spec.versions or () if version.storage][:1]


_INITIAL: dict[str, Callable[[Any], None]] = {
    "Pod": _pod_created,
    "Namespace": _namespace_created,
    "Node": _node_created,
    "PersistentVolume": _volume_created,
    "PersistentVolumeClaim": _volume_created,
    "Job": _job_created,
    "CustomResourceDefinition": _definition_created,
}


# -- updates ---------------------------------------------------------------------------------------------------------------


def _namespace_kept(new: Any, old: Any) -> None:
    """Finalizers go through the finalize subresource alone."""
    new.spec.finalizers = old.spec.finalizers


def _node_kept(new: Any, old: Any) -> None:
    if old.spec.config_source is None:
        new.spec.config_source = None


def _request_kept(new: Any, old: Any) -> None:
    """What was asked to be signed never changes."""
    new.spec = old.spec


def _service_kept(new: Any, old: Any) -> None:
    """What a service no longer has use for, because its type is another one, goes unless somebody changed it."""
    mine, before = new.spec, old.spec
    balanced = ("LoadBalancer",)
    reachable = ("NodePort", "LoadBalancer")
    for attribute, types in (
        ("allocate_load_balancer_node_ports", balanced),
        ("load_balancer_class", balanced),
        ("external_traffic_policy", reachable),
    ):
        had_use, has_use = before.type in types, mine.type in types
        if attribute == "external_traffic_policy":
            had_use, has_use = had_use or bool(before.external_ips), has_use or bool(mine.external_ips)
        if had_use and not has_use and getattr(mine, attribute) == getattr(before, attribute):
            setattr(mine, attribute, None)
    if before.type in reachable and mine.type not in reachable:
        held = {port.node_port for port in before.ports or ()}
        for port in mine.ports or ():
            port.node_port = None if port.node_port in held else port.node_port
    local = mine.type == "LoadBalancer" and mine.external_traffic_policy == "Local"
    if not local and mine.health_check_node_port == before.health_check_node_port:
        mine.health_check_node_port = None


_KEPT: dict[str, Callable[[Any, Any], None]] = {
    "CertificateSigningRequest": _request_kept,
    "Namespace": _namespace_kept,
    "Node": _node_kept,
    "Service": _service_kept,
}


_strategies: dict[tuple[str, str, str], Strategy] = {}


def strategy_of(resource: Resource) -> Strategy:
    """The one Strategy of a resource."""
    key = (resource.group, resource.version, resource.plural)
    if key not in _strategies:
        _strategies[key] = Strategy(resource)
    return _strategies[key]
