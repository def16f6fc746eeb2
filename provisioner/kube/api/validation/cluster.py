"""Nodes, priorities, runtime classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from provisioner.kube.api import errors, names
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.checks import Once, one_of, unchanged
from provisioner.kube.api.validation.containers import resources
from provisioner.kube.api.validation.resource_names import wrong_amounts
from provisioner.kube.api.validation.scheduling import TAINT_EFFECTS, tolerations

HIGHEST_USER_PRIORITY = 1_000_000_000
SYSTEM_PRIORITIES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
PREEMPTION = ("PreemptLowerPriority", "Never")


def create(obj: Any) -> list[FieldError]:
    return _CREATE[type(obj).KIND](obj) if type(obj).KIND in _CREATE else []


def always(obj: Any) -> list[FieldError]:
    """Of updates, `update` says all."""
    return []


def status(new: Any, old: Any) -> list[FieldError]:
    return _node_update(new, old) if type(new).KIND == "Node" else []


def update(new: Any, old: Any) -> list[FieldError]:
    return _UPDATE[type(new).KIND](new, old) if type(new).KIND in _UPDATE else []


# -- nodes -----------------------------------------------------------------------------------------------------------------


def _node(obj: core_v1.Node) -> list[FieldError]:
    problems = _taints(obj.spec.taints) + _resources(obj)
    path, cidrs = "spec.podCIDRs", obj.spec.pod_cidrs or []
    for index, cidr in enumerate(cidrs):
        problems += checks.network(f"{path}[{index}]", cidr)
    if len(cidrs) > 2 or (len(cidrs) == 2 and len({":" in cidr for cidr in cidrs}) != 2):
        problems.append(errors.invalid_value(path, cidrs, "may specify no more than one CIDR for each IP family"))
    seen = Once()
    for index, cidr in enumerate(cidrs):
        problems += seen.add(f"{path}[{index}]", cidr)
    return problems


def _taints(taints: list[core_v1.Taint] | None) -> list[FieldError]:
    problems = []
    seen = Once()
    for index, taint in enumerate(taints or ()):
        where = f"metadata.taints[{index}]"
        problems += checks.qualified(f"{where}.key", taint.key or "")
        if wrong := names.is_label_value(taint.value or ""):
            problems.append(errors.invalid_value(f"{where}.value", taint.value, ";".join(wrong)))
        problems += one_of(f"{where}.effect", taint.effect, TAINT_EFFECTS)
        for doubled in seen.add(where, (taint.key, taint.effect), taint):
            problems.append(replace(doubled, message=f"{doubled.message}: taints must be unique by key and effect pair"))
    return problems


def _resources(obj: core_v1.Node) -> list[FieldError]:
    problems = wrong_amounts(obj.status.capacity, "status.capacity")
    return problems + wrong_amounts(obj.status.allocatable, "status.allocatable")


def _node_update(new: core_v1.Node, old: core_v1.Node) -> list[FieldError]:
    """Of a node and of its status: what is there already is looked at where it may have changed."""
    problems = _resources(new)
    seen = Once()
    for index, address in enumerate(new.status.addresses or ()):
        problems += seen.add(f"status.addresses[{index}]", (address.type, address.address), address)
    for name, said, before, mine in (
        ("podCIDRs", "podCIDR", old.spec.pod_cidrs, new.spec.pod_cidrs),
        ("providerID", "providerID", old.spec.provider_id, new.spec.provider_id),
    ):
        if before and mine != before:
            problems.append(errors.forbidden_field(f"spec.{name}", f'node updates may not change {said} except from "" to valid'))
    problems += _taints(new.spec.taints)
    return problems + checks.forbidden_change(
        "spec.externalID", new.spec.external_id or "", old.spec.external_id or "", "may not be updated"
    )


# -- the rest --------------------------------------------------------------------------------------------------------------


def _priority(obj: Any) -> list[FieldError]:
    name, value, problems = obj.metadata.name or "", obj.value or 0, []
    if name.startswith("system-"):
        wrong = _unsystematic(name, value, everybodys=bool(obj.global_default))
        message = f"priority class names with 'system-' prefix are reserved for system use only. error: {wrong}"
        problems += [errors.forbidden_field("metadata.name", message)] if wrong else []
    elif value > HIGHEST_USER_PRIORITY:
        message = f"maximum allowed value of a user defined priority is {HIGHEST_USER_PRIORITY}"
        problems.append(errors.forbidden_field("value", message))
    return problems + one_of("preemptionPolicy", obj.preemption_policy, PREEMPTION, optional=True)


def _unsystematic(name: str, value: int, *, everybodys: bool) -> str:
    """What is wrong with a class that would be one of the system's own."""
    if name not in SYSTEM_PRIORITIES:
        return f"{name} is not a known system priority class"
    if value != SYSTEM_PRIORITIES[name]:
        return f"value of {name} PriorityClass must be {SYSTEM_PRIORITIES[name]}"
    return f"globalDefault of {name} PriorityClass must be false" if everybodys else ""


def _priority_update(new: Any, old: Any) -> list[FieldError]:
    problems = checks.forbidden_change("value", new.value or 0, old.value or 0, "may not be changed in an update.")
    return problems + unchanged("preemptionPolicy", new.preemption_policy, old.preemption_policy)


def _runtime_class(obj: Any) -> list[FieldError]:
    problems = [errors.invalid_value("handler", obj.handler or "", message) for message in names.is_dns_label(obj.handler or "")]
    if obj.overhead is not None:
        # as upstream has it, which takes it for what a container may use
        problems += resources(core_v1.ResourceRequirements(limits=obj.overhead.pod_fixed), "overhead")
    if obj.scheduling is not None:
        problems += checks.label_map("scheduling.nodeSelector", obj.scheduling.node_selector)
        problems += tolerations(obj.scheduling.tolerations, "scheduling.tolerations")
    return problems


def _runtime_class_update(new: Any, old: Any) -> list[FieldError]:
    return unchanged("handler", new.handler, old.handler)


_CREATE: dict[str, Callable[[Any], list[FieldError]]] = {
    "Node": _node,
    "PriorityClass": _priority,
    "RuntimeClass": _runtime_class,
}
_UPDATE: dict[str, Callable[[Any, Any], list[FieldError]]] = {
    "Node": _node_update,
    "PriorityClass": _priority_update,
    "RuntimeClass": _runtime_class_update,
}
