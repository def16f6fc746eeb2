"""What to do next for a pod: from its spec and the containers that there are, to what shall start and what shall end. Pure.

The order is upstream's: a sandbox; init containers one by one (those that restart always are sidecars: the next one waits until they have
started); then all containers at once. A container that ended starts again as the pod's restart policy says, after its back-off.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.meta import parse_time
from provisioner.kube.kubelet.runtime.containers import Container

ALWAYS, ON_FAILURE, NEVER = "Always", "OnFailure", "Never"
RESTART_ALL = "RestartAllContainers"


@dataclass(slots=True)
class Plan:
    """`start` names containers; `kill` has (container, why); `wait_s` says when to look again though nothing happens. While all are to be
    ended at once, to begin anew, `restarting` is the container whose end asked for it."""

    sandbox: bool = False
    restarting: Container | None = None
    start: list[str] = field(default_factory=list)
    kill: list[tuple[Container, str]] = field(default_factory=list)
    waiting: dict[str, float] = field(default_factory=dict)
    ended: bool = False

    @property
    def wait_s(self) -> float | None:
        return min(self.waiting.values()) if self.waiting else None


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides, besides the pod. `backoff_s(name, container)` is how long that one must wait yet; `started` and `unhealthy` hold
    container ids: those past their startup probe, and those that failed a liveness or startup probe (with the message)."""

    containers: list[Container]
    backoff_s: Callable[[Container], float]
    started: frozenset[str] = frozenset()
    unhealthy: Mapping[str, str] = field(default_factory=dict)


def container_hash(container: core_v1.Container | core_v1.EphemeralContainer) -> str:
    """Changes when the container has to be made anew: only its image may change in a running pod."""
    return hashlib.sha256(f"{container.name}\0{container.image}".encode()).hexdigest()[:16]


def is_sidecar(container: core_v1.Container) -> bool:
    return container.restart_policy == ALWAYS


def newest(containers: Iterable[Container], name: str, sandbox_id: str | None = None) -> Container | None:
    """A container's last attempt; with `sandbox_id`, the last one in that sandbox."""
    found = [c for c in containers if c.name == name and (sandbox_id is None or c.sandbox_id == sandbox_id)]
    return max(found, key=lambda c: (c.attempt, c.created), default=None)


def sandbox_of(containers: Iterable[Container]) -> Container | None:
    """The newest sandbox, running or not."""
    return max((c for c in containers if c.is_sandbox), key=lambda c: (c.attempt, c.created), default=None)


def policy_of(container: core_v1.Container, pod_policy: str) -> str:
    """A container's own restartPolicy wins over its pod's."""
    return container.restart_policy or pod_policy


def _rule_of(container: core_v1.Container, exit_code: int) -> core_v1.ContainerRestartRule | None:
    """The first of its restartPolicyRules that speaks of this end."""
    for rule in container.restart_policy_rules or ():
        codes = rule.exit_codes
        if codes is not None and bool(exit_code in (codes.values or ())) is (codes.operator == "In"):
            found: core_v1.ContainerRestartRule = rule
            return found
    return None


def restarts(container: core_v1.Container, pod_policy: str, exit_code: int) -> bool:
    """Whether a container that ended so starts again: by one of its restartPolicyRules, else by its policy."""
    if _rule_of(container, exit_code) is not None:
        return True
    policy = policy_of(container, pod_policy)
    return policy == ALWAYS or (policy == ON_FAILURE and exit_code != 0)


def restart_of_all(pod: core_v1.Pod, inside: Iterable[Container]) -> Container | None:
    """The last container whose end asks all of its pod's to begin anew (rule RestartAllContainers). What was made before that end counts no more."""
    by_name = {c.name: c for c in [*(pod.spec.init_containers or ()), *(pod.spec.containers or ())] if c.restart_policy_rules}
    asking = [
        one
        for one in inside
        if one.exited
        and (spec := by_name.get(one.name)) is not None
        and (rule := _rule_of(spec, one.exit_code)) is not None
        and rule.action == RESTART_ALL
    ]
    return max(asking, key=_ended_at, default=None)


def begins_anew(pod: core_v1.Pod, containers: Sequence[Container]) -> bool:
    """Whether all were asked to begin anew, and one of the pod's own has not yet: that one's end is not its last."""
    sandbox = sandbox_of(containers)
    inside = [c for c in containers if sandbox is not None and c.sandbox_id == sandbox.id]
    asking = restart_of_all(pod, inside)
    if asking is None:
        return False
    latest = [newest(inside, c.name or "") for c in pod.spec.containers or ()]
    return any(found is not None and _made_before(found, _ended_at(asking)) for found in latest)


def _ended_at(container: Container) -> datetime:
    return parse_time(container.finished_at) or datetime.min.replace(tzinfo=UTC)


def _made_before(container: Container, moment: datetime) -> bool:
    made = parse_time(container.created)
    return made is not None and made <= moment


def decide(pod: core_v1.Pod, facts: Facts) -> Plan:
    """The next steps. Called again after each change, it comes to an empty plan when the pod is as it should be."""
    plan = Plan()
    policy = pod.spec.restart_policy or ALWAYS
    sandbox = sandbox_of(facts.containers)
    if sandbox is None or not sandbox.running:
        _without_sandbox(pod, facts, policy, sandbox, plan)
        return plan
    inside = [c for c in facts.containers if c.sandbox_id == sandbox.id]
    for old in facts.containers:
        if old.running and not old.is_sandbox and old.sandbox_id != sandbox.id:
            plan.kill.append((old, "its sandbox is gone"))
    asking = restart_of_all(pod, inside)
    if asking is not None:
        before = [c for c in inside if _made_before(c, _ended_at(asking))]
        extras = {e.name for e in pod.spec.ephemeral_containers or ()}
        plan.kill += [(c, f"Container {asking.name} asks for all to be restarted") for c in before if c.running and c.name not in extras]
        if plan.kill:
            plan.restarting = asking
            return plan
        inside = [c for c in inside if c not in before or c.name in extras]
    names = [c.name for c in pod.spec.containers or ()]
    main_began = any(c.name in names for c in inside)
    initialized = _init_containers(pod, facts, policy, inside, main_began, plan, sandbox.id if asking is not None else "")
    if plan.ended:
        return plan
    if initialized:
        for container in pod.spec.containers or ():
            _main_container(container, facts, policy, inside, plan, anew=asking is not None)
        for extra in pod.spec.ephemeral_containers or ():
            if newest(inside, extra.name or "") is None:
                plan.start.append(extra.name or "")
        plan.ended = _all_done(pod, policy, inside)
    return plan


def _without_sandbox(pod: core_v1.Pod, facts: Facts, policy: str, sandbox: Container | None, plan: Plan) -> None:
    for container in facts.containers:
        if container.running and not container.is_sandbox:
            plan.kill.append((container, "its sandbox is gone"))
    latest = [(c, newest(facts.containers, c.name or "")) for c in pod.spec.containers or ()]
    known = [found for _, found in latest if found is not None]
    if sandbox is not None and known and all(policy_of(c, policy) == NEVER and not c.restart_policy_rules for c, _ in latest):
        plan.ended = True
        return
    if sandbox is not None and all(f is not None and f.exited and not restarts(c, policy, f.exit_code) for c, f in latest):
        plan.ended = True
        return
    plan.sandbox = not plan.kill


def _init_containers(
    pod: core_v1.Pod, facts: Facts, policy: str, inside: list[Container], main_began: bool, plan: Plan, asked_in: str
) -> bool:
    """Whether the containers may start. Adds what the init containers need to the plan. They run once in a sandbox, and once more, with
    their back-off, after all were asked to begin anew in the sandbox `asked_in`."""
    for container in pod.spec.init_containers or ():
        name = container.name or ""
        found = newest(inside, name)
        if is_sidecar(container):
            if found is None or found.exited:
                _start_again(name, found, facts, plan)
                if not main_began:
                    return False
            elif found.id in facts.unhealthy:
                plan.kill.append((found, facts.unhealthy[found.id]))
            elif not main_began and (not found.running or found.id not in facts.started):
                return False
            continue
        if main_began or (found is not None and found.exited and found.exit_code == 0):
            continue
        if found is None:
            _start_again(name, newest(facts.containers, name, asked_in) if asked_in else None, facts, plan)
        elif found.exited:
            if not restarts(container, policy, found.exit_code):
                plan.ended = True
                plan.kill += [(c, "an init container failed") for c in inside if c.running]
            else:
                _start_again(name, found, facts, plan)
        return False
    return True


def _main_container(container: core_v1.Container, facts: Facts, policy: str, inside: list[Container], plan: Plan, *, anew: bool) -> None:
    name = container.name or ""
    found = newest(inside, name)
    if found is None:
        # One of an earlier sandbox that had done its work stays done.
        before = newest(facts.containers, name)
        if anew or before is None or not before.exited or restarts(container, policy, before.exit_code):
            _start_again(name, before, facts, plan)
    elif found.running:
        if found.hash != container_hash(container):
            plan.kill.append((found, f"Container {name} definition changed, will be restarted"))
        elif found.id in facts.unhealthy:
            plan.kill.append((found, facts.unhealthy[found.id]))
    elif found.exited and restarts(container, policy, found.exit_code):
        _start_again(name, found, facts, plan)


def _start_again(name: str, found: Container | None, facts: Facts, plan: Plan) -> None:
    wait_s = facts.backoff_s(found) if found is not None else 0.0
    if wait_s > 0:
        plan.waiting[name] = wait_s
    else:
        plan.start.append(name)


def _all_done(pod: core_v1.Pod, policy: str, inside: list[Container]) -> bool:
    """Every container has ended and none shall start again: the pod has a final phase."""
    latest = [(c, newest(inside, c.name or "")) for c in pod.spec.containers or ()]
    return all(found is not None and found.exited and not restarts(c, policy, found.exit_code) for c, found in latest)


def find_container(pod: core_v1.Pod, name: str) -> core_v1.Container | None:
    """A container of any sort by its name; an ephemeral one in a container's form."""
    ordinary: list[core_v1.Container] = [*(pod.spec.init_containers or ()), *(pod.spec.containers or ())]
    for container in ordinary:
        if container.name == name:
            return container
    for extra in pod.spec.ephemeral_containers or ():
        if extra.name == name:
            converted: core_v1.Container = msgspec.convert(extra, core_v1.Container, from_attributes=True)
            return converted
    return None
