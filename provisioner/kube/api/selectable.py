"""What field selectors may ask of each kind, besides name and namespace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_REFERENCE = {
    "kind": "kind",
    "namespace": "namespace",
    "name": "name",
    "uid": "uid",
    "apiVersion": "api_version",
    "resourceVersion": "resource_version",
    "fieldPath": "field_path",
}


def _pod(obj: Any) -> dict[str, str]:
    spec, status = obj.spec, obj.status
    return {
        "spec.nodeName": spec.node_name or "",
        # what the first clients call it
        "spec.host": spec.node_name or "",
        "spec.restartPolicy": spec.restart_policy or "",
        "spec.schedulerName": spec.scheduler_name or "",
        "spec.serviceAccountName": spec.service_account_name or "",
        "spec.hostNetwork": str(bool(spec.host_network)).lower(),
        "status.phase": status.phase or "",
        "status.podIP": status.pod_ip or "",
        # which may be asked for, but is never said
        "status.podIPs": "",
        "status.nominatedNodeName": status.nominated_node_name or "",
    }


def _event(obj: Any) -> dict[str, str]:
    about = obj.involved_object
    fields = {f"involvedObject.{name}": (getattr(about, attribute) or "") if about else "" for name, attribute in _REFERENCE.items()}
    source = (obj.source.component if obj.source else None) or ""
    return fields | {
        "reason": obj.reason or "",
        "reportingComponent": obj.reporting_component or "",
        "source": source or obj.reporting_component or "",
        "type": obj.type or "",
    }


def _newer_event(obj: Any) -> dict[str, str]:
    about = obj.regarding
    fields = {f"regarding.{name}": (getattr(about, attribute) or "") if about else "" for name, attribute in _REFERENCE.items()}
    return fields | {"reason": obj.reason or "", "reportingController": obj.reporting_controller or "", "type": obj.type or ""}


def _replicas(obj: Any) -> dict[str, str]:
    return {"status.replicas": str(obj.status.replicas or 0)}


def _signer(obj: Any) -> dict[str, str]:
    return {"spec.signerName": obj.spec.signer_name or ""}


FIELDS: dict[tuple[str, str], Callable[[Any], dict[str, str]]] = {
    ("", "Pod"): _pod,
    ("", "Event"): _event,
    ("events.k8s.io", "Event"): _newer_event,
    ("", "Node"): lambda obj: {"spec.unschedulable": str(bool(obj.spec.unschedulable)).lower()},
    ("", "Namespace"): lambda obj: {"status.phase": obj.status.phase or "", "name": obj.metadata.name or ""},
    ("", "Secret"): lambda obj: {"type": obj.type or ""},
    ("", "Service"): lambda obj: {"spec.clusterIP": obj.spec.cluster_ip or "", "spec.type": obj.spec.type or ""},
    ("", "PersistentVolume"): lambda obj: {"name": obj.metadata.name or ""},
    ("", "PersistentVolumeClaim"): lambda obj: {"name": obj.metadata.name or ""},
    ("", "ReplicationController"): _replicas,
    ("apps", "ReplicaSet"): _replicas,
    ("batch", "Job"): lambda obj: {"status.successful": str(obj.status.succeeded or 0)},
    ("certificates.k8s.io", "CertificateSigningRequest"): _signer,
    ("certificates.k8s.io", "ClusterTrustBundle"): _signer,
    ("certificates.k8s.io", "PodCertificateRequest"): lambda obj: {
        "spec.signerName": obj.spec.signer_name or "",
        "spec.podName": obj.spec.pod_name or "",
        "spec.nodeName": obj.spec.node_name or "",
    },
    ("resource.k8s.io", "ResourceSlice"): lambda obj: {"spec.nodeName": obj.spec.node_name or "", "spec.driver": obj.spec.driver or ""},
}


def unsupported(field: str, *, custom: bool) -> str:
    """What is said of a field that can't be selected by, of kinds with fields of their own and of all others."""
    if custom:
        return f"field label not supported: {field}"
    return f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"'
