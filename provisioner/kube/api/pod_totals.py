"""What the containers of a pod ask for together (core/v1 PodSpec): sidecars run beside all that starts after them, other init containers alone.

Source: PodRequests and PodLimits of upstream's resource helpers.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from fractions import Fraction

from provisioner.kube.api import quantity
from provisioner.kube.api._generated import core_v1


def asked(spec: core_v1.PodSpec, name: str) -> Fraction:
    """What the containers request of one resource."""
    return _of_containers(spec, "requests").get(name, Fraction(0))


def whole_pod(spec: core_v1.PodSpec, kind: str) -> dict[str, Fraction]:
    """All that a pod requests or is limited to (`kind`: requests or limits): by its containers, unless it says so for itself, and its overhead."""
    found = _of_containers(spec, kind) | _amounts(spec.resources, kind)
    for name, overhead in (spec.overhead or {}).items():
        if kind == "requests" or name in found:
            found[name] = found.get(name, Fraction(0)) + quantity.parse(overhead)
    return found


def _of_containers(spec: core_v1.PodSpec, kind: str) -> dict[str, Fraction]:
    beside: dict[str, Fraction] = {}
    most: dict[str, Fraction] = {}
    for container in spec.init_containers or ():
        needed = _sum(beside, _amounts(container.resources, kind))
        if container.restart_policy == "Always":
            beside = needed
        most = {name: max(most.get(name, Fraction(0)), needed.get(name, Fraction(0))) for name in most | needed}
    for container in spec.containers or ():
        beside = _sum(beside, _amounts(container.resources, kind))
    return {name: max(beside.get(name, Fraction(0)), most.get(name, Fraction(0))) for name in beside | most}


def _sum(one: Mapping[str, Fraction], other: Mapping[str, Fraction]) -> dict[str, Fraction]:
    return {name: one.get(name, Fraction(0)) + other.get(name, Fraction(0)) for name in {**one, **other}}


def _amounts(resources: core_v1.ResourceRequirements | None, kind: str) -> dict[str, Fraction]:
    """What is no quantity counts as nothing, since validation refuses it."""
    given = (resources.requests if kind == "requests" else resources.limits) if resources is not None else None
    found = {}
    for name, value in (given or {}).items():
        with suppress(quantity.QuantityError):
            found[name] = quantity.parse(value)
    return found
