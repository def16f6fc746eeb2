"""pods/binding and pods/eviction."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api import codec, errors
from provisioner.kube.api._generated import core_v1, meta_v1, policy_v1
from provisioner.kube.api.intstr import scaled
from provisioner.kube.api.meta import rfc3339
from provisioner.kube.api.selectors import from_struct
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.rest import Rest
from provisioner.kube.client.clock import Clock
from provisioner.kube.storage.cache import Entry

SUCCESS = b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":201}'


def decoded(cls: type[Any], document: Any) -> Any:
    """A body as its kind. Raises 400."""
    try:
        return codec.decode_dict(cls, document)
    except codec.DecodeError as error:
        raise errors.bad_request(str(error)) from error


async def bind(rest: Rest, kind: Kind, call: Call, document: Any, clock: Clock) -> bytes:
    """Give a pod its node. Raises 409 where it has one already."""
    binding = decoded(core_v1.Binding, document)
    target = binding.target
    if target is None or not target.name:
        raise errors.invalid("Binding", call.target.name, [errors.required("target.name")])

    async def assign(pod: core_v1.Pod, _: Entry) -> core_v1.Pod:
        if binding.metadata.uid and binding.metadata.uid != pod.metadata.uid:
            raise errors.conflict(
                "pods/binding",
                call.target.name,
                f"Precondition failed: UID in precondition: {binding.metadata.uid}, UID in object meta: {pod.metadata.uid}",
            )
        if pod.metadata.deletion_timestamp is not None:
            raise errors.conflict(
                "pods/binding", call.target.name, f"pod {call.target.name} is being deleted, cannot be assigned to a host"
            )
        if pod.spec.node_name:
            raise errors.conflict(
                "pods/binding",
                call.target.name,
                f"pod {call.target.name} is already assigned to node {pod.spec.node_name!r}".replace("'", '"'),
            )
        pod.spec.node_name = target.name
        pod.metadata.annotations = {**(pod.metadata.annotations or {}), **(binding.metadata.annotations or {})} or None
        condition = core_v1.PodCondition(type="PodScheduled", status="True", last_transition_time=rfc3339(clock.now()))
        pod.status.conditions = [*(c for c in pod.status.conditions or () if c.type != "PodScheduled"), condition]
        return pod

    await rest.change_whole(kind, call, assign)
    return SUCCESS


async def evict(rest: Rest, kind: Kind, call: Call, document: Any, budgets: Kind, clock: Clock) -> bytes:
    """Delete a pod if the disruption budgets that select it allow. Raises 429 where they don't."""
    eviction = decoded(policy_v1.Eviction, document)
    await rest.cache.fresh()
    pod = kind.load(rest.entry(kind, call.target.namespace, call.target.name).data)
    ready = any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions or ())
    if pod.status.phase in ("Pending", "Running") and ready and pod.metadata.deletion_timestamp is None:
        for entry in list(rest.cache.collection(budgets.stored_as).page(f"{call.target.namespace}/", "")):
            budget = budgets.load(entry.data)
            if from_struct(budget.spec.selector).matches(pod.metadata.labels) and not call.dry_run:
                await _spend(rest, budgets, call, budget, pod.metadata.name or "", rfc3339(clock.now()))
    await rest.delete(kind, call, eviction.delete_options or meta_v1.DeleteOptions())
    return SUCCESS


async def _spend(rest: Rest, budgets: Kind, call: Call, budget: policy_v1.PodDisruptionBudget, pod: str, now: str) -> None:
    if (budget.status.disruptions_allowed or 0) <= 0:
        wanted = (
            scaled(budget.spec.min_available, budget.status.expected_pods or 0, round_up=True)
            if budget.spec.min_available is not None
            else None
        )
        error = errors.too_many_requests("Cannot evict pod as it would violate the pod's disruption budget.", 10)
        need = f"needs {wanted or budget.status.desired_healthy or 0} healthy pods and has {budget.status.current_healthy or 0} currently"
        error.details["causes"] = [{"reason": "DisruptionBudget", "message": f"The disruption budget {budget.metadata.name} {need}"}]
        raise error

    async def take(current: policy_v1.PodDisruptionBudget, _: Entry) -> policy_v1.PodDisruptionBudget:
        current.status.disruptions_allowed = (current.status.disruptions_allowed or 0) - 1
        # Who counts healthy pods before this one is seen going must not count it.
        current.status.disrupted_pods = {**(current.status.disrupted_pods or {}), pod: now}
        return current

    from dataclasses import replace

    target = replace(
        call.target,
        group="policy",
        version="v1",
        resource="poddisruptionbudgets",
        name=budget.metadata.name or "",
        subresource="status",
        verb="update",
    )
    await rest.change(budgets, Call(call.user, target), take)
