"""What a Job's podFailurePolicy says of a failed pod, and whether its successPolicy is met. Pure; messages are upstream's."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from provisioner.kube.api._generated import batch_v1, core_v1
from provisioner.kube.controllers import job_indexes


@dataclass(frozen=True)
class Verdict:
    """`action` is Ignore, Count, FailIndex, FailJob, or empty where no rule speaks of the pod; `message` is FailJob's."""

    action: str = ""
    message: str = ""

    @property
    def counts(self) -> bool:
        return self.action != "Ignore"


def verdict(policy: batch_v1.PodFailurePolicy | None, pod: core_v1.Pod) -> Verdict:
    """The first rule that matches."""
    if pod.status.phase != "Failed":
        return Verdict()
    for number, rule in enumerate((policy.rules if policy is not None else None) or ()):
        where, action = f"{pod.metadata.namespace}/{pod.metadata.name}", rule.action or ""
        if rule.on_exit_codes is not None:
            status = _by_exit_code(rule.on_exit_codes, pod)
            if status is not None:
                code = status.state.terminated.exit_code if status.state is not None and status.state.terminated is not None else 0
                text = f"Container {status.name} for pod {where} failed with exit code {code} matching {action} rule at index {number}"
                return Verdict(action, text)
        else:
            condition = _by_condition(rule.on_pod_conditions or [], pod)
            if condition is not None:
                return Verdict(action, f"Pod {where} has condition {condition.type} matching {action} rule at index {number}")
    return Verdict()


def _by_exit_code(asked: batch_v1.PodFailurePolicyOnExitCodesRequirement, pod: core_v1.Pod) -> core_v1.ContainerStatus | None:
    for status in [*(pod.status.container_statuses or ()), *(pod.status.init_container_statuses or ())]:
        ended = status.state.terminated if status.state is not None else None
        if ended is None or not ended.exit_code or asked.container_name not in (None, status.name):
            continue
        listed = ended.exit_code in (asked.values or ())
        if listed is (asked.operator == "In"):
            found: core_v1.ContainerStatus = status
            return found
    return None


def _by_condition(patterns: list[batch_v1.PodFailurePolicyOnPodConditionsPattern], pod: core_v1.Pod) -> core_v1.PodCondition | None:
    for condition in pod.status.conditions or ():
        if any(p.type == condition.type and (p.status or "True") == condition.status for p in patterns):
            return condition
    return None


def success(policy: batch_v1.SuccessPolicy | None, completions: int, done: Set[int]) -> str | None:
    """The message of the first rule that the finished indexes meet."""
    for number, rule in enumerate((policy.rules if policy is not None else None) or ()):
        if rule.succeeded_indexes is not None:
            asked = job_indexes.parse(rule.succeeded_indexes, completions)
            met = len(asked & done) >= (len(asked) if rule.succeeded_count is None else rule.succeeded_count)
        else:
            met = rule.succeeded_count is not None and len(done) >= rule.succeeded_count
        if met:
            return f"Matched rules at index {number}"
    return None
