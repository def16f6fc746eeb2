"""How a Deployment's replica sets share its replicas: rolling, recreating, scaling in proportion. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.kube.api._generated import apps_v1
from provisioner.kube.api.intstr import scaled

DESIRED = "deployment.kubernetes.io/desired-replicas"
MAX = "deployment.kubernetes.io/max-replicas"
REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"


@dataclass(frozen=True)
class Bounds:
    """The most pods there may be beyond the wanted ones, and the most of the wanted ones that may be missing."""

    surge: int
    unavailable: int


def bounds_of(deployment: apps_v1.Deployment) -> Bounds:
    """Percentages of the replicas, surge rounded up and unavailable down; both 0 would never move, so one pod may then be missing."""
    replicas = deployment.spec.replicas or 0
    strategy = deployment.spec.strategy
    if strategy is None or strategy.type != "RollingUpdate" or strategy.rolling_update is None:
        return Bounds(0, 0)
    surge = scaled(strategy.rolling_update.max_surge, replicas, round_up=True)
    unavailable = scaled(strategy.rolling_update.max_unavailable, replicas, round_up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return Bounds(surge, min(unavailable, replicas) if replicas else unavailable)


def wanted_of(rs: apps_v1.ReplicaSet) -> int:
    return rs.spec.replicas or 0


def available_of(rs: apps_v1.ReplicaSet) -> int:
    return rs.status.available_replicas or 0


def grow_new(deployment: apps_v1.Deployment, new: apps_v1.ReplicaSet, everyone: list[apps_v1.ReplicaSet]) -> int:
    """Replicas of the new set: as many more as the surge allows."""
    replicas = deployment.spec.replicas or 0
    if deployment.spec.strategy is not None and deployment.spec.strategy.type == "Recreate":
        return replicas
    if wanted_of(new) >= replicas:
        return replicas
    room = replicas + bounds_of(deployment).surge - sum(wanted_of(rs) for rs in everyone)
    return wanted_of(new) + max(0, min(room, replicas - wanted_of(new)))


def shrink_old(deployment: apps_v1.Deployment, new: apps_v1.ReplicaSet, old: list[apps_v1.ReplicaSet]) -> dict[str, int]:
    """Replicas of the old sets, by name: unhealthy pods go first, then as many as availability allows, oldest set first."""
    replicas = deployment.spec.replicas or 0
    minimum = replicas - bounds_of(deployment).unavailable
    everyone = [new, *old]
    total = sum(wanted_of(rs) for rs in everyone)
    new_unavailable = wanted_of(new) - available_of(new)
    budget = total - minimum - new_unavailable
    sizes = {rs.metadata.name or "": wanted_of(rs) for rs in old}
    if budget <= 0:
        return sizes
    ordered = sorted(old, key=lambda rs: rs.metadata.creation_timestamp or "")
    for rs in ordered:
        unhealthy = min(max(0, wanted_of(rs) - available_of(rs)), budget)
        sizes[rs.metadata.name or ""] -= unhealthy
        budget -= unhealthy
    spare = sum(available_of(rs) for rs in everyone) - minimum
    for rs in ordered:
        going = min(sizes[rs.metadata.name or ""], max(0, spare))
        sizes[rs.metadata.name or ""] -= going
        spare -= going
    return sizes


def in_proportion(deployment: apps_v1.Deployment, sets: list[apps_v1.ReplicaSet]) -> dict[str, int]:
    """After a scaling in the middle of a rollout: each set with pods grows or shrinks by its share; the leftover goes to the largest."""
    active = [rs for rs in sets if wanted_of(rs) > 0]
    total = sum(wanted_of(rs) for rs in active)
    allowed = (deployment.spec.replicas or 0) + bounds_of(deployment).surge if deployment.spec.replicas else 0
    difference = allowed - total
    sizes = {rs.metadata.name or "": wanted_of(rs) for rs in active}
    added = 0
    ordered = sorted(active, key=lambda rs: (-wanted_of(rs), rs.metadata.creation_timestamp or ""))
    for rs in ordered:
        if difference == 0:
            break
        before = int((rs.metadata.annotations or {}).get(MAX) or (deployment.status.replicas or total or 1))
        share = round(wanted_of(rs) * allowed / before) - wanted_of(rs)
        left = difference - added
        share = max(0, min(share, left)) if difference > 0 else min(0, max(share, left))
        sizes[rs.metadata.name or ""] += share
        added += share
    if ordered and difference != added:
        first = ordered[0].metadata.name or ""
        sizes[first] = max(0, sizes[first] + difference - added)
    return sizes


def is_scaling(deployment: apps_v1.Deployment, sets: list[apps_v1.ReplicaSet]) -> bool:
    """Whether the wanted number has changed since the sets were last sized."""
    for rs in sets:
        noted = (rs.metadata.annotations or {}).get(DESIRED)
        if wanted_of(rs) > 0 and noted is not None and noted != str(deployment.spec.replicas or 0):
            return True
    return False
