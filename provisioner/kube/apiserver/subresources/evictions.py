"""pods/eviction: a pod is deleted if the disruption budget that selects it lets it go.

Source: policy/v1 Eviction and PodDisruptionBudget (unhealthyPodEvictionPolicy); messages are upstream's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from provisioner.kube.api import errors
from provisioner.kube.api._generated import core_v1, meta_v1, policy_v1
from provisioner.kube.api.meta import condition, rfc3339
from provisioner.kube.api.selectors import from_struct
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.rest import Rest
from provisioner.kube.apiserver.subresources.bodies import EVICTION
from provisioner.kube.client.clock import Clock
from provisioner.kube.storage.cache import Entry

SUCCESS = b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":201}'
# Evictions that a budget's controller has not seen yet, at most.
MAX_UNCONFIRMED = 2000
REFUSAL = "Cannot evict pod as it would violate the pod's disruption budget."
# What is told to wait for the controller, in seconds.
BEHIND_RETRY_S = 10


async def evict(rest: Rest, kind: Kind, call: Call, document: Any, budgets: Kind, clock: Clock) -> bytes:
    """Raises 429 where the budget has nothing left, 500 where several budgets select the pod."""
    if isinstance(document, dict) and document.get("apiVersion") == "policy/v1beta1":
        # The older version's Eviction is taken to this day, and says the same.
        document = {**document, "apiVersion": "policy/v1"}
    eviction: policy_v1.Eviction = rest.decoded(EVICTION, call, document)
    name, namespace = call.target.name, call.target.namespace
    if (eviction.metadata.name or name) != name:
        raise errors.bad_request("name in URL does not match name in Eviction object")
    eviction.metadata.name, eviction.metadata.namespace = name, namespace
    options = eviction.delete_options or meta_v1.DeleteOptions()
    call.dry_run = call.dry_run or bool(options.dry_run)
    await rest.cache.fresh()
    pod: core_v1.Pod = kind.load(rest.entry(kind, namespace, name).data)
    await rest.admission.mutate(call, EVICTION, eviction, None)
    await rest.admission.validate(call, EVICTION, eviction, None)
    if not is_free(pod):
        found = [budgets.load(e.data) for e in list(rest.cache.collection(budgets.stored_as).page(f"{namespace}/", ""))]
        budget = budget_of(pod, found)
        if budget is not None and needs_budget(pod, budget):
            await _spend(rest, budgets, call, budget, name, clock.now())
    if not call.dry_run and pod.metadata.deletion_timestamp is None:
        await _tell(rest, kind, call, rfc3339(clock.now()))
    await rest.delete(kind, _as(call, "delete", ""), options)
    return SUCCESS


def is_free(pod: core_v1.Pod) -> bool:
    """Whether nobody counts on the pod: it has ended, never began, or goes anyway."""
    return pod.status.phase in ("Succeeded", "Failed", "Pending") or pod.metadata.deletion_timestamp is not None


def budget_of(pod: core_v1.Pod, budgets: Iterable[policy_v1.PodDisruptionBudget]) -> policy_v1.PodDisruptionBudget | None:
    """The one that selects the pod. Raises 500 where there are several."""
    labels = pod.metadata.labels or {}
    found = [b for b in budgets if from_struct(b.spec.selector).matches(labels)]
    if len(found) > 1:
        message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        raise errors.StatusError(500, "", message)
    return found[0] if found else None


def needs_budget(pod: core_v1.Pod, budget: policy_v1.PodDisruptionBudget) -> bool:
    """Whether the eviction is a disruption: a pod that is not ready may go where its policy says so, or where enough others are healthy."""
    ready = condition(pod.status.conditions, "Ready")
    if ready is not None and ready.status == "True":
        return True
    if budget.spec.unhealthy_pod_eviction_policy == "AlwaysAllow":
        return False
    wanted = budget.status.desired_healthy or 0
    return not (wanted > 0 and (budget.status.current_healthy or 0) >= wanted)


def refusal(budget: policy_v1.PodDisruptionBudget) -> errors.StatusError | None:
    """Why the budget allows no disruption now."""
    name, status = budget.metadata.name or "", budget.status
    if (status.observed_generation or 0) < (budget.metadata.generation or 0):
        return _too_many(f"The disruption budget {name} is still being processed by the server.", BEHIND_RETRY_S)
    left = status.disruptions_allowed or 0
    if left < 0:
        return errors.forbidden("poddisruptionbudgets", name, "pdb disruptions allowed is negative", "policy")
    if len(status.disrupted_pods or ()) > MAX_UNCONFIRMED:
        message = "DisruptedPods map too big - too many evictions not confirmed by PDB controller"
        return errors.forbidden("poddisruptionbudgets", name, message, "policy")
    if left > 0:
        return None
    allowed = condition(status.conditions, "DisruptionAllowed")
    if allowed is not None and allowed.status == "False" and allowed.reason == "SyncFailed":
        return _too_many(
            f"The disruption budget {name} does not allow evicting pods currently because it failed sync: {allowed.message}", 0
        )
    return _too_many(
        f"The disruption budget {name} needs {status.desired_healthy or 0} healthy pods and has {status.current_healthy or 0} currently", 0
    )


def _too_many(cause: str, retry_s: int) -> errors.StatusError:
    error = errors.too_many_requests(REFUSAL, retry_s)
    if not retry_s:
        del error.details["retryAfterSeconds"]
    error.details["causes"] = [{"reason": "DisruptionBudget", "message": cause}]
    return error


async def _spend(rest: Rest, budgets: Kind, call: Call, budget: policy_v1.PodDisruptionBudget, pod: str, now: datetime) -> None:
    """Take one disruption from the budget."""

    async def take(current: policy_v1.PodDisruptionBudget, _: Entry) -> policy_v1.PodDisruptionBudget:
        refused = refusal(current)
        if refused is not None:
            raise refused
        status = current.status
        status.disruptions_allowed = (status.disruptions_allowed or 0) - 1
        if status.disruptions_allowed == 0:
            _exhausted(current, now)
        # Who counts healthy pods before this one is seen going must not count it.
        status.disrupted_pods = {**(status.disrupted_pods or {}), pod: rfc3339(now)}
        return current

    own = replace(call.target, group="policy", version="v1", resource="poddisruptionbudgets", name=budget.metadata.name or "")
    await rest.change_whole(budgets, Call(call.user, replace(own, subresource="status", verb="update"), dry_run=call.dry_run), take)


def _exhausted(budget: policy_v1.PodDisruptionBudget, now: datetime) -> None:
    made = meta_v1.Condition(
        type="DisruptionAllowed",
        status="False",
        reason="InsufficientPods",
        message="",
        last_transition_time=rfc3339(now),
        observed_generation=budget.status.observed_generation,
    )
    before = condition(budget.status.conditions, "DisruptionAllowed")
    if before is not None and before.status == made.status:
        made.last_transition_time = before.last_transition_time
    budget.status.conditions = [*(c for c in budget.status.conditions or () if c.type != made.type), made]


async def _tell(rest: Rest, kind: Kind, call: Call, now: str) -> None:
    """The pod's own status says why it goes."""

    async def told(pod: core_v1.Pod, _: Entry) -> core_v1.Pod:
        made = core_v1.PodCondition(
            type="DisruptionTarget",
            status="True",
            reason="EvictionByEvictionAPI",
            message="Eviction API: evicting",
            last_transition_time=now,
            observed_generation=pod.metadata.generation,
        )
        pod.status.conditions = [*(c for c in pod.status.conditions or () if c.type != made.type), made]
        return pod

    await rest.change_whole(kind, _as(call, "update", "status"), told)


def _as(call: Call, verb: str, subresource: str) -> Call:
    return replace(call, target=replace(call.target, verb=verb, subresource=subresource))
