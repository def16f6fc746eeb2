"""Tables of what extends and guards the API server: webhooks, admission policies, aggregated services, priority levels."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from provisioner.kube.api._generated import meta_v1
from provisioner.kube.api.meta import condition
from provisioner.kube.api.tables.columns import NONE, UNSET, Printer, age, columns

ADMISSION = "admissionregistration.k8s.io"
FLOW = "flowcontrol.apiserver.k8s.io"


def _webhooks(obj: Any, now: datetime) -> list[Any]:
    return [obj.metadata.name, len(obj.webhooks or ()), age(obj, now)]


def _param_kind(obj: Any) -> str:
    kind = obj.spec.param_kind
    return f"{kind.api_version}/{kind.kind}" if kind is not None else UNSET


def _validating(obj: Any, now: datetime) -> list[Any]:
    return [obj.metadata.name, len(obj.spec.validations or ()), _param_kind(obj), age(obj, now)]


def _mutating(obj: Any, now: datetime) -> list[Any]:
    return [obj.metadata.name, len(obj.spec.mutations or ()), _param_kind(obj), age(obj, now)]


def _go_text(found: meta_v1.LabelSelector) -> str:
    """A selector as the text that Go's generated code makes of it, which upstream shows."""
    labels = "".join(f"{key}: {value}," for key, value in sorted((found.match_labels or {}).items()))
    needs = "".join(
        f"LabelSelectorRequirement{{Key:{need.key},Operator:{need.operator},Values:[{' '.join(need.values or ())}],}},"
        for need in found.match_expressions or ()
    )
    return f"&LabelSelector{{MatchLabels:map[string]string{{{labels}}},MatchExpressions:[]LabelSelectorRequirement{{{needs}}},}}"


def _binding(obj: Any, now: datetime) -> list[Any]:
    ref = obj.spec.param_ref
    shown = UNSET
    if ref is not None and ref.name:
        shown = f"{ref.namespace or '*'}/{ref.name}"
    elif ref is not None and ref.selector is not None:
        shown = _go_text(ref.selector)
    return [obj.metadata.name, obj.spec.policy_name or "", shown, age(obj, now)]


def _api_service(obj: Any, now: datetime) -> list[Any]:
    target = obj.spec.service
    available = condition(obj.status.conditions, "Available")
    shown = "Unknown"
    if available is not None:
        shown = "True" if available.status == "True" else f"{available.status} ({available.reason})"
    return [obj.metadata.name, "Local" if target is None else f"{target.namespace}/{target.name}", shown, age(obj, now)]


def _flow_schema(obj: Any, now: datetime) -> list[Any]:
    spec = obj.spec
    dangling = condition(obj.status.conditions, "Dangling")
    return [
        obj.metadata.name,
        spec.priority_level_configuration.name if spec.priority_level_configuration is not None else "",
        spec.matching_precedence or 0,
        spec.distinguisher_method.type if spec.distinguisher_method is not None else NONE,
        age(obj, now),
        "?" if dangling is None else dangling.status,
    ]


def _level(obj: Any, now: datetime) -> list[Any]:
    limited = obj.spec.limited
    shares: int | str = NONE
    queues, hand, length = shares, shares, shares
    if limited is not None:
        shares = limited.nominal_concurrency_shares or 0
        queuing = limited.limit_response.queuing if limited.limit_response is not None else None
        if queuing is not None:
            queues, hand, length = queuing.queues or 0, queuing.hand_size or 0, queuing.queue_length_limit or 0
    return [obj.metadata.name, obj.spec.type or "", shares, queues, hand, length, age(obj, now)]


_WEBHOOKS = Printer(columns("Name", "Webhooks:integer", "Age"), _webhooks)
_BINDINGS = Printer(columns("Name", "PolicyName", "ParamRef", "Age"), _binding)

PRINTERS = {
    (ADMISSION, "ValidatingWebhookConfiguration"): _WEBHOOKS,
    (ADMISSION, "MutatingWebhookConfiguration"): _WEBHOOKS,
    (ADMISSION, "ValidatingAdmissionPolicy"): Printer(columns("Name", "Validations:integer", "ParamKind", "Age"), _validating),
    (ADMISSION, "MutatingAdmissionPolicy"): Printer(columns("Name", "Mutations:integer", "ParamKind", "Age"), _mutating),
    (ADMISSION, "ValidatingAdmissionPolicyBinding"): _BINDINGS,
    (ADMISSION, "MutatingAdmissionPolicyBinding"): _BINDINGS,
    ("apiregistration.k8s.io", "APIService"): Printer(columns("Name", "Service", "Available", "Age"), _api_service),
    (FLOW, "FlowSchema"): Printer(
        columns("Name", "PriorityLevel", "MatchingPrecedence", "DistinguisherMethod", "Age", "MissingPL"),
        _flow_schema,
        # Requests are matched in this order.
        lambda obj: (obj.spec.matching_precedence or 0, obj.metadata.name),
    ),
    (FLOW, "PriorityLevelConfiguration"): Printer(
        columns("Name", "Type", "NominalConcurrencyShares", "Queues", "HandSize", "QueueLengthLimit", "Age"), _level
    ),
}
