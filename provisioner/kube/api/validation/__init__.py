"""Validation: what the API server refuses, with the field's path and upstream's reason.

`validate_create` and `validate_update` check an object of any kind: its metadata by the general rules, the rest by the kind's own module.
A module's functions take the object: `create(obj)` for a new one, `update(new, old)` for what may change; an update is checked by `always`
too, or by `create` where there is no `always`; `status(new, old)` checks what is written through the status subresource. Modules for several kinds tell them apart by KIND, or name them in TABLE.
Pure; an object has its defaults when it comes here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import statuses
from provisioner.kube.api.validation.metadata import validate_metadata, validate_metadata_update

_RBAC = "rbac.authorization.k8s.io"
_ADMISSION = "admissionregistration.k8s.io"

# (group, kind) -> module of this package
_MODULES = {
    ("", "Pod"): "pod",
    ("", "PodTemplate"): "workloads",
    ("", "Service"): "service",
    ("", "Endpoints"): "endpoints",
    ("discovery.k8s.io", "EndpointSlice"): "endpoints",
    ("apps", "Deployment"): "workloads",
    ("apps", "ReplicaSet"): "workloads",
    ("apps", "DaemonSet"): "workloads",
    ("apps", "StatefulSet"): "workloads",
    ("apps", "ControllerRevision"): "workloads",
    ("", "ReplicationController"): "workloads",
    ("batch", "Job"): "batch",
    ("batch", "CronJob"): "batch",
    ("", "ConfigMap"): "configuration",
    ("", "Secret"): "configuration",
    ("", "PersistentVolume"): "storage",
    ("", "PersistentVolumeClaim"): "storage",
    ("networking.k8s.io", "Ingress"): "networking",
    ("networking.k8s.io", "IngressClass"): "networking",
    ("networking.k8s.io", "NetworkPolicy"): "networking",
    ("", "Node"): "cluster",
    ("", "Event"): "events",
    ("events.k8s.io", "Event"): "events",
    ("", "ResourceQuota"): "quotas",
    ("", "LimitRange"): "limit_ranges",
    ("coordination.k8s.io", "Lease"): "leases",
    ("coordination.k8s.io", "LeaseCandidate"): "leases",
    ("", "Namespace"): "namespaces",
    ("certificates.k8s.io", "PodCertificateRequest"): "pod_certificates",
    ("scheduling.k8s.io", "PriorityClass"): "cluster",
    ("node.k8s.io", "RuntimeClass"): "cluster",
    ("certificates.k8s.io", "CertificateSigningRequest"): "certificates",
    ("certificates.k8s.io", "ClusterTrustBundle"): "certificates",
    ("policy", "PodDisruptionBudget"): "scaling",
    ("autoscaling", "HorizontalPodAutoscaler"): "scaling",
    (_RBAC, "RoleBinding"): "rbac",
    (_RBAC, "ClusterRoleBinding"): "rbac",
    (_RBAC, "Role"): "rbac",
    (_RBAC, "ClusterRole"): "rbac",
    (_ADMISSION, "ValidatingWebhookConfiguration"): "webhooks",
    (_ADMISSION, "MutatingWebhookConfiguration"): "webhooks",
    (_ADMISSION, "ValidatingAdmissionPolicy"): "policies",
    (_ADMISSION, "ValidatingAdmissionPolicyBinding"): "policies",
    (_ADMISSION, "MutatingAdmissionPolicy"): "policies",
    (_ADMISSION, "MutatingAdmissionPolicyBinding"): "policies",
    ("apiextensions.k8s.io", "CustomResourceDefinition"): "extensions",
    ("storagemigration.k8s.io", "StorageVersionMigration"): "migrations",
    ("networking.k8s.io", "IPAddress"): "addresses",
    ("networking.k8s.io", "ServiceCIDR"): "addresses",
    **{("flowcontrol.apiserver.k8s.io", kind): "flowcontrol" for kind in ("FlowSchema", "PriorityLevelConfiguration")},
    **{("resource.k8s.io", kind): "devices" for kind in ("DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice")},
    **{("storage.k8s.io", kind): "storage_classes" for kind in ("StorageClass", "VolumeAttachment", "VolumeAttributesClass")},
    **{("storage.k8s.io", kind): "storage_classes" for kind in ("CSIDriver", "CSINode", "CSIStorageCapacity")},
    ("apiregistration.k8s.io", "APIService"): "extensions",
}


def _job_status(new: Any, old: Any) -> list[FieldError]:
    """Read with the first job, as kinds' own modules are."""
    found: list[FieldError] = import_module("provisioner.kube.api.validation.job_status").status(new, old)
    return found


# Those that need nothing of their kind's module.
_STATUSES = {
    ("", "Pod"): statuses.pod,
    ("", "Service"): statuses.service,
    ("networking.k8s.io", "Ingress"): statuses.balancer,
    ("", "ReplicationController"): statuses.counts,
    ("batch", "Job"): _job_status,
    **{("apps", kind): statuses.counts for kind in ("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet")},
}


def _module(obj: Any) -> ModuleType | None:
    return _module_of(type(obj).GROUP, type(obj).KIND)


@cache
def _module_of(group: str, kind: str) -> ModuleType | None:
    name = _MODULES.get((group, kind))
    return import_module(f"provisioner.kube.api.validation.{name}") if name is not None else None


def _run(module: ModuleType | None, names: tuple[str, ...], *objs: Any) -> list[FieldError]:
    """The first function of the module that there is."""
    for name in names:
        function: Callable[..., list[FieldError]] | None = getattr(module, name, None)
        if function is not None:
            return function(*objs)
    return []


def validate_create(obj: Any) -> list[FieldError]:
    return validate_metadata(obj) + _run(_module(obj), ("create",), obj)


def validate_update(new: Any, old: Any) -> list[FieldError]:
    module = _module(new)
    found = _run(module, ("always", "create"), new)
    if found:
        # What was stored before there was a rule is borne as long as it isn't changed.
        before = _run(module, ("always", "create"), old)
        found = [problem for problem in found if problem not in before]
    return validate_metadata_update(new, old) + found + _run(module, ("update",), new, old)


def validate_status_update(new: Any, old: Any) -> list[FieldError]:
    key = (type(new).GROUP, type(new).KIND)
    check: Callable[[Any, Any], list[FieldError]] | None = _STATUSES.get(key)
    found = check(new, old) if check is not None else _run(_module(new), ("status",), new, old)
    if found and check is not None:
        before = check(old, old)
        found = [problem for problem in found if problem not in before]
    return validate_metadata_update(new, old) + found
