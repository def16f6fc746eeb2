"""PodSecurity: pods (and the templates of workloads) against the Pod Security Standards, as the namespace's labels ask.

`enforce` refuses pods, `warn` tells whoever sends pods or workloads, `audit` leaves a note. Source: "Pod Security Admission".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import FieldError, forbidden, invalid, invalid_value
from provisioner.kube.apiserver.admission.chain import Plugin
from provisioner.kube.apiserver.admission.pod_standards import (
    LEVELS,
    SECCOMP_CONTAINER,
    SECCOMP_POD,
    VERSION,
    Finding,
    Judged,
    findings,
)
from provisioner.kube.apiserver.admission.settings import PodSecurityConfiguration
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.storage.cache import WatchCache

PREFIX = "pod-security.kubernetes.io/"
MODES = ("enforce", "audit", "warn")
# Pods that are looked at when a namespace gets stricter: upstream's bound.
PODS_LOOKED_AT = 3000
# Where each workload has its pod template.
_TEMPLATES: dict[str, Callable[[Any], core_v1.Pod | core_v1.PodTemplateSpec | None]] = {
    "core/pods": lambda obj: obj,
    "core/podtemplates": lambda obj: obj.template,
    "batch/cronjobs": lambda obj: obj.spec.job_template.spec.template if obj.spec.job_template else None,
    **{
        kind: lambda obj: obj.spec.template
        for kind in (
            "core/replicationcontrollers",
            "batch/jobs",
            *(f"apps/{p}s" for p in ("deployment", "replicaset", "daemonset", "statefulset")),
        )
    },
}

# A level and a version of the standards.
Policy = tuple[str, str]


class PodSecurity(Plugin):
    """`configuration` has what holds where a namespace says nothing, and who is exempt."""

    name = "PodSecurity"
    kinds = frozenset({"core/namespaces", *_TEMPLATES})

    def __init__(self, cache: WatchCache, configuration: PodSecurityConfiguration | None = None) -> None:
        self._cache, configuration = cache, configuration or PodSecurityConfiguration()
        self._defaults, self._exempt = configuration.defaults.labels(), configuration.exemptions

    async def validate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        if kind.stored_as == "core/namespaces":
            self._namespace(call, new, old)
            return
        is_pod = kind.stored_as == "core/pods"
        if call.target.subresource not in (("", "ephemeralcontainers") if is_pod else ("",)) or self._is_exempt(call):
            return
        namespace = self._cache.collection("core/namespaces").entries.get(call.target.namespace)
        levels = self._levels(namespace.labels if namespace is not None else {})
        template = _TEMPLATES[kind.stored_as](new)
        if template is None or template.spec is None or all(levels[mode][0] == "privileged" for mode in MODES[0 if is_pod else 1 :]):
            return
        if is_pod and old is not None and not _is_significant(new, old):
            return
        if self._has_exempt_runtime(template.spec):
            call.annotations[f"{PREFIX}exempt"] = "runtimeClass"
            return
        self._judge(call, _judged(template), levels, (new.metadata.name or new.metadata.generate_name or "") if is_pod else None)

    def _judge(self, call: Call, judged: Judged, levels: Mapping[str, Policy], pod: str | None) -> None:
        """`pod` is the name of one; None for a template, which is not refused: its pods will be."""
        found = {policy: findings(judged, *policy) for policy in levels.values()}
        if pod is not None:
            call.annotations[f"{PREFIX}enforce-policy"] = ":".join(levels["enforce"])
        if would := found[levels["audit"]]:
            call.annotations[f"{PREFIX}audit-violations"] = f"would violate PodSecurity {_told(levels['audit'], would)}"
        if pod is not None and (does := found[levels["enforce"]]):
            raise forbidden("pods", pod, f"violates PodSecurity {_told(levels['enforce'], does)}")
        if would := found[levels["warn"]]:
            call.warnings.append(f"would violate PodSecurity {_told(levels['warn'], would)}")

    def _is_exempt(self, call: Call) -> bool:
        why = (
            "namespace" if call.target.namespace in self._exempt.namespaces else "user" if call.user.name in self._exempt.usernames else ""
        )
        if why:
            call.annotations[f"{PREFIX}exempt"] = why
        return bool(why)

    def _has_exempt_runtime(self, spec: core_v1.PodSpec) -> bool:
        return bool(spec.runtime_class_name) and spec.runtime_class_name in self._exempt.runtime_classes

    def _levels(self, labels: Mapping[str, str]) -> dict[str, Policy]:
        """mode -> policy. Who enforces what can't be read enforces the strictest; warnings and notes of such are none."""
        found = {}
        for mode in MODES:
            level = labels.get(PREFIX + mode, self._defaults[mode])
            version = labels.get(f"{PREFIX}{mode}-version", self._defaults[f"{mode}-version"])
            unread = "restricted" if mode == "enforce" else "privileged"
            found[mode] = (level if level in LEVELS else unread, version if VERSION.fullmatch(version) else "latest")
        enforced, warned = found["enforce"], found["warn"]
        if f"{PREFIX}warn" not in labels and f"{PREFIX}enforce" in labels and LEVELS.index(enforced[0]) > LEVELS.index(warned[0]):
            found["warn"] = (enforced[0], warned[1] if f"{PREFIX}warn-version" in labels else enforced[1])
        return found

    def _namespace(self, call: Call, new: Obj, old: Obj | None) -> None:
        """Labels must be right; who makes a namespace stricter is told which of its pods would not be let in again."""
        labels, before = new.metadata.labels or {}, (old.metadata.labels if old is not None else None) or {}
        wrong = [error for key, value in labels.items() if before.get(key) != value and (error := _wrong_label(key, value))]
        name = new.metadata.name or ""
        if wrong:
            raise invalid("Namespace", name, wrong)
        if call.target.subresource:
            return
        levels = self._levels(labels)
        wanted, was = levels["enforce"], self._levels(before)["enforce"]
        relaxed = wanted[1] == was[1] and LEVELS.index(wanted[0]) <= LEVELS.index(was[0])
        if old is not None and (wanted[0] == "privileged" or relaxed):
            return
        if name in self._exempt.namespaces:
            said = [f"{mode}={':'.join(levels[mode])}" for mode in MODES if levels[mode][0] != "privileged" and _is_said(labels, mode)]
            if said:
                policy = ", ".join(said)
                call.warnings.append(f'namespace "{name}" is exempt from Pod Security, and the policy ({policy}) will be ignored')
        elif old is not None:
            self._warn_of_pods(call, name, wanted)

    def _warn_of_pods(self, call: Call, namespace: str, wanted: Policy) -> None:
        pods = [codec.decode(core_v1.Pod, entry.data) for entry in self._cache.collection("core/pods").page(f"{namespace}/")]
        pods = _each_controller_first([pod for pod in pods if not self._has_exempt_runtime(pod.spec)])
        found: dict[str, list[str]] = {}
        for pod in pods[:PODS_LOOKED_AT]:
            # As upstream: only what is violated is said, not by which container.
            if reasons := ", ".join(finding.reason for finding in findings(_judged(pod), *wanted)):
                found.setdefault(reasons, []).append(pod.metadata.name or "")
        if len(pods) > PODS_LOOKED_AT:
            call.warnings.append(
                f"new PodSecurity enforce level only checked against the first {PODS_LOOKED_AT} of {len(pods)} existing pods"
            )
        if found:
            call.warnings.append(f'existing pods in namespace "{namespace}" violate the new PodSecurity enforce level "{":".join(wanted)}"')
        call.warnings += sorted(f"{min(names)}{_and_others(len(names) - 1)}: {reasons}" for reasons, names in found.items())


def _judged(template: core_v1.Pod | core_v1.PodTemplateSpec) -> Judged:
    return Judged(template.spec or core_v1.PodSpec(), template.metadata.annotations if template.metadata is not None else None)


def _told(policy: Policy, found: Iterable[Finding]) -> str:
    return f'"{":".join(policy)}": {", ".join(map(str, found))}'


def _and_others(count: int) -> str:
    return f" (and {count} other pod{'s' if count > 1 else ''})" if count else ""


def _is_said(labels: Mapping[str, str], mode: str) -> bool:
    return PREFIX + mode in labels or f"{PREFIX}{mode}-version" in labels


def _each_controller_first(pods: list[core_v1.Pod]) -> list[core_v1.Pod]:
    """One pod of each controller before their others, which are made alike."""
    seen: set[str] = set()
    first: list[core_v1.Pod] = []
    more: list[core_v1.Pod] = []
    for pod in pods:
        owner = next((o.uid or "" for o in pod.metadata.owner_references or () if o.controller), "")
        (more if owner in seen else first).append(pod)
        seen |= {owner} if owner else set()
    return first + more


def _is_significant(new: core_v1.Pod, old: core_v1.Pod) -> bool:
    """Whether an update can change what the standards say of the pod. All else that may change then is no matter of theirs."""

    def images(pod: core_v1.Pod) -> tuple[list[str | None], ...]:
        return [c.image for c in pod.spec.containers or ()], [c.image for c in pod.spec.init_containers or ()]

    def profiles(pod: core_v1.Pod) -> dict[str, str]:
        annotations = pod.metadata.annotations or {}
        return {key: value for key, value in annotations.items() if key == SECCOMP_POD or key.startswith(SECCOMP_CONTAINER)}

    debugging = {c.name: c.image for c in old.spec.ephemeral_containers or ()}
    added = any(debugging.get(c.name) != c.image for c in new.spec.ephemeral_containers or ())
    return added or images(new) != images(old) or profiles(new) != profiles(old)


def _wrong_label(key: str, value: str) -> FieldError | None:
    path = f"metadata.labels[{key}]"
    if key in {PREFIX + mode for mode in MODES} and value not in LEVELS:
        return invalid_value(path, value, f"must be one of {', '.join(LEVELS)}")
    if key in {f"{PREFIX}{mode}-version" for mode in MODES} and value != "latest" and not VERSION.fullmatch(value):
        return invalid_value(path, value, 'must be "latest" or "v1.x"')
    return None
