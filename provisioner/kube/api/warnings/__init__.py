"""What clients are warned of in objects that are taken all the same (Warning headers), in upstream's words.

Objects have their defaults and are valid when they come here. Most kinds have nothing to say. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from provisioner.kube.api.warnings import objects, pods, services, workloads

# (group, kind) -> warnings for (new, old); old None: it is created
_RULES: dict[tuple[str, str], Callable[[Any, Any], list[str]]] = {
    ("", "Pod"): pods.pod,
    ("", "Service"): services.service,
    ("discovery.k8s.io", "EndpointSlice"): services.endpoint_slice,
    ("networking.k8s.io", "NetworkPolicy"): services.network_policy,
    ("networking.k8s.io", "Ingress"): objects.ingress,
    ("", "Node"): objects.node,
    ("", "PersistentVolume"): objects.volume,
    ("", "PersistentVolumeClaim"): objects.claim,
    ("", "ServiceAccount"): objects.service_account,
    ("node.k8s.io", "RuntimeClass"): objects.runtime_class,
    ("storage.k8s.io", "StorageClass"): objects.storage_class,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): objects.definition,
    ("batch", "Job"): workloads.job,
    ("batch", "CronJob"): workloads.cron_job,
    ("apps", "DaemonSet"): workloads.daemon_set,
    ("apps", "Deployment"): workloads.named,
    ("apps", "ReplicaSet"): workloads.named,
    ("apps", "StatefulSet"): workloads.stateful_set,
    ("", "ReplicationController"): workloads.named,
    ("", "PodTemplate"): workloads.pod_template,
}


def of(new: Any, old: Any = None) -> list[str]:
    """Of a built-in kind's object; `old` None: it is created."""
    rule = _RULES.get((type(new).GROUP, type(new).KIND))
    return rule(new, old) if rule is not None else []
