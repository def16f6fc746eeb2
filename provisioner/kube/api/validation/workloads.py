"""Kinds that make pods: their selector matches their template and never changes; how they roll out makes sense."""

from __future__ import annotations

from typing import Any

import msgspec

from provisioner.kube.api import errors
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.selectors import SelectorError, from_struct
from provisioner.kube.api.validation import checks, pod
from provisioner.kube.api.validation.checks import forbidden_change, is_nothing, needed, not_negative, one_of
from provisioner.kube.api.validation.storage import claim_spec

STRATEGIES = ("Recreate", "RollingUpdate")
# Which kind an empty selector is said to be invalid for.
_EMPTY = {"DaemonSet": "daemonset", "StatefulSet": "statefulset"}


def create(obj: Any) -> list[FieldError]:
    kind = type(obj).KIND
    if kind == "PodTemplate":
        return template(obj.template, "template", {})
    if kind == "ControllerRevision":
        return not_negative("revision", obj.revision) + needed("data", obj.data, "data is mandatory")
    spec = obj.spec
    before, after = _ORDER.get(kind, (_NUMBERS, ()))
    problems = [problem for name in before for problem in _number(spec, name)]
    if kind == "ReplicationController":
        return problems + _controller(spec)
    own = spec.template.metadata.labels if spec.template.metadata is not None else None
    problems += selector(spec, own, kind) + template(_with_claims(spec), "spec.template", own or {})
    if spec.template.spec is not None:
        problems += _always_running(spec.template.spec, kind)
    own_rules = {"Deployment": _strategy, "DaemonSet": _daemonset, "StatefulSet": _statefulset}.get(kind)
    problems += own_rules(spec) if own_rules is not None else []
    problems += [problem for name in after for problem in _number(spec, name)]
    return problems + (_deadline(spec) if kind == "Deployment" else [])


def _controller(spec: Any) -> list[FieldError]:
    template_of = spec.template
    own = (template_of.metadata.labels if template_of is not None and template_of.metadata is not None else None) or {}
    chosen = selector(spec, own, "ReplicationController") if template_of is not None else needed("spec.selector", spec.selector)
    wanted = [problem for problem in chosen if problem.field == "spec.selector"] + _number(spec, "replicas")
    if template_of is None:
        return [*wanted, errors.required("spec.template")]
    wanted += [problem for problem in chosen if problem.field != "spec.selector"] + template(template_of, "spec.template", own)
    return wanted + (_always_running(template_of.spec, "ReplicationController") if template_of.spec is not None else [])


# The numbers of each kind that come before its template and those that come after.
_NUMBERS = ("replicas", "minReadySeconds")
_ORDER = {
    "Deployment": (("replicas",), ("minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds")),
    "DaemonSet": ((), ("minReadySeconds", "revisionHistoryLimit")),
    "StatefulSet": (("replicas", "minReadySeconds"), ("revisionHistoryLimit",)),
    "ReplicationController": (("minReadySeconds",), ()),
}
_ATTRIBUTES = {
    "replicas": "replicas",
    "minReadySeconds": "min_ready_seconds",
    "revisionHistoryLimit": "revision_history_limit",
    "progressDeadlineSeconds": "progress_deadline_seconds",
}


def _number(spec: Any, name: str) -> list[FieldError]:
    return not_negative(f"spec.{name}", getattr(spec, _ATTRIBUTES[name]))


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
    problems = one_of(f"{path}.type", strategy.type, ("OnDelete", "RollingUpdate"))
    found, where = strategy.rolling_update, f"{path}.rollingUpdate"
    if strategy.type == "RollingUpdate" and found is not None:
        problems += checks.count_or_percent(f"{where}.maxUnavailable", found.max_unavailable)
        problems += checks.count_or_percent(f"{where}.maxSurge", found.max_surge)
        if is_nothing(found.max_unavailable) and is_nothing(found.max_surge):
            problems.append(errors.required(f"{where}.maxUnavailable", "cannot be 0 when maxSurge is 0"))
        elif not is_nothing(found.max_unavailable) and not is_nothing(found.max_surge):
            problems.append(errors.invalid_value(f"{where}.maxSurge", found.max_surge, "may not be set when maxUnavailable is non-zero"))
        problems += checks.at_most_all(f"{where}.maxUnavailable", found.max_unavailable)
        problems += checks.at_most_all(f"{where}.maxSurge", found.max_surge)
    return problems


def _statefulset(spec: Any) -> list[FieldError]:
    problems = one_of("spec.podManagementPolicy", spec.pod_management_policy, ("OrderedReady", "Parallel"))
    strategy = spec.update_strategy
    if strategy is not None:
        problems += one_of("spec.updateStrategy.type", strategy.type, ("OnDelete", "RollingUpdate"))
        if strategy.rolling_update is not None:
            problems += not_negative("spec.updateStrategy.rollingUpdate.partition", strategy.rolling_update.partition)
            if strategy.type == "OnDelete":
                message = "only allowed for updateStrategy 'RollingUpdate'"
                problems.append(errors.invalid_value("spec.updateStrategy.rollingUpdate", strategy.rolling_update, message))
    retention = spec.persistent_volume_claim_retention_policy
    if retention is not None:
        for name, value in (("whenDeleted", retention.when_deleted), ("whenScaled", retention.when_scaled)):
            problems += one_of(f"spec.persistentVolumeClaimRetentionPolicy.{name}", value, ("Delete", "Retain"))
    if spec.ordinals is not None:
        problems += not_negative("spec.ordinals.start", spec.ordinals.start)
    for index, claim in enumerate(spec.volume_claim_templates or ()):
        problems += claim_spec(claim.spec, f"spec.volumeClaimTemplates[{index}].spec")
    return problems


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
