"""Which of a StatefulSet's pods is made, replaced or removed next. Pure.

In order (OrderedReady): one pod at a time, and none while an earlier one isn't available. In parallel: all at once. Replacing by a rolling
update is one at a time, or as many as maxUnavailable says, from the highest number down to the partition. Source: apps/v1 StatefulSet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from provisioner.kube.api._generated import apps_v1, core_v1
from provisioner.kube.api.intstr import scaled
from provisioner.kube.controllers.pods import is_available, is_ready

REVISION = "controller-revision-hash"
_NUMBERED = re.compile(r"(.*)-(0|[1-9][0-9]*)$")


@dataclass(frozen=True)
class Plan:
    """`create` are (ordinal, revision's name); `delete` are (pod, phase it ended in, or None for one that didn't end)."""

    create: tuple[tuple[int, str], ...] = ()
    delete: tuple[tuple[core_v1.Pod, str | None], ...] = ()


@dataclass
class _Draft:
    create: list[tuple[int, str]] = field(default_factory=list)
    delete: list[tuple[core_v1.Pod, str | None]] = field(default_factory=list)

    def plan(self) -> Plan:
        return Plan(tuple(self.create), tuple(self.delete))


def ordinal_of(set_name: str, pod_name: str) -> int | None:
    """The number of a pod that is named as one of the set's."""
    match = _NUMBERED.match(pod_name)
    return int(match[2]) if match and match[1] == set_name else None


def wanted_ordinals(sts: apps_v1.StatefulSet) -> range:
    start = (sts.spec.ordinals.start if sts.spec.ordinals is not None else 0) or 0
    return range(start, start + (1 if sts.spec.replicas is None else sts.spec.replicas))


def partition_of(sts: apps_v1.StatefulSet) -> int:
    strategy = sts.spec.update_strategy
    rolling = strategy.rolling_update if strategy is not None and strategy.type != "OnDelete" else None
    return (rolling.partition if rolling is not None else 0) or 0


def is_rolling(sts: apps_v1.StatefulSet) -> bool:
    return sts.spec.update_strategy is None or sts.spec.update_strategy.type != "OnDelete"


def revision_of(pod: core_v1.Pod) -> str:
    return (pod.metadata.labels or {}).get(REVISION, "")


def _terminating(pod: core_v1.Pod) -> bool:
    return pod.metadata.deletion_timestamp is not None


def _ready(pod: core_v1.Pod) -> bool:
    return pod.status.phase == "Running" and is_ready(pod)


def decide(sts: apps_v1.StatefulSet, pods: dict[int, core_v1.Pod], current: str, update: str, now: datetime) -> Plan:
    """`pods` by ordinal; `current` and `update` are names of revisions."""
    draft, ordered = _Draft(), sts.spec.pod_management_policy != "Parallel"
    wanted = wanted_ordinals(sts)
    if not _fill(sts, pods, current, update, draft, now):
        return draft.plan()
    condemned = [pods[n] for n in sorted((n for n in pods if n not in wanted), reverse=True)]
    min_ready_s = sts.spec.min_ready_seconds or 0
    first_unhealthy = next((pods[n] for n in [*wanted, *sorted(set(pods) - set(wanted))] if n in pods and not _healthy(pods[n])), None)
    for pod in condemned:
        if _terminating(pod):
            if ordered:
                return draft.plan()
            continue
        if ordered and not (_ready(pod) and is_available(pod, min_ready_s, now)) and pod is not first_unhealthy:
            return draft.plan()
        draft.delete.append((pod, None))
        if ordered:
            return draft.plan()
    if is_rolling(sts):
        _roll(sts, pods, update, draft, now)
    return draft.plan()


def _healthy(pod: core_v1.Pod) -> bool:
    return _ready(pod) and not _terminating(pod)


def _fill(sts: apps_v1.StatefulSet, pods: dict[int, core_v1.Pod], current: str, update: str, draft: _Draft, now: datetime) -> bool:
    """Make what is missing and remove what has ended; False where nothing more may be done in this round."""
    ordered = sts.spec.pod_management_policy != "Parallel"
    wanted = wanted_ordinals(sts)
    for number in wanted:
        pod = pods.get(number)
        if pod is None:
            keep = is_rolling(sts) and number < wanted.start + partition_of(sts)
            draft.create.append((number, current if keep else update))
            if ordered:
                return False
            continue
        if pod.status.phase in ("Failed", "Succeeded"):
            if not _terminating(pod):
                draft.delete.append((pod, pod.status.phase))
            return False
        if ordered and (not _healthy(pod) or not is_available(pod, sts.spec.min_ready_seconds or 0, now)):
            return False
    return True


def _roll(sts: apps_v1.StatefulSet, pods: dict[int, core_v1.Pod], update: str, draft: _Draft, now: datetime) -> None:
    wanted = wanted_ordinals(sts)
    least, limit = sts.spec.min_ready_seconds or 0, max_unavailable_of(sts)

    def serves(number: int) -> bool:
        pod = pods.get(number)
        return pod is not None and _healthy(pod) and is_available(pod, least, now)

    missing = sum(not serves(number) for number in wanted) if limit is not None else 0
    for number in reversed(wanted[partition_of(sts) :]):
        pod = pods.get(number)
        outdated = pod is not None and revision_of(pod) != update and not _terminating(pod)
        if limit is None:
            # One at a time; whatever is above it must serve first.
            if outdated and pod is not None:
                draft.delete.append((pod, None))
            if outdated or not serves(number):
                return
        elif outdated and pod is not None and (not serves(number) or missing < limit):
            draft.delete.append((pod, None))
            missing += serves(number)


def max_unavailable_of(sts: apps_v1.StatefulSet) -> int | None:
    """updateStrategy.rollingUpdate.maxUnavailable as pods, at least one; None where it isn't given."""
    rolling = sts.spec.update_strategy.rolling_update if sts.spec.update_strategy is not None else None
    if rolling is None or rolling.max_unavailable is None:
        return None
    return max(1, scaled(rolling.max_unavailable, len(wanted_ordinals(sts)), round_up=True))


def status_of(
    sts: apps_v1.StatefulSet, pods: list[core_v1.Pod], current: str, update: str, collisions: int, now: datetime
) -> apps_v1.StatefulSetStatus:
    """What the pods give; a rolling update that is through makes its revision the current one."""
    live = [p for p in pods if not _terminating(p)]
    ready = sum(_ready(p) for p in pods)
    updated = sum(revision_of(p) == update for p in live)
    if is_rolling(sts) and updated == len(pods) == ready:
        current = update
    return apps_v1.StatefulSetStatus(
        observed_generation=sts.metadata.generation,
        replicas=len(pods),
        ready_replicas=ready or None,
        available_replicas=sum(_ready(p) and is_available(p, sts.spec.min_ready_seconds or 0, now) for p in pods),
        current_replicas=sum(revision_of(p) == current for p in live) or None,
        updated_replicas=updated or None,
        current_revision=current,
        update_revision=update,
        collision_count=collisions,
        conditions=sts.status.conditions,
    )
