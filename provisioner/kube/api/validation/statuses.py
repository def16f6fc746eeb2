"""What controllers and kubelets may write into a status: counts that can be, addresses that can be reached. Each function takes (new, old)."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from provisioner.kube.api import errors, names
from provisioner.kube.api._generated import meta_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.checks import Once, named, not_negative, one_of
from provisioner.kube.api.validation.containers import PROTOCOLS

# Attribute -> field. Those of the first kind count pods of the whole, and are no more than there are.
_PARTS = {
    "fully_labeled_replicas": "fullyLabeledReplicas",
    "updated_replicas": "updatedReplicas",
    "ready_replicas": "readyReplicas",
    "current_replicas": "currentReplicas",
    "available_replicas": "availableReplicas",
}
_COUNTS = {
    "active": "active",
    "collision_count": "collisionCount",
    "current_number_scheduled": "currentNumberScheduled",
    "desired_number_scheduled": "desiredNumberScheduled",
    "failed": "failed",
    "number_available": "numberAvailable",
    "number_misscheduled": "numberMisscheduled",
    "number_ready": "numberReady",
    "number_unavailable": "numberUnavailable",
    "observed_generation": "observedGeneration",
    "ready": "ready",
    "replicas": "replicas",
    "succeeded": "succeeded",
    "terminating": "terminating",
    "terminating_replicas": "terminatingReplicas",
    "unavailable_replicas": "unavailableReplicas",
    "updated_number_scheduled": "updatedNumberScheduled",
    **_PARTS,
}


def counts(new: Any, old: Any) -> list[FieldError]:
    """Of deployments, sets, replication controllers and jobs."""
    status = new.status
    problems: list[FieldError] = []
    for attribute, field in _COUNTS.items():
        problems += not_negative(f"status.{field}", getattr(status, attribute, None))
    collisions, before = (getattr(each.status, "collision_count", None) for each in (new, old))
    if before is not None and (collisions is None or collisions < before):
        problems.append(errors.invalid_value("status.collisionCount", collisions or 0, "cannot be decremented"))
    if not hasattr(status, "ready_replicas"):
        return problems
    whole, ready = status.replicas or 0, status.ready_replicas or 0
    for attribute, field in _PARTS.items():
        value = getattr(status, attribute, None) or 0
        if value > whole:
            problems.append(errors.invalid_value(f"status.{field}", value, "cannot be greater than status.replicas"))
    if (status.available_replicas or 0) > ready:
        # as upstream tells it of each kind
        message = f"cannot be greater than {'status.' if type(new).KIND == 'StatefulSet' else ''}readyReplicas"
        problems.append(errors.invalid_value("status.availableReplicas", status.available_replicas, message))
    return problems


def service(new: Any, old: Any) -> list[FieldError]:
    ingress = (new.status.load_balancer.ingress if new.status.load_balancer is not None else None) or []
    if ingress and new.spec.type != "LoadBalancer" and new.status != old.status:
        return [errors.forbidden_field("status.loadBalancer.ingress", 'may only be used when `spec.type` is "LoadBalancer"')]
    problems = balancer(new, old)
    for index, one in enumerate(ingress):
        where = f"status.loadBalancer.ingress[{index}].ipMode"
        if one.ip and not one.ip_mode:
            problems.append(errors.required(where, "must be specified when `ip` is set"))
        elif one.ip_mode and not one.ip:
            problems.append(errors.forbidden_field(where, "may not be specified when `ip` is not set"))
        elif one.ip_mode:
            problems += one_of(where, one.ip_mode, ("Proxy", "VIP"))
    return problems


def balancer(new: Any, old: Any) -> list[FieldError]:
    """Where a load balancer can be reached, of services and of ingresses."""
    problems: list[FieldError] = []
    given = (new.status.load_balancer.ingress if new.status.load_balancer is not None else None) or []
    for index, one in enumerate(given):
        where = f"status.loadBalancer.ingress[{index}]"
        if one.ip:
            problems += checks.address(f"{where}.ip", one.ip)
        if one.hostname:
            problems += named(f"{where}.hostname", one.hostname, names.is_dns_subdomain)
            if _is_address(one.hostname):
                problems.append(errors.invalid_value(f"{where}.hostname", one.hostname, "must be a DNS name, not an IP address"))
        for number, port in enumerate(getattr(one, "ports", None) or ()):
            problems += checks.port(f"{where}.ports[{number}].port", port.port)
            problems += one_of(f"{where}.ports[{number}].protocol", port.protocol, PROTOCOLS)
    return problems


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def pod(new: Any, old: Any) -> list[FieldError]:
    status = new.status
    problems = named("status.nominatedNodeName", status.nominated_node_name, names.is_dns_subdomain)
    for field, plural, addresses in (("podIP", "podIPs", status.pod_ips), ("hostIP", "hostIPs", status.host_ips)):
        seen = Once()
        for index, address in enumerate(addresses or ()):
            where = f"status.{plural}[{index}]"
            problems += checks.address(where, address.ip) + seen.add(where, address.ip)
        if len(addresses or ()) > 2:
            problems.append(
                errors.invalid_value(
                    f"status.{plural}", [a.ip for a in addresses], f"may specify no more than one {field} for each IP family"
                )
            )
    if old.status.qos_class and status.qos_class != old.status.qos_class:
        problems.append(errors.invalid_value("status.qosClass", status.qos_class or "", checks.IMMUTABLE))
    return problems


_REASON = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?"
_NO_REASON = (
    "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must "
    "end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', "
    f"regex used for validation is '{_REASON}')"
)
MAX_REASON, MAX_MESSAGE = 1024, 32 * 1024


def conditions(found: list[meta_v1.Condition] | None, path: str) -> list[FieldError]:
    """metav1 Conditions: one of each type, with all that belongs to it."""
    problems: list[FieldError] = []
    seen = Once()
    for index, one in enumerate(found or ()):
        where, kind, reason = f"{path}[{index}]", one.type or "", one.reason or ""
        problems += seen.add(f"{where}.type", kind)
        problems += [errors.invalid_value(f"{where}.type", kind, message) for message in names.is_qualified_name(kind)]
        if one.status not in ("False", "True", "Unknown"):
            problems.append(errors.not_supported(f"{where}.status", one.status or "", ("False", "True", "Unknown")))
        if (one.observed_generation or 0) < 0:
            told = "must be greater than or equal to zero"
            problems.append(errors.invalid_value(f"{where}.observedGeneration", one.observed_generation, told))
        problems += checks.needed(f"{where}.lastTransitionTime", one.last_transition_time, "must be set")
        problems += checks.needed(f"{where}.reason", reason, "must be set")
        if reason and not re.fullmatch(_REASON, reason):
            problems.append(errors.invalid_value(f"{where}.reason", reason, _NO_REASON))
        if len(reason) > MAX_REASON:
            problems.append(errors.too_long(f"{where}.reason", MAX_REASON))
        if len(one.message or "") > MAX_MESSAGE:
            problems.append(errors.too_long(f"{where}.message", MAX_MESSAGE))
    return problems
