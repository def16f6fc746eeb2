"""The table of pods: how many containers are ready, the most telling reason there is, restarts and when the last one was."""

from __future__ import annotations

from datetime import datetime

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.meta import condition
from provisioner.kube.api.tables.columns import NONE, Printer, age, columns, containers, duration, moment_of, pairs


class _Summary:
    """What the containers' statuses add up to; `reason` starts as the pod's own."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.ready = 0
        self.restarts = 0
        self.last_restart: datetime | None = None

    def count(self, status: core_v1.ContainerStatus) -> None:
        self.restarts += status.restart_count or 0
        ended = status.last_state.terminated if status.last_state is not None else None
        finished = moment_of(ended.finished_at) if ended is not None else None
        if finished is not None and (self.last_restart is None or finished > self.last_restart):
            self.last_restart = finished


def _ended(state: core_v1.ContainerStateTerminated) -> str:
    if state.reason:
        return state.reason
    return f"Signal:{state.signal}" if state.signal else f"ExitCode:{state.exit_code or 0}"


def _initializing(pod: core_v1.Pod, summary: _Summary, sidecar_restarts: _Summary) -> bool:
    """Look at the init containers until the one that the others wait for; False when all are done."""
    declared = {container.name: container for container in pod.spec.init_containers or ()}
    for number, status in enumerate(pod.status.init_container_statuses or ()):
        container = declared.get(status.name)
        sidecar = container is not None and container.restart_policy == "Always"
        summary.count(status)
        if sidecar:
            sidecar_restarts.count(status)
        state = status.state or core_v1.ContainerState()
        if state.terminated is not None and not state.terminated.exit_code:
            continue
        if sidecar and status.started:
            summary.ready += bool(status.ready)
            continue
        if state.terminated is not None:
            summary.reason = f"Init:{_ended(state.terminated)}"
        elif state.waiting is not None and state.waiting.reason and state.waiting.reason != "PodInitializing":
            summary.reason = f"Init:{state.waiting.reason}"
        else:
            summary.reason = f"Init:{number}/{len(declared)}"
        return True
    return False


def _running(pod: core_v1.Pod, summary: _Summary) -> None:
    """The first container with something to tell gives the reason; a pod that is partly done still runs."""
    running = False
    for status in reversed(pod.status.container_statuses or ()):
        summary.count(status)
        state = status.state or core_v1.ContainerState()
        if state.waiting is not None and state.waiting.reason:
            summary.reason = state.waiting.reason
        elif state.terminated is not None:
            summary.reason = _ended(state.terminated)
        elif status.ready and state.running is not None:
            running = True
            summary.ready += 1
    if summary.reason == "Completed" and running:
        summary.reason = "Running" if _is_true(pod, "Ready") else "NotReady"


def _is_true(pod: core_v1.Pod, type_: str) -> bool:
    found = condition(pod.status.conditions, type_)
    return found is not None and found.status == "True"


def summarize(pod: core_v1.Pod) -> tuple[str, int, int, datetime | None]:
    """(status, ready containers, restarts, when the last restart was)."""
    summary = _Summary(pod.status.reason or pod.status.phase or "")
    scheduled = condition(pod.status.conditions, "PodScheduled")
    if scheduled is not None and scheduled.reason == "SchedulingGated":
        summary.reason = "SchedulingGated"
    sidecars = _Summary("")
    if not _initializing(pod, summary, sidecars) or _is_true(pod, "Initialized"):
        summary.restarts, summary.last_restart = sidecars.restarts, sidecars.last_restart
        _running(pod, summary)
    if pod.metadata.deletion_timestamp:
        if pod.status.reason == "NodeLost":
            summary.reason = "Unknown"
        elif pod.status.phase not in ("Succeeded", "Failed"):
            summary.reason = "Terminating"
    return summary.reason, summary.ready, summary.restarts, summary.last_restart


def _row(pod: core_v1.Pod, now: datetime) -> list[str]:
    reason, ready, restarts, last = summarize(pod)
    sidecars = [c for c in pod.spec.init_containers or () if c.restart_policy == "Always"]
    total = len(pod.spec.containers or ()) + len(sidecars)
    restarted = f"{restarts} ({duration((now - last).total_seconds())} ago)" if restarts and last is not None else str(restarts)
    gates = pod.spec.readiness_gates or []
    open_gates = sum(_is_true(pod, gate.condition_type or "") for gate in gates)
    ips = pod.status.pod_ips or ()
    return [
        pod.metadata.name or "",
        f"{ready}/{total}",
        reason,
        restarted,
        age(pod, now),
        (ips[0].ip if ips else pod.status.pod_ip) or NONE,
        pod.spec.node_name or NONE,
        pod.status.nominated_node_name or NONE,
        f"{open_gates}/{len(gates)}" if gates else NONE,
    ]


def _template_row(obj: core_v1.PodTemplate, now: datetime) -> list[str]:
    labels = obj.template.metadata.labels if obj.template is not None and obj.template.metadata is not None else None
    return [obj.metadata.name or "", *containers(obj.template), pairs(labels)]


PRINTERS = {
    ("", "Pod"): Printer(
        columns("Name", "Ready", "Status", "Restarts", "Age", "IP+", "Node+", "Nominated Node+", "Readiness Gates+"), _row
    ),
    ("", "PodTemplate"): Printer(columns("Name", "Containers", "Images", "Pod Labels"), _template_row),
}
