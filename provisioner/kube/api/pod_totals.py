"""What the containers of a pod ask for together (core/v1 PodSpec): sidecars run beside all that starts after them, other init containers alone."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from provisioner.kube.api import quantity


def asked(spec: Any, name: str) -> Fraction:
    """Of one resource; what is no quantity counts as nothing, since validation refuses it."""
    beside, most = Fraction(0), Fraction(0)
    for one in spec.init_containers or ():
        mine = _of(one, name)
        if one.restart_policy == "Always":
            beside += mine
            most = max(most, beside)
        else:
            most = max(most, beside + mine)
    return max(most, beside + sum((_of(one, name) for one in spec.containers or ()), Fraction(0)))


def _of(one: Any, name: str) -> Fraction:
    given = (one.resources.requests if one.resources is not None else None) or {}
    try:
        return quantity.parse(given[name]) if name in given else Fraction(0)
    except quantity.QuantityError:
        return Fraction(0)
