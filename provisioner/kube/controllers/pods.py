"""What is true of a pod, as the controllers that make pods ask it. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from provisioner.kube.api._generated import core_v1, meta_v1
from provisioner.kube.api.meta import condition, controller_of, owner_reference, parse_time


def is_ready(pod: core_v1.Pod) -> bool:
    found = condition(pod.status.conditions, "Ready")
    return found is not None and found.status == "True"


def is_available(pod: core_v1.Pod, min_ready_s: int, now: datetime) -> bool:
    """Ready, and for at least `min_ready_s`."""
    if not is_ready(pod):
        return False
    if not min_ready_s:
        return True
    since = parse_time(condition(pod.status.conditions, "Ready").last_transition_time)
    return since is not None and (now - since).total_seconds() >= min_ready_s


def is_active(pod: core_v1.Pod) -> bool:
    """Neither ended nor on its way out."""
    return pod.status.phase not in ("Succeeded", "Failed") and pod.metadata.deletion_timestamp is None


def controlled_by(pod: Any, owner: Any) -> bool:
    found = controller_of(pod)
    return found is not None and found.uid == owner.metadata.uid


def pod_from_template(template: core_v1.PodTemplateSpec, owner: Any, **more: Any) -> core_v1.Pod:
    """A pod of an owner's template; the server gives it a name under the owner's."""
    metadata = template.metadata or meta_v1.ObjectMeta()
    prefix = owner.metadata.name or ""
    return core_v1.Pod(
        metadata=meta_v1.ObjectMeta(
            generate_name=f"{prefix}-",
            namespace=owner.metadata.namespace,
            labels=dict(metadata.labels or {}),
            annotations=dict(metadata.annotations) if metadata.annotations else None,
            finalizers=list(metadata.finalizers) if metadata.finalizers else None,
            owner_references=[owner_reference(owner)],
            **more,
        ),
        spec=template.spec or core_v1.PodSpec(),
    )


def deletion_rank(pod: core_v1.Pod, same_node: int, now: datetime) -> tuple[Any, ...]:
    """Which of several pods is missed least, lowest first: without a node, pending, not ready, cheap, crowded, young, restarting."""
    ready_since = parse_time(condition(pod.status.conditions, "Ready").last_transition_time) if is_ready(pod) else None
    created = parse_time(pod.metadata.creation_timestamp)
    cost = int((pod.metadata.annotations or {}).get("controller.kubernetes.io/pod-deletion-cost", "0") or 0)
    phase = {"Pending": 0, "Unknown": 1, "Running": 2}.get(pod.status.phase or "", 2)
    restarts = sum(s.restart_count or 0 for s in pod.status.container_statuses or ())
    return (
        bool(pod.spec.node_name),
        phase,
        is_ready(pod),
        cost,
        -same_node,
        -(ready_since.timestamp() if ready_since else now.timestamp()),
        -restarts,
        -(created.timestamp() if created else now.timestamp()),
    )
