"""Quality of service: which pods are evicted last."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api import quantity


def qos_class(spec: Any) -> str:
    """Guaranteed, Burstable or BestEffort by the containers' requests and limits of cpu and memory; by the pod's own where it has some."""
    if spec.resources is not None and (spec.resources.requests or spec.resources.limits):
        holders = [spec.resources]
    else:
        holders = [container.resources for container in [*(spec.containers or ()), *(spec.init_containers or ())]]
    guaranteed, any_set = True, False
    for resources in holders:
        requests = (resources.requests if resources else None) or {}
        limits = (resources.limits if resources else None) or {}
        for name in ("cpu", "memory"):
            limit, asked = _amount(limits.get(name)), _amount(requests.get(name, limits.get(name)))
            any_set = any_set or bool(limit) or bool(asked)
            guaranteed = guaranteed and bool(limit) and limit == asked
    return "Guaranteed" if guaranteed and any_set else "Burstable" if any_set else "BestEffort"


def _amount(value: Any) -> Any:
    try:
        return quantity.parse(value) if value is not None else None
    except quantity.QuantityError:
        # Validation refuses the pod; its class is then nobody's business.
        return None
