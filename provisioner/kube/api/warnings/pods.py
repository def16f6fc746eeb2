"""Warnings about pods, and about what pods are made from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from provisioner.kube.api import names, quantity
from provisioner.kube.api.errors import shown
from provisioner.kube.api.warnings import node_labels

_ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": 'non-functional in v1.16+; use the "priorityClassName" field instead',
    "security.alpha.kubernetes.io/sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
    "security.alpha.kubernetes.io/unsafe-sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
}
_SECCOMP = 'non-functional in v1.27+; use the "seccompProfile" field instead'
_APP_ARMOR = 'deprecated since v1.30; use the "appArmorProfile" field instead'
# attribute -> (name, what is said of it)
VOLUMES = {
    "photon_persistent_disk": ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    "git_repo": ("gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    "scale_io": ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    "flocker": ("flocker", "deprecated in v1.22, non-functional in v1.25+"),
    "storageos": ("storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    "quobyte": ("quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    "glusterfs": ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    "cephfs": ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    "rbd": ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
}
_ODD = re.compile("[.muneE]").search
_NO_MATCH = "a null labelSelector results in matching no pod"


def pod(new: Any, old: Any) -> list[str]:
    """Nobody reads what is said of a pod's updates: they are the kubelet's and the scheduler's."""
    if old is not None:
        return []
    found = []
    if messages := names.is_dns_label(new.metadata.name or ""):
        text = "this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended"
        found.append(f"metadata.name: {text}: [{' '.join(messages)}]")
    return found + template(new, "")


def template(new: Any, path: str) -> list[str]:
    """Of what has metadata and a pod's spec; `path` leads there, with a dot at its end."""
    annotations = new.metadata.annotations or {} if new.metadata is not None else {}
    spec = new.spec
    found = [*_nodes(spec, path), *_annotated(annotations, path), *_volumes(spec, path), *_lists(spec, path)]
    found += fractions(spec.overhead, f"{path}spec.overhead", ("memory", "ephemeral-storage"))
    context = spec.security_context
    if "seccomp.security.alpha.kubernetes.io/pod" in annotations and (context is None or context.seccomp_profile is None):
        found.append(f"{path}metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]: {_SECCOMP}")
    for container, where in _containers(spec, f"{path}spec."):
        found += _container(container, where, annotations, f"{path}metadata.annotations", context)
    found += _ports(spec, path)
    if (spec.termination_grace_period_seconds or 0) < 0:
        found.append(f"{path}spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1")
    return found + list(_affinities(spec.affinity, f"{path}spec.affinity"))


def _containers(spec: Any, path: str) -> Iterator[tuple[Any, str]]:
    for name, listed in (("initContainers", spec.init_containers), ("containers", spec.containers)):
        yield from ((container, f"{path}{name}[{index}]") for index, container in enumerate(listed or ()))


def _nodes(spec: Any, path: str) -> Iterator[str]:
    for key in spec.node_selector or ():
        if text := node_labels.deprecated(key):
            yield f"{path}spec.nodeSelector[{key}]: {text}"
    affinity = spec.affinity.node_affinity if spec.affinity is not None else None
    if affinity is not None:
        where = f"{path}spec.affinity.nodeAffinity."
        required = affinity.required_during_scheduling_ignored_during_execution
        if required is not None:
            at = f"{where}requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[{{}}]"
            yield from node_labels.in_terms(required.node_selector_terms or (), at)
        preferred = affinity.preferred_during_scheduling_ignored_during_execution or ()
        at = f"{where}preferredDuringSchedulingIgnoredDuringExecution[{{}}].preference"
        yield from node_labels.in_terms((p.preference for p in preferred), at)
    for index, spread in enumerate(spec.topology_spread_constraints or ()):
        at = f"{path}spec.topologySpreadConstraints[{index}]"
        if text := node_labels.deprecated(spread.topology_key):
            yield f"{at}.topologyKey: {spread.topology_key} is {text}"
        if spread.label_selector is None:
            yield f"{at}.labelSelector: {_NO_MATCH}"


def _annotated(annotations: Mapping[str, str], path: str) -> Iterator[str]:
    for key, text in _ANNOTATIONS.items():
        if key in annotations:
            yield f"{path}metadata.annotations[{key}]: {text}"


def _volumes(spec: Any, path: str) -> Iterator[str]:
    for index, volume in enumerate(spec.volumes or ()):
        at = f"{path}spec.volumes[{index}]"
        for attribute, (name, text) in VOLUMES.items():
            if getattr(volume, attribute) is not None:
                yield f"{at}.{name}: {text}"
        if volume.ephemeral is not None and volume.ephemeral.volume_claim_template is not None:
            yield from claim(volume.ephemeral.volume_claim_template.spec, f"{at}.ephemeral.volumeClaimTemplate.spec")


def _lists(spec: Any, path: str) -> Iterator[str]:
    """What there is twice, and names that are none."""
    for name, key, values in (
        ("hostAliases", "ip", [alias.ip for alias in spec.host_aliases or ()]),
        ("imagePullSecrets", "name", [secret.name or "" for secret in spec.image_pull_secrets or ()]),
    ):
        for index, value in enumerate(values):
            if value in values[:index]:
                yield f"{path}spec.{name}[{index}].{key}: duplicate {key} {shown(value)}"
    for index, secret in enumerate(spec.image_pull_secrets or ()):
        if not secret.name:
            yield f'{path}spec.imagePullSecrets[{index}].name: invalid empty name ""'


def _container(container: Any, where: str, annotations: Mapping[str, str], annotated: str, pod_context: Any) -> Iterator[str]:
    context = container.security_context
    if annotations:
        seccomp = f"container.seccomp.security.alpha.kubernetes.io/{container.name}"
        if seccomp in annotations and (context is None or context.seccomp_profile is None):
            yield f"{annotated}[{seccomp}]: {_SECCOMP}"
        armor = f"container.apparmor.security.beta.kubernetes.io/{container.name}"
        if armor in annotations and not any(c is not None and c.app_armor_profile is not None for c in (pod_context, context)):
            yield f"{annotated}[{armor}]: {_APP_ARMOR}"
    resources = container.resources
    if resources is not None and (resources.limits or resources.requests):
        for resource in ("memory", "ephemeral-storage"):
            yield from fractions(resources.limits, f"{where}.resources.limits", (resource,))
            yield from fractions(resources.requests, f"{where}.resources.requests", (resource,))
    seen: set[str] = set()
    for index, variable in enumerate(container.env or ()):
        if variable.name not in seen:
            seen.add(variable.name)
            continue
        reference, value = f"$({variable.name})", variable.value or ""
        if variable.value_from is not None or value == reference or reference not in value:
            yield f"{where}.env[{index}]: hides previous definition of {shown(variable.name)}, which may be dropped when using apply"


def _ports(spec: Any, path: str) -> Iterator[str]:
    known: dict[tuple[int, str], list[tuple[str, int, Any]]] = {}
    for container, where in _containers(spec, f"{path}spec."):
        for index, port in enumerate(container.ports or ()):
            if port.host_ip and not port.host_port:
                facts = f"ContainerPort:{port.container_port} Protocol:{port.protocol} HostIP:{port.host_ip}"
                yield f"{where}.ports[{index}]: hostIP set without hostPort: {{Name:{port.name or ''} HostPort:0 {facts}}}"
            others = known.setdefault((port.container_port, port.protocol), [])
            for other_where, other_index, other in others:
                if said := _clash(port, other):
                    yield f"{where}.ports[{index}]: {said} port definition with {other_where}.ports[{other_index}]"
            others.append((where, index, port))


def _clash(port: Any, other: Any) -> str:
    """How two ports of the same number stand to each other; "" for what they may."""
    here, there = (port.host_ip or "", port.host_port or 0), (other.host_ip or "", other.host_port or 0)
    if here == there:
        return "duplicate"
    if not here[1] or not there[1]:
        return "overlapping"
    return "dangerously ambiguous" if here[1] == there[1] and bool(here[0]) != bool(there[0]) else ""


def _affinities(affinity: Any, path: str) -> Iterator[str]:
    if affinity is None:
        return
    for name, part in (("podAffinity", affinity.pod_affinity), ("podAntiAffinity", affinity.pod_anti_affinity)):
        if part is None:
            continue
        for index, term in enumerate(part.required_during_scheduling_ignored_during_execution or ()):
            if term.label_selector is None:
                yield f"{path}.{name}.requiredDuringSchedulingIgnoredDuringExecution[{index}].labelSelector: {_NO_MATCH}"
        for index, weighted in enumerate(part.preferred_during_scheduling_ignored_during_execution or ()):
            if weighted.pod_affinity_term.label_selector is None:
                where = f"{path}.{name}.preferredDuringSchedulingIgnoredDuringExecution[{index}].podAffinityTerm"
                yield f"{where}.labelSelector: {_NO_MATCH}"


def fractions(amounts: Mapping[str, Any] | None, path: str, resources: tuple[str, ...]) -> Iterator[str]:
    """Of amounts of bytes."""
    for resource in resources:
        amount = amounts.get(resource) if amounts else None
        # `1Gi` is seen to be whole without being worked out.
        if amount is not None and _ODD(str(amount)) and quantity.milli(amount) % 1000:
            yield f"{path}[{resource}]: fractional byte value {shown(quantity.canonical(amount))} is invalid, must be an integer"


def claim(spec: Any, path: str) -> Iterator[str]:
    """Of a claim's spec."""
    if spec is not None and spec.resources is not None:
        yield from fractions(spec.resources.requests, f"{path}.resources.requests", ("storage",))
        yield from fractions(spec.resources.limits, f"{path}.resources.limits", ("storage",))
