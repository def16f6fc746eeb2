"""Warnings about kinds with one or two of them each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from provisioner.kube.api.errors import shown
from provisioner.kube.api.warnings import node_labels, pods

_CLASS = "volume.beta.kubernetes.io/storage-class"
_MOUNT_OPTIONS = "volume.beta.kubernetes.io/mount-options"
_SECRETS = "kubernetes.io/enforce-mountable-secrets"
_RECYCLE = "The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning."
# Formats of strings that are known in schemas of custom resources.
FORMATS = frozenset(
    [
        "bsonobjectid",
        "uri",
        "email",
        "hostname",
        "ipv4",
        "ipv6",
        "cidr",
        "mac",
        "uuid",
        "uuid3",
        "uuid4",
        "uuid5",
        "isbn",
        "isbn10",
        "isbn13",
        "creditcard",
        "ssn",
        "hexcolor",
        "rgbcolor",
        "byte",
        "password",
        "date",
        "duration",
        "datetime",
        "date-time",
        "k8s-short-name",
        "k8s-long-name",
    ]
)

# Where schemas have schemas, beside `properties`.
_BELOW = ("openAPIV3Schema", "items", "additionalProperties", "not", "allOf", "anyOf", "oneOf")


def ingress(new: Any, old: Any) -> list[str]:
    annotation = "kubernetes.io/ingress.class"
    if old is not None or annotation not in (new.metadata.annotations or {}):
        return []
    return [f"annotation {shown(annotation)} is deprecated, please use 'spec.ingressClassName' instead"]


def node(new: Any, old: Any) -> list[str]:
    found = []
    if new.spec.config_source is not None:
        found.append("spec.configSource: the feature is removed since v1.24; setting it has no effect")
    if new.spec.external_id:
        found.append("spec.externalID: this field is deprecated, and is unused by Kubernetes")
    return found


def service_account(new: Any, old: Any) -> list[str]:
    if _SECRETS not in (new.metadata.annotations or {}) or (old is not None and _SECRETS in (old.metadata.annotations or {})):
        return []
    return [f"metadata.annotations[{_SECRETS}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"]


def claim(new: Any, old: Any) -> list[str]:
    return [*_old_class(new), *pods.claim(new.spec, "spec")]


def volume(new: Any, old: Any) -> list[str]:
    spec = new.spec
    found = list(_old_class(new))
    if _MOUNT_OPTIONS in (new.metadata.annotations or {}):
        found.append(f'metadata.annotations[{_MOUNT_OPTIONS}]: deprecated since v1.31; use "mountOptions" attribute instead')
    if spec.persistent_volume_reclaim_policy == "Recycle":
        found.append(f"spec.persistentVolumeReclaimPolicy: {_RECYCLE}")
    if spec.node_affinity is not None and spec.node_affinity.required is not None:
        at = "spec.nodeAffinity.required.nodeSelectorTerms[{}]"
        found += node_labels.in_terms(spec.node_affinity.required.node_selector_terms or (), at)
    found += [f"spec.{name}: {text}" for attribute, (name, text) in pods.VOLUMES.items() if getattr(spec, attribute, None) is not None]
    return [*found, *pods.fractions(spec.capacity, "spec.capacity", ("storage",))]


def storage_class(new: Any, old: Any) -> list[str]:
    found = []
    for index, term in enumerate(new.allowed_topologies or ()):
        for place, expression in enumerate(term.match_label_expressions or ()):
            if text := node_labels.deprecated(expression.key):
                found.append(f"allowedTopologies[{index}].matchLabelExpressions[{place}].key: {expression.key} is {text}")
    return found


def runtime_class(new: Any, old: Any) -> list[str]:
    selector = (new.scheduling.node_selector if new.scheduling is not None else None) or ()
    return [f"scheduling.nodeSelector: {text}" for key in selector if (text := node_labels.deprecated(key))]


def definition(new: Any, old: Any) -> list[str]:
    """Of a custom resource's schemas."""
    if old is not None and new.metadata.generation == old.metadata.generation:
        return []
    schemas = [version.schema for version in new.spec.versions or () if version.schema is not None]
    return [f"unrecognized format {shown(name)}" for name in dict.fromkeys(_formats(msgspec.to_builtins(schemas)))]


def _formats(schema: Any) -> Iterator[str]:
    """Of strings: those of numbers are the client generators'."""
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            name = part.get("format")
            if part.get("type") == "string" and isinstance(name, str) and name not in FORMATS:
                yield name
            waiting += [part[key] for key in _BELOW if key in part]
            waiting += (part.get("properties") or {}).values()


def _old_class(new: Any) -> Iterator[str]:
    if _CLASS in (new.metadata.annotations or {}):
        yield f'metadata.annotations[{_CLASS}]: deprecated since v1.8; use "storageClassName" attribute instead'
