"""What the containers of a pod ask for together (core/v1 PodSpec): sidecars run beside all that starts after them, other init containers alone.

Source: PodRequests and PodLimits of upstream's resource helpers.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from fractions import Fraction

from provisioner.kube.api import quantity
from provisioner.kube.api._generated import core_v1

NOTHING = Fraction(0)


def asked(spec: core_v1.PodSpec, name: str) -> Fraction:
    """What the containers request of one resource."""
    return _of_containers(spec, "requests").get(name, NOTHING)


def whole_pod(spec: core_v1.PodSpec, kind: str) -> dict[str, Fraction]:
    """All that a pod requests or is limited to (`kind`: requests or limits): by its containers, unless it says so for itself, and its overhead."""
    found = _of_containers(spec, kind) | _amounts(spec.resources, kind)
    for name, overhead in (spec.overhead or {}).items():
        if kind == "requests" or name in found:
            found[name] = found.get(name, NOTHING) + quantity.parse(overhead)
    return found


def _of_containers(spec: core_v1.PodSpec, kind: str) -> dict[str, Fraction]:
    beside: dict[str, Fraction] = {}
    most: dict[str, Fraction] = {}
    for container in spec.init_containers or ():
        needed = dict(beside)
        _add(needed, _amounts(container.resources, kind))
        if container.restart_policy == "Always":
            beside = needed
        for name, value in needed.items():
            most[name] = max(most.get(name, value), value)
    for container in spec.containers or ():
        _add(beside, _amounts(container.resources, kind))
    return {name: max(beside.get(name, NOTHING), most.get(name, NOTHING)) for name in beside | most} if most else beside


def _add(total: dict[str, Fraction], more: Mapping[str, Fraction]) -> None:
    for name, value in more.items():
        total[name] = total[name] + value if name in total else value


def _amounts(resources: core_v1.ResourceRequirements | None, kind: str) -> dict[str, Fraction]:
    """What is no quantity counts as nothing, since validation refuses it."""
    given = (resources.requests if kind == "requests" else resources.limits) if resources is not None else None
    found = {}
    for name, value in (given or {}).items():
        with suppress(quantity.QuantityError):
            found[name] = quantity.parse(value)
    return found
