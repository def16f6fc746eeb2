"""Defaults: what the API server fills in where an object says nothing, as the API reference documents it for each field.

`apply` changes an object in place and is idempotent. One module a family of kinds, imported when its first object comes.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# (group, kind) -> module of this package, which has a function `kind` in lower case
_MODULES = {
    ("", "Pod"): "pod",
    ("", "PodTemplate"): "pod",
    ("", "Service"): "service",
    ("", "ReplicationController"): "workloads",
    ("apps", "Deployment"): "workloads",
    ("apps", "ReplicaSet"): "workloads",
    ("apps", "DaemonSet"): "workloads",
    ("apps", "StatefulSet"): "workloads",
    ("batch", "Job"): "batch",
    ("batch", "CronJob"): "batch",
    ("", "Namespace"): "cluster",
    ("", "Secret"): "cluster",
    ("", "Node"): "cluster",
    ("", "Endpoints"): "cluster",
    ("", "PersistentVolume"): "storage",
    ("", "PersistentVolumeClaim"): "storage",
    ("", "LimitRange"): "cluster",
    ("storage.k8s.io", "StorageClass"): "storage",
    ("storage.k8s.io", "CSIDriver"): "storage",
    ("autoscaling", "HorizontalPodAutoscaler"): "cluster",
    ("networking.k8s.io", "NetworkPolicy"): "networking",
    ("networking.k8s.io", "Ingress"): "networking",
    ("discovery.k8s.io", "EndpointSlice"): "networking",
    ("rbac.authorization.k8s.io", "RoleBinding"): "rbac",
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): "rbac",
    ("scheduling.k8s.io", "PriorityClass"): "cluster",
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): "admission",
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): "admission",
    ("certificates.k8s.io", "CertificateSigningRequest"): "cluster",
}


def apply(obj: Any) -> None:
    """Fill in the defaults of an object of any kind; kinds without defaults are left alone."""
    module = _MODULES.get((type(obj).GROUP, type(obj).KIND))
    if module is not None:
        getattr(import_module(f"provisioner.kube.api.defaults.{module}"), type(obj).KIND.lower())(obj)


def default(obj: Any, **values: Any) -> None:
    """Set fields that are None."""
    for name, value in values.items():
        if getattr(obj, name) is None:
            setattr(obj, name, value)
