"""The pods' table: readiness, the status that sums a pod up, restarts, addresses."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.tables import AGE, NAME, NONE, Cells, Column, age


def _init_status(pod: core_v1.Pod) -> str | None:
    """What an init container that is not through says, or None when all are."""
    statuses = pod.status.init_container_statuses or []
    sidecars = {c.name for c in pod.spec.init_containers or () if c.restart_policy == "Always"}
    for number, status in enumerate(statuses):
        state = status.state or core_v1.ContainerState()
        if state.terminated is not None and state.terminated.exit_code == 0:
            continue
        if status.name in sidecars and status.started:
            continue
        if state.terminated is not None:
            if state.terminated.reason:
                return f"Init:{state.terminated.reason}"
            signal = state.terminated.signal
            return f"Init:Signal:{signal}" if signal else f"Init:ExitCode:{state.terminated.exit_code or 0}"
        if state.waiting is not None and state.waiting.reason not in (None, "", "PodInitializing"):
            return f"Init:{state.waiting.reason}"
        return f"Init:{number}/{len(pod.spec.init_containers or ())}"
    return None


def status_text(pod: core_v1.Pod) -> str:
    """The STATUS column."""
    reason = pod.status.reason or pod.status.phase or ""
    for condition in pod.status.conditions or ():
        if condition.type == "PodScheduled" and condition.reason == "SchedulingGated":
            reason = "SchedulingGated"
    initializing = _init_status(pod)
    if initializing is not None and pod.status.phase not in ("Succeeded", "Failed"):
        reason = initializing
    elif initializing is None:
        reason = _containers_status(pod, reason)
    if pod.metadata.deletion_timestamp is not None:
        return "Unknown" if pod.status.reason == "NodeLost" else "Terminating"
    return reason


def _containers_status(pod: core_v1.Pod, reason: str) -> str:
    running = False
    for status in reversed(pod.status.container_statuses or []):
        state = status.state or core_v1.ContainerState()
        if state.waiting is not None and state.waiting.reason:
            reason = state.waiting.reason
        elif state.terminated is not None and state.terminated.reason:
            reason = state.terminated.reason
        elif state.terminated is not None:
            reason = f"Signal:{state.terminated.signal}" if state.terminated.signal else f"ExitCode:{state.terminated.exit_code or 0}"
        elif status.ready and state.running is not None:
            running = True
    if reason == "Completed" and running:
        ready = any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions or ())
        return "Running" if ready else "NotReady"
    return reason


def _restarts(pod: core_v1.Pod, now: datetime) -> str:
    statuses = [*(pod.status.container_statuses or ())]
    if _init_status(pod) is not None:
        statuses = [*(pod.status.init_container_statuses or ())]
    count = sum(s.restart_count or 0 for s in statuses)
    finished = [s.last_state.terminated.finished_at for s in statuses if s.last_state is not None and s.last_state.terminated is not None]
    last = max((f for f in finished if f), default=None)
    return f"{count} ({age(last, now)} ago)" if count and last else str(count)


def pod(obj: core_v1.Pod, now: datetime) -> list[Any]:
    statuses = obj.status.container_statuses or ()
    gates = obj.spec.readiness_gates or ()
    passed = sum(any(c.type == g.condition_type and c.status == "True" for c in obj.status.conditions or ()) for g in gates)
    ips = [p.ip for p in obj.status.pod_ips or () if p.ip] or [obj.status.pod_ip or NONE]
    return [
        obj.metadata.name,
        f"{sum(bool(s.ready) for s in statuses)}/{len(obj.spec.containers or ())}",
        status_text(obj),
        _restarts(obj, now),
        age(obj.metadata.creation_timestamp, now),
        ips[0],
        obj.spec.node_name or NONE,
        obj.status.nominated_node_name or NONE,
        f"{passed}/{len(gates)}" if gates else NONE,
    ]


TABLES: dict[str, tuple[tuple[Column, ...], Cells]] = {
    "Pod": (
        (
            NAME,
            Column("Ready"),
            Column("Status"),
            Column("Restarts"),
            AGE,
            Column("IP", priority=1),
            Column("Node", priority=1),
            Column("Nominated Node", priority=1),
            Column("Readiness Gates", priority=1),
        ),
        pod,
    )
}
