"""Kinds that make pods: their selector matches their template and never changes; how they roll out makes sense."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from provisioner.kube.api import errors
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.selectors import SelectorError, from_struct
from provisioner.kube.api.validation import checks, pod
from provisioner.kube.api.validation.checks import forbidden_change, is_nothing, needed, not_negative
from provisioner.kube.api.validation.metadata import annotation_map
from provisioner.kube.api.validation.storage import claim_spec

STRATEGIES = ("Recreate", "RollingUpdate")
# Which kind an empty selector is said to be invalid for.
_EMPTY = {"DaemonSet": "daemonset", "StatefulSet": "statefulset"}


def create(obj: Any) -> list[FieldError]:
    kind = type(obj).KIND
    if kind == "PodTemplate":
        return template(obj.template, "template", {})
    if kind == "ControllerRevision":
        return needed("data", obj.data, "data is mandatory") + not_negative("revision", obj.revision)
    spec = obj.spec
    rules = _ORDER.get(kind, (_NUMBERS, ()))
    if kind == "ReplicationController":
        return [problem for rule in rules[0] for problem in _rule(rule, spec)] + _controller(spec)
    own = spec.template.metadata.labels if spec.template.metadata is not None else None
    problems = [problem for rule in rules[0] for problem in _rule(rule, spec)]
    problems += selector(spec, own, kind) + template(_with_claims(spec), "spec.template", own or {})
    if spec.template.spec is not None:
        problems += _always_running(spec.template.spec, kind)
    return problems + [problem for rule in rules[1] for problem in _rule(rule, spec)]


def _controller(spec: Any) -> list[FieldError]:
    template_of = spec.template
    own = (template_of.metadata.labels if template_of is not None and template_of.metadata is not None else None) or {}
    chosen = selector(spec, own, "ReplicationController") if template_of is not None else needed("spec.selector", spec.selector)
    wanted = [problem for problem in chosen if problem.field == "spec.selector"] + _rule("replicas", spec)
    if template_of is None:
        return [*wanted, errors.required("spec.template")]
    wanted += [problem for problem in chosen if problem.field != "spec.selector"] + template(template_of, "spec.template", own)
    return wanted + (_always_running(template_of.spec, "ReplicationController") if template_of.spec is not None else [])


# A number's field, or what looks at more than one.
Rule = str | Callable[[Any], list[FieldError]]
_ATTRIBUTES = {
    "replicas": "replicas",
    "minReadySeconds": "min_ready_seconds",
    "revisionHistoryLimit": "revision_history_limit",
    "progressDeadlineSeconds": "progress_deadline_seconds",
}


def _rule(rule: Rule, spec: Any) -> list[FieldError]:
    return not_negative(f"spec.{rule}", getattr(spec, _ATTRIBUTES[rule])) if isinstance(rule, str) else rule(spec)


def _with_claims(spec: Any) -> Any:
    """The template as pods are made of it: a StatefulSet's claim templates are volumes of each, in place of those of the same name."""
    claims = [c.metadata.name for c in getattr(spec, "volume_claim_templates", None) or ()]
    if not claims or spec.template.spec is None:
        return spec.template
    made = [
        core_v1.Volume(name=name, persistent_volume_claim=core_v1.PersistentVolumeClaimVolumeSource(claim_name=name)) for name in claims
    ]
    kept = [volume for volume in spec.template.spec.volumes or () if volume.name not in claims]
    of_pod = msgspec.structs.replace(spec.template.spec, volumes=[*made, *kept])
    return msgspec.structs.replace(spec.template, spec=of_pod)


def template(found: Any, path: str, own: dict[str, str]) -> list[FieldError]:
    """A pod template at a path."""
    if found is None or found.spec is None:
        return [errors.required(f"{path}.spec")]
    problems = checks.label_map(f"{path}.labels", own)
    if found.metadata is not None:
        problems += annotation_map(found.metadata.annotations, f"{path}.annotations")
    if found.spec.ephemeral_containers:
        problems.append(errors.forbidden_field(f"{path}.spec.ephemeralContainers", "ephemeral containers not allowed in pod template"))
    return problems + pod.spec(found.spec, f"{path}.spec")


def _always_running(spec: Any, kind: str) -> list[FieldError]:
    path = "spec.template.spec"
    problems = []
    if spec.restart_policy and spec.restart_policy != "Always":
        problems.append(errors.not_supported(f"{path}.restartPolicy", spec.restart_policy, ("Always",)))
    if spec.active_deadline_seconds is not None:
        holder = "ReplicaSet" if kind == "Deployment" else kind
        problems.append(errors.forbidden_field(f"{path}.activeDeadlineSeconds", f"activeDeadlineSeconds in {holder} is not Supported"))
    return problems


def selector(spec: Any, own: dict[str, str] | None, kind: str) -> list[FieldError]:
    """The selector selects something, and the template's own pods."""
    found = spec.selector
    told = f"Invalid value: {errors.shown(own) if own else 'null'}: `selector` does not match template `labels`"
    unmatched = FieldError("FieldValueInvalid", "spec.template.metadata.labels", told)
    own = own or {}
    if found is None and kind == "DaemonSet":
        return [unmatched]
    if found is None or found == {}:
        # A selector that is not there selects nothing; an empty map of a ReplicationController, everything.
        return [errors.required("spec.selector"), *([] if kind == "ReplicationController" else [unmatched])]
    if isinstance(found, dict):
        matches = all(own.get(key) == value for key, value in found.items())
    else:
        problems = checks.label_selector("spec.selector", found)
        if problems:
            return problems
        try:
            parsed = from_struct(found)
        except SelectorError as error:
            return [errors.invalid_value("spec.selector", found, str(error))]
        if parsed.everything and kind != "Job":
            return [errors.invalid_value("spec.selector", found, f"empty selector is invalid for {_EMPTY.get(kind, 'deployment')}")]
        matches = parsed.matches(own)
    return [] if matches else [unmatched]


def _strategy(spec: Any) -> list[FieldError]:
    problems: list[FieldError] = []
    strategy, path = spec.strategy, "spec.strategy"
    if strategy is not None:
        if strategy.type not in STRATEGIES:
            problems.append(errors.not_supported(path, strategy, STRATEGIES))
        if strategy.type == "Recreate" and strategy.rolling_update is not None:
            message = "may not be specified when strategy `type` is 'Recreate'"
            problems.append(errors.forbidden_field(f"{path}.rollingUpdate", message))
        elif strategy.type == "RollingUpdate":
            problems += _rolling(strategy.rolling_update, f"{path}.rollingUpdate")
    return problems


def _deadline(spec: Any) -> list[FieldError]:
    problems: list[FieldError] = []
    deadline_s = spec.progress_deadline_seconds
    if deadline_s is not None and deadline_s <= (spec.min_ready_seconds or 0):
        problems.append(errors.invalid_value("spec.progressDeadlineSeconds", deadline_s, "must be greater than minReadySeconds"))
    return problems


def _rolling(found: Any, path: str) -> list[FieldError]:
    if found is None:
        return [errors.required(path, "this should be defaulted and never be nil")]
    problems = checks.count_or_percent(f"{path}.maxUnavailable", found.max_unavailable)
    problems += checks.count_or_percent(f"{path}.maxSurge", found.max_surge)
    if is_nothing(found.max_unavailable) and is_nothing(found.max_surge):
        problems.append(errors.invalid_value(f"{path}.maxUnavailable", found.max_unavailable, "may not be 0 when `maxSurge` is 0"))
    return problems + checks.at_most_all(f"{path}.maxUnavailable", found.max_unavailable)


def _daemonset(spec: Any) -> list[FieldError]:
    strategy, path = spec.update_strategy, "spec.updateStrategy"
    if strategy is None:
        return []
    if strategy.type not in ("RollingUpdate", "OnDelete"):
        return [errors.not_supported(path, strategy, ("RollingUpdate", "OnDelete"))]
    found, where = strategy.rolling_update, f"{path}.rollingUpdate"
    if strategy.type == "OnDelete":
        return []
    if found is None:
        return [errors.required(where)]
    problems = checks.count_or_percent(f"{where}.maxUnavailable", found.max_unavailable)
    problems += checks.count_or_percent(f"{where}.maxSurge", found.max_surge)
    problems += checks.at_most_all(f"{where}.maxUnavailable", found.max_unavailable)
    problems += checks.at_most_all(f"{where}.maxSurge", found.max_surge)
    if is_nothing(found.max_unavailable) and is_nothing(found.max_surge):
        problems.append(errors.required(f"{where}.maxUnavailable", "cannot be 0 when maxSurge is 0"))
    elif not is_nothing(found.max_unavailable) and not is_nothing(found.max_surge):
        problems.append(errors.invalid_value(f"{where}.maxSurge", found.max_surge, "may not be set when maxUnavailable is non-zero"))
    return problems


def _statefulset(spec: Any) -> list[FieldError]:
    problems, path = needed("spec.podManagementPolicy", spec.pod_management_policy), "spec.updateStrategy"
    if spec.pod_management_policy not in (None, "", "OrderedReady", "Parallel"):
        told = "must be 'OrderedReady' or 'Parallel'"
        problems.append(errors.invalid_value("spec.podManagementPolicy", spec.pod_management_policy, told))
    strategy = spec.update_strategy
    rolling = strategy.rolling_update if strategy is not None else None
    if strategy is None or not strategy.type:
        problems.append(errors.required(path))
    elif strategy.type == "RollingUpdate":
        problems += _partition(rolling, f"{path}.rollingUpdate") if rolling is not None else []
    elif strategy.type != "OnDelete":
        problems.append(errors.invalid_value(path, strategy, "must be 'RollingUpdate' or 'OnDelete'"))
    elif rolling is not None:
        problems.append(errors.invalid_value(f"{path}.rollingUpdate", rolling, "only allowed for updateStrategy 'RollingUpdate'"))
    retention, allowed = spec.persistent_volume_claim_retention_policy, ("Retain", "Delete")
    for name in ("whenDeleted", "whenScaled") if retention is not None else ():
        value = retention.when_deleted if name == "whenDeleted" else retention.when_scaled
        if value not in allowed:
            problems.append(errors.not_supported(f"spec.persistentVolumeClaimRetentionPolicy.{name}", value or "", allowed))
    return problems


def _partition(found: Any, path: str) -> list[FieldError]:
    problems, where = not_negative(f"{path}.partition", found.partition), f"{path}.maxUnavailable"
    problems += checks.count_or_percent(where, found.max_unavailable)
    if is_nothing(found.max_unavailable):
        problems.append(errors.invalid_value(where, found.max_unavailable, "cannot be 0"))
    return problems + checks.at_most_all(where, found.max_unavailable)


def _ordinals(spec: Any) -> list[FieldError]:
    return not_negative("spec.ordinals.start", spec.ordinals.start) if spec.ordinals is not None else []


def _claims(spec: Any) -> list[FieldError]:
    found = enumerate(spec.volume_claim_templates or ())
    return [problem for index, claim in found for problem in claim_spec(claim.spec, f"spec.volumeClaimTemplates[{index}].spec")]


# What of each kind comes before the selector and the template, and what after.
_NUMBERS: tuple[Rule, ...] = ("replicas", "minReadySeconds")
_ORDER: dict[str, tuple[tuple[Rule, ...], tuple[Rule, ...]]] = {
    "Deployment": (("replicas",), (_strategy, "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds", _deadline)),
    "DaemonSet": ((), ("minReadySeconds", _daemonset, "revisionHistoryLimit")),
    "StatefulSet": ((_statefulset, *_NUMBERS, _ordinals), ("revisionHistoryLimit", _claims)),
    "ReplicationController": (("minReadySeconds",), ()),
}


# -- updates ---------------------------------------------------------------------------------------------------------------

_STATEFULSET_MUTABLE = {
    "replicas",
    "ordinals",
    "template",
    "update_strategy",
    "revision_history_limit",
    "persistent_volume_claim_retention_policy",
    "min_ready_seconds",
}
_STATEFULSET_MESSAGE = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
    "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)


def update(new: Any, old: Any) -> list[FieldError]:
    kind = type(new).KIND
    if kind == "ControllerRevision":
        return [] if new.data == old.data else [errors.invalid_value("data", new.data, checks.IMMUTABLE)]
    if kind in ("PodTemplate", "ReplicationController"):
        return []
    if kind == "StatefulSet":
        mine = {n: getattr(new.spec, n) for n in new.spec.__struct_fields__ if n not in _STATEFULSET_MUTABLE}
        # A claim template's status is nobody's wish.
        return forbidden_change("spec", _wishes(mine), _wishes({n: getattr(old.spec, n) for n in mine}), _STATEFULSET_MESSAGE)
    return checks.unchanged("spec.selector", new.spec.selector, old.spec.selector)


def _wishes(fields: dict[str, Any]) -> Any:
    plain = msgspec.to_builtins(fields)
    for claim in plain.get("volume_claim_templates") or ():
        claim.pop("status", None)
    return plain
