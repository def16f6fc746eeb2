"""Defaults: what the API server fills in where an object says nothing, as the API reference documents it for each field.

`apply` changes an object in place and is idempotent. One module a family of kinds, imported when its first object comes.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from provisioner.kube.api.quantities import canonicalize

# (group, kind) -> module of this package, which has a function `kind` in lower case
_MODULES = {
    ("", "Pod"): "pod",
    ("", "PodTemplate"): "pod",
    ("", "Service"): "service",
    ("", "Endpoints"): "service",
    ("discovery.k8s.io", "EndpointSlice"): "service",
    ("", "ReplicationController"): "workloads",
    ("apps", "Deployment"): "workloads",
    ("apps", "ReplicaSet"): "workloads",
    ("apps", "DaemonSet"): "workloads",
    ("apps", "StatefulSet"): "workloads",
    ("batch", "Job"): "batch",
    ("batch", "CronJob"): "batch",
    ("autoscaling", "HorizontalPodAutoscaler"): "autoscaling",
    ("", "Namespace"): "cluster",
    ("", "Secret"): "cluster",
    ("", "Node"): "cluster",
    ("", "LimitRange"): "cluster",
    ("scheduling.k8s.io", "PriorityClass"): "cluster",
    ("", "PersistentVolume"): "storage",
    ("", "PersistentVolumeClaim"): "storage",
    ("storage.k8s.io", "StorageClass"): "storage",
    ("storage.k8s.io", "CSIDriver"): "storage",
    ("networking.k8s.io", "NetworkPolicy"): "networking",
    ("networking.k8s.io", "Ingress"): "networking",
    ("networking.k8s.io", "IngressClass"): "networking",
    ("rbac.authorization.k8s.io", "RoleBinding"): "rbac",
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): "rbac",
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): "admission",
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): "admission",
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"): "admission",
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"): "admission",
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"): "admission",
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"): "admission",
    ("apiextensions.k8s.io", "CustomResourceDefinition"): "extensions",
    ("apiregistration.k8s.io", "APIService"): "extensions",
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"): "extensions",
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"): "extensions",
    ("certificates.k8s.io", "PodCertificateRequest"): "cluster",
    ("resource.k8s.io", "ResourceClaim"): "devices",
    ("resource.k8s.io", "ResourceClaimTemplate"): "devices",
}
# Parts of the status that are written although they are nothing: clients need them to read an object.
_ZEROS: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "ReplicationController"): ("replicas",),
    ("apps", "DaemonSet"): ("current_number_scheduled", "desired_number_scheduled", "number_misscheduled", "number_ready"),
    ("apps", "ReplicaSet"): ("replicas",),
    ("apps", "StatefulSet"): ("available_replicas", "replicas"),
    ("autoscaling", "HorizontalPodAutoscaler"): ("current_replicas", "desired_replicas"),
    ("policy", "PodDisruptionBudget"): ("current_healthy", "desired_healthy", "disruptions_allowed", "expected_pods"),
}
_functions: dict[tuple[str, str], Callable[[Any], None] | None] = {}


def apply(obj: Any) -> None:
    """Fill in the defaults of an object of any kind and write its quantities canonically; kinds without defaults are left alone."""
    key = (type(obj).GROUP, type(obj).KIND)
    if key not in _functions:
        module = _MODULES.get(key)
        _functions[key] = getattr(import_module(f"provisioner.kube.api.defaults.{module}"), key[1].lower()) if module is not None else None
    fill = _functions[key]
    if fill is not None:
        fill(obj)
    if key in _ZEROS:
        default(obj.status, **dict.fromkeys(_ZEROS[key], 0))
    elif key == ("storage.k8s.io", "VolumeAttachment"):
        default(obj.status, attached=False)
    canonicalize(obj)


def default(obj: Any, **values: Any) -> None:
    """Set fields that are None."""
    for name, value in values.items():
        if getattr(obj, name) is None:
            setattr(obj, name, value)


def default_text(obj: Any, **values: str) -> None:
    """Set fields that are None or empty: where an empty text is as good as none."""
    for name, value in values.items():
        if not getattr(obj, name):
            setattr(obj, name, value)
