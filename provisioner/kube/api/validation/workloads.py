"""Kinds that make pods: their selector matches their template and never changes; their numbers are not negative."""

from __future__ import annotations

from typing import Any

import msgspec

from provisioner.kube.api import errors
from provisioner.kube.api.errors import FieldError, shown
from provisioner.kube.api.selectors import SelectorError, from_struct
from provisioner.kube.api.validation import pod
from provisioner.kube.api.validation.metadata import labels


def create(obj: Any) -> list[FieldError]:
    spec, problems = obj.spec, []
    for name in (
        "replicas",
        "minReadySeconds",
        "revisionHistoryLimit",
        "progressDeadlineSeconds",
        "parallelism",
        "completions",
        "backoffLimit",
    ):
        value = getattr(spec, _snake(name), None)
        if value is not None and value < 0:
            problems.append(errors.invalid_value(f"spec.{name}", value, "must be greater than or equal to 0"))
    if spec.template is None or spec.template.spec is None:
        return [*problems, errors.required("spec.template")]
    template = spec.template
    own = (template.metadata.labels if template.metadata is not None else None) or {}
    problems += labels(own, "spec.template.labels")
    if type(obj).KIND != "Job":
        problems += _selector(spec, own)
    problems += pod.spec(template.spec, "spec.template.spec")
    wanted = ("OnFailure", "Never") if type(obj).KIND == "Job" else ("Always",)
    if template.spec.restart_policy not in wanted:
        problems.append(errors.not_supported("spec.template.spec.restartPolicy", template.spec.restart_policy, wanted))
    return problems


def _selector(spec: Any, own: dict[str, str]) -> list[FieldError]:
    selector = spec.selector
    if selector is None or selector == {}:
        return [errors.required("spec.selector")]
    if isinstance(selector, dict):
        matches = all(own.get(key) == value for key, value in selector.items())
    else:
        try:
            parsed = from_struct(selector)
        except SelectorError as error:
            return [errors.invalid_value("spec.selector", msgspec.to_builtins(selector), str(error))]
        if parsed.everything:
            return [errors.invalid_value("spec.selector", {}, "empty selector is invalid for deployment")]
        matches = parsed.matches(own)
    return [] if matches else [errors.invalid_value("spec.template.metadata.labels", own, "`selector` does not match template `labels`")]


def update(new: Any, old: Any) -> list[FieldError]:
    if type(new).KIND == "ReplicationController" or new.spec.selector == old.spec.selector:
        found = []
    else:
        found = [
            FieldError(
                "FieldValueInvalid", "spec.selector", f"Invalid value: {shown(msgspec.to_builtins(new.spec.selector))}: field is immutable"
            )
        ]
    if type(new).KIND == "Job" and new.spec.template != old.spec.template and not old.spec.suspend:
        found.append(errors.invalid_value("spec.template", "", "field is immutable"))
    if type(new).KIND == "StatefulSet":
        frozen = [n for n in new.spec.__struct_fields__ if n not in _STATEFULSET_MUTABLE and getattr(new.spec, n) != getattr(old.spec, n)]
        if frozen:
            message = (
                "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
                "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
            )
            return [errors.forbidden_field("spec", message)]
    return found


_STATEFULSET_MUTABLE = {
    "replicas",
    "ordinals",
    "template",
    "update_strategy",
    "revision_history_limit",
    "persistent_volume_claim_retention_policy",
    "min_ready_seconds",
}


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
