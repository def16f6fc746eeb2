"""A pod's status, from its spec and its containers: phase, conditions, a status for each container. Pure; wording and rules are upstream's.

Source: the Kubernetes documentation "Pod Lifecycle", and the strings that kubectl and other clients look for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.qos import qos_class
from provisioner.kube.kubelet.pod.decide import ALWAYS, begins_anew, is_sidecar, newest, restarts, sandbox_of
from provisioner.kube.kubelet.pod.resize import POD
from provisioner.kube.kubelet.runtime.containers import Container

OURS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
# Set when we end a pod for the node's sake.
DISRUPTION = "DisruptionTarget"
# While all containers end because one of them asked for that.
RESTARTING = "AllContainersRestarting"
# While resources that a running container has differ from those that it should have.
RESIZING = ("PodResizePending", "PodResizeInProgress")
MESSAGE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Seen:
    """What the status is made of. `waiting` is (reason, message) by container name; `ready` and `started` hold container ids;
    `messages` are termination messages by container id; `final` is a phase that was decided (Failed, Succeeded) with `reason`."""

    containers: Sequence[Container]
    now: str
    host_ip: str
    pod_ip: str = ""
    started_at: str = ""
    waiting: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    ready: frozenset[str] = frozenset()
    started: frozenset[str] = frozenset()
    messages: Mapping[str, str] = field(default_factory=dict)
    terminating: bool = False
    final: str = ""
    reason: str = ""
    message: str = ""
    # By container id: who its first process is.
    users: Mapping[str, core_v1.ContainerUser] = field(default_factory=dict)
    evicted: bool = False
    # The pod was turned away before anything of it began.
    rejected: bool = False
    # By container, and the pod's own: what it may have, and what it has.
    allocated: Mapping[str, core_v1.ResourceRequirements] = field(default_factory=dict)
    actual: Mapping[str, core_v1.ResourceRequirements] = field(default_factory=dict)
    # (name, exit code) of the container that asked for all to begin anew, while they end.
    restarting: tuple[str, int] | None = None
    # One has asked before, and they have ended since.
    restarted: bool = False
    # (condition's type, reason, message)
    resizing: Sequence[tuple[str, str, str]] = ()


def status_of(pod: core_v1.Pod, seen: Seen) -> core_v1.PodStatus:
    """The status to report, with the conditions of others kept and transition times unchanged where nothing changed."""
    spec = pod.spec
    inits = [_container_status(c, pod, seen, init=True) for c in spec.init_containers or ()]
    initialized = all(
        (s.started or _ended(s)) if is_sidecar(c) else s.ready for c, s in zip(spec.init_containers or (), inits, strict=True)
    )
    mains = [_container_status(c, pod, seen, init=False, initialized=initialized) for c in spec.containers or ()]
    extras = [_container_status(c, pod, seen, init=False) for c in spec.ephemeral_containers or ()]
    phase = seen.final or _held_back(phase_of(pod, inits, mains), [*inits, *extras], mains)
    if phase in ("Failed", "Succeeded") and not seen.final and begins_anew(pod, seen.containers):
        phase = "Running"
    sandbox = sandbox_of(seen.containers)
    address = seen.pod_ip if phase not in ("Failed", "Succeeded") or seen.pod_ip else pod.status.pod_ip or ""
    return core_v1.PodStatus(
        phase=phase,
        reason=seen.reason or None,
        message=seen.message or None,
        conditions=_conditions(pod, seen, phase, inits, mains, sandbox is not None and sandbox.running and bool(address)),
        host_ip=seen.host_ip or None,
        host_ips=[core_v1.HostIP(ip=seen.host_ip)] if seen.host_ip else None,
        pod_ip=address or None,
        pod_ips=[core_v1.PodIP(ip=address)] if address else None,
        start_time=pod.status.start_time or seen.started_at or seen.now,
        qos_class=pod.status.qos_class or qos_class(spec),
        init_container_statuses=(inits or None) if not seen.rejected else None,
        container_statuses=(mains or None) if not seen.rejected else None,
        ephemeral_container_statuses=extras or None,
        allocated_resources=seen.allocated[POD].requests if POD in seen.allocated else None,
        resources=seen.actual.get(POD),
        observed_generation=pod.metadata.generation,
    )


def phase_of(pod: core_v1.Pod, inits: list[core_v1.ContainerStatus], mains: list[core_v1.ContainerStatus]) -> str:
    policy = pod.spec.restart_policy or ALWAYS
    began = any(not _never_began(s) for s in mains)
    for container, status in zip(pod.spec.init_containers or (), inits, strict=True):
        state = status.state or core_v1.ContainerState()
        if is_sidecar(container):
            if not began and not status.started:
                return "Pending"
            continue
        last = status.last_state.terminated if status.last_state else None
        ended = state.terminated or (last if state.waiting else None)
        if ended is not None and ended.exit_code == 0:
            continue
        if ended is not None and not restarts(container, policy, ended.exit_code or 0):
            return "Failed"
        if not began:
            return "Pending"
    running = sum(1 for s in mains if s.state and s.state.running)
    waiting = sum(1 for s in mains if _never_began(s))
    stopped = [s for s in mains if not (s.state and s.state.running) and not _never_began(s)]
    if waiting or not mains:
        return "Pending"
    ended_as = [(c, _exit_code(s)) for c, s in zip(pod.spec.containers or (), mains, strict=True) if s in stopped]
    if running or any(restarts(c, policy, code) for c, code in ended_as):
        return "Running"
    return "Succeeded" if all(code == 0 for _, code in ended_as) else "Failed"


def _held_back(phase: str, beside: list[core_v1.ContainerStatus], mains: list[core_v1.ContainerStatus]) -> str:
    """A pod is not over before everything in it has ended, sidecars too: whoever counts on its end (a Job, a quota) gives its room away."""
    if phase not in ("Failed", "Succeeded") or not any(s.state and s.state.running for s in [*beside, *mains]):
        return phase
    return "Pending" if all(map(_never_began, mains)) else "Running"


def _ended(status: core_v1.ContainerStatus) -> bool:
    return status.state is not None and status.state.terminated is not None


def _never_began(status: core_v1.ContainerStatus) -> bool:
    state = status.state or core_v1.ContainerState()
    last = status.last_state
    return state.running is None and state.terminated is None and (last is None or last.terminated is None)


def _exit_code(status: core_v1.ContainerStatus) -> int:
    for state in (status.state, status.last_state):
        if state and state.terminated:
            return state.terminated.exit_code or 0
    return 0


def _container_status(
    container: core_v1.Container | core_v1.EphemeralContainer, pod: core_v1.Pod, seen: Seen, *, init: bool, initialized: bool = True
) -> core_v1.ContainerStatus:
    name = container.name or ""
    found = newest(seen.containers, name)
    attempt = found.attempt if found else 0
    before = newest([c for c in seen.containers if c.name == name and (found is None or c.attempt < found.attempt)], name)
    status = core_v1.ContainerStatus(
        name=name,
        image=container.image,
        image_id="",
        ready=False,
        restart_count=attempt,
        started=False,
        state=core_v1.ContainerState(),
        last_state=core_v1.ContainerState(),
    )
    if before is not None and before.exited:
        status.last_state = core_v1.ContainerState(terminated=_terminated(before, seen))
    waiting = seen.waiting.get(name)
    if found is None or not (found.running or found.exited):
        reason, message = waiting or (_first_reason(pod, seen), "")
        if seen.terminating and seen.final and initialized and not init:
            status.state = core_v1.ContainerState(terminated=_never_ran())
        else:
            status.state = core_v1.ContainerState(waiting=core_v1.ContainerStateWaiting(reason=reason, message=message or None))
        return status
    status.container_id = f"docker://{found.id}"
    if found.running and container.lifecycle is not None:
        status.stop_signal = container.lifecycle.stop_signal
    status.user = seen.users.get(found.id)
    status.volume_mounts = _volume_mounts(container)
    if isinstance(container, core_v1.Container) and name in seen.allocated:
        status.allocated_resources = seen.allocated[name].requests
        status.resources = seen.actual.get(name)
    status.image_id = f"docker://{found.image_id}" if found.image_id else ""
    if found.running:
        status.state = core_v1.ContainerState(running=core_v1.ContainerStateRunning(started_at=_whole(found.started_at)))
        status.started = found.id in seen.started
        status.ready = found.id in seen.ready and (not init or (isinstance(container, core_v1.Container) and is_sidecar(container)))
        return status
    ended = core_v1.ContainerState(terminated=_terminated(found, seen))
    if waiting is not None and not seen.terminating:
        status.state = core_v1.ContainerState(waiting=core_v1.ContainerStateWaiting(reason=waiting[0], message=waiting[1] or None))
        status.last_state = ended
    else:
        status.state = ended
        status.ready = init and found.exit_code == 0 and not (isinstance(container, core_v1.Container) and is_sidecar(container))
    return status


def _volume_mounts(container: core_v1.Container | core_v1.EphemeralContainer) -> list[core_v1.VolumeMountStatus] | None:
    return [
        core_v1.VolumeMountStatus(
            mount_path=mount.mount_path,
            name=mount.name,
            read_only=mount.read_only or None,
            recursive_read_only="Disabled" if mount.read_only else None,
        )
        for mount in container.volume_mounts or ()
    ] or None


def _first_reason(pod: core_v1.Pod, seen: Seen) -> str:
    """PodInitializing while there are init containers to run, else ContainerCreating."""
    return "PodInitializing" if pod.spec.init_containers else "ContainerCreating"


def _never_ran() -> core_v1.ContainerStateTerminated:
    return core_v1.ContainerStateTerminated(
        exit_code=137,
        reason="ContainerStatusUnknown",
        message="The container could not be located when the pod was terminated",
    )


def _terminated(container: Container, seen: Seen) -> core_v1.ContainerStateTerminated:
    if container.oom_killed:
        reason = "OOMKilled"
    elif not container.started_at and container.exit_code:
        reason = "ContainerCannotRun"
    else:
        reason = "Completed" if container.exit_code == 0 else "Error"
    message = seen.messages.get(container.id) or (container.error if reason == "ContainerCannotRun" else "")
    return core_v1.ContainerStateTerminated(
        container_id=f"docker://{container.id}",
        exit_code=container.exit_code,
        reason=reason,
        message=message[:MESSAGE_BYTES] or None,
        started_at=_whole(container.started_at or container.created),
        finished_at=_whole(container.finished_at),
    )


def _whole(text: str) -> str | None:
    """Docker's time with nanoseconds, as metav1.Time: whole seconds."""
    return text.partition(".")[0].rstrip("Z") + "Z" if text else None


def _conditions(
    pod: core_v1.Pod,
    seen: Seen,
    phase: str,
    inits: list[core_v1.ContainerStatus],
    mains: list[core_v1.ContainerStatus],
    sandbox_ready: bool,
) -> list[core_v1.PodCondition]:
    before = {c.type: c for c in pod.status.conditions or ()}
    began = any(not _never_began(s) for s in mains)
    pending = [
        s.name or ""
        for container, s in zip(pod.spec.init_containers or (), inits, strict=True)
        if not (s.started if is_sidecar(container) else s.ready)
    ]
    initialized = ("True", "", "") if not pending or began else ("False", "ContainersNotInitialized", _listed("incomplete", pending))
    if phase == "Succeeded":
        initialized = ("True", "PodCompleted", "")
    sidecars = [s for c, s in zip(pod.spec.init_containers or (), inits, strict=True) if is_sidecar(c)]
    unready = [s.name or "" for s in [*sidecars, *mains] if not s.ready]
    if phase == "Succeeded":
        containers_ready = ("False", "PodCompleted", "")
    elif phase == "Failed":
        containers_ready = ("False", "PodFailed", "")
    elif unready:
        containers_ready = ("False", "ContainersNotReady", _listed("unready", unready))
    else:
        containers_ready = ("True", "", "")
    wanted = {
        "PodReadyToStartContainers": ("True" if sandbox_ready else "False", "", ""),
        "Initialized": initialized,
        "Ready": _ready(pod, containers_ready, before),
        "ContainersReady": containers_ready,
        "PodScheduled": ("True", "", ""),
    }
    made = [_condition(type_, wanted[type_], before.get(type_), seen.now, pod.metadata.generation) for type_ in OURS]
    for type_, reason, message in seen.resizing:
        made.append(_condition(type_, ("True", reason, message), before.get(type_), seen.now, pod.metadata.generation))
    if seen.restarting is not None:
        text = f"Container {seen.restarting[0]} exited with code {seen.restarting[1]}, triggering pod restart"
        made.append(_condition(RESTARTING, ("True", "ContainerExited", text), before.get(RESTARTING), seen.now, pod.metadata.generation))
    elif seen.restarted or RESTARTING in before:
        made.append(_condition(RESTARTING, ("False", "", ""), before.get(RESTARTING), seen.now, pod.metadata.generation))
    if seen.evicted:
        target = ("True", "TerminationByKubelet", seen.message)
        made.append(_condition(DISRUPTION, target, before.get(DISRUPTION), seen.now, pod.metadata.generation))
    ours = {*(c.type for c in made), *RESIZING}
    return made + [c for c in pod.status.conditions or () if c.type not in ours]


def _ready(
    pod: core_v1.Pod, containers: tuple[str, str, str], conditions: Mapping[str | None, core_v1.PodCondition]
) -> tuple[str, str, str]:
    if containers[0] != "True":
        return containers
    missing = []
    for gate in pod.spec.readiness_gates or ():
        found = conditions.get(gate.condition_type)
        if found is None:
            missing.append(f'corresponding condition of pod readiness gate "{gate.condition_type}" does not exist.')
        elif found.status != "True":
            missing.append(f'the status of pod readiness gate "{gate.condition_type}" is not "True", but {found.status}')
    if missing:
        return "False", "ReadinessGatesNotReady", ", ".join(missing)
    return "True", "", ""


def _listed(word: str, names: list[str]) -> str:
    return f"containers with {word} status: [{' '.join(names)}]"


def _condition(
    type_: str, wanted: tuple[str, str, str], before: core_v1.PodCondition | None, now: str, generation: int | None
) -> core_v1.PodCondition:
    status, reason, message = wanted
    same = before is not None and before.status == status
    return core_v1.PodCondition(
        type=type_,
        status=status,
        reason=reason or None,
        message=message or None,
        last_transition_time=before.last_transition_time if same and before else now,
        observed_generation=generation,
    )
