"""ObjectMeta: names as each kind wants them, labels, annotations, owners, finalizers, and what may never change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from provisioner.kube.api import errors, names
from provisioner.kube.api._generated import meta_v1
from provisioner.kube.api.errors import FieldError

_NAME_RULES: dict[tuple[str, str], Callable[[str], list[str]]] = {
    ("", "Namespace"): names.is_dns_label,
    ("", "Event"): names.is_path_segment,
    ("", "Service"): names.is_dns_label,
    # its pods' names and hostnames are made of it
    ("apps", "StatefulSet"): names.is_dns_label,
    **{("rbac.authorization.k8s.io", kind): names.is_path_segment for kind in ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")},
    # Names with colons: signer:anything, and addresses.
    ("certificates.k8s.io", "ClusterTrustBundle"): names.is_path_segment,
    ("networking.k8s.io", "IPAddress"): names.is_path_segment,
    ("coordination.k8s.io", "LeaseCandidate"): names.is_config_key,
    # version.group, and the core group's has none.
    ("apiregistration.k8s.io", "APIService"): names.is_path_segment,
}
# Finalizers that say what becomes of what an object owns.
PROPAGATIONS = {"orphan", "foregroundDeletion"}
STANDARD_FINALIZERS = PROPAGATIONS | {"kubernetes"}
# Groups of upstream's other two servers, which take any finalizer.
_OTHER_SERVERS = {"apiextensions.k8s.io", "apiregistration.k8s.io"}


def validate_metadata(obj: Any) -> list[FieldError]:
    metadata: meta_v1.ObjectMeta = obj.metadata
    check = _NAME_RULES.get((type(obj).GROUP, type(obj).KIND), names.is_dns_subdomain)
    found = []
    if metadata.generate_name:
        found += [
            errors.invalid_value("metadata.generateName", metadata.generate_name, message)
            for message in check(_begun(metadata.generate_name))
        ]
    if not metadata.name:
        found.append(errors.required("metadata.name", "name or generateName is required"))
    else:
        found += [errors.invalid_value("metadata.name", metadata.name, message) for message in check(metadata.name)]
    return found + _maps(metadata) + _owners(metadata) + _short_finalizers(obj)


def _short_finalizers(obj: Any) -> list[FieldError]:
    """Of the server's own kinds, whose finalizers without a domain are those that it knows itself."""
    kind = type(obj)
    if not obj.metadata.finalizers or not kind.KIND or kind.GROUP in _OTHER_SERVERS:
        return []
    message = "name is neither a standard finalizer name nor is it fully qualified"
    return [
        errors.invalid_value(f"metadata.finalizers[{index}]", name, message)
        for index, name in enumerate(obj.metadata.finalizers)
        if "/" not in name and name not in STANDARD_FINALIZERS
    ]


def _begun(prefix: str) -> str:
    """A beginning as a name of its own: a dash at its end is followed by something."""
    return f"{prefix[:-2]}a" if len(prefix) > 1 and prefix.endswith("-") else prefix


def _maps(metadata: meta_v1.ObjectMeta) -> list[FieldError]:
    found = labels(metadata.labels, "metadata.labels") + annotation_map(metadata.annotations, "metadata.annotations")
    for finalizer in metadata.finalizers or ():
        found += [errors.invalid_value("metadata.finalizers", finalizer, message) for message in names.is_qualified_name(finalizer)]
    if metadata.finalizers and set(metadata.finalizers) >= PROPAGATIONS:
        message = "finalizer orphan and foregroundDeletion cannot be both set"
        found.append(errors.invalid_value("metadata.finalizers", metadata.finalizers, message))
    return found


def annotation_map(given: dict[str, str] | None, path: str) -> list[FieldError]:
    """Keys, and how much all of them hold."""
    if not given:
        return []
    found = [errors.invalid_value(path, key, message) for key in given for message in names.is_qualified_name(key.lower())]
    if sum(len(key.encode()) + len(value.encode()) for key, value in given.items()) > names.MAX_ANNOTATIONS_BYTES:
        found.append(errors.too_long(path, names.MAX_ANNOTATIONS_BYTES))
    return found


def labels(given: dict[str, str] | None, path: str) -> list[FieldError]:
    """Keys and values of a label map."""
    found: list[FieldError] = []
    for key, value in given.items() if given else ():
        if messages := names.is_qualified_name(key):
            found += [errors.invalid_value(path, key, message) for message in messages]
        if messages := names.is_label_value(value):
            found += [errors.invalid_value(path, value, message) for message in messages]
    return found


def _owners(metadata: meta_v1.ObjectMeta) -> list[FieldError]:
    if not metadata.owner_references:
        return []
    found = []
    controllers = []
    for index, owner in enumerate(metadata.owner_references):
        path = f"metadata.ownerReferences[{index}]"
        if not (owner.api_version or "").rpartition("/")[2] or (owner.api_version or "").count("/") > 1:
            found.append(errors.invalid_value(f"{path}.apiVersion", owner.api_version or "", "version must not be empty"))
        found += [
            errors.invalid_value(f"{path}.{name}", "", "must not be empty")
            for name, value in (("kind", owner.kind), ("name", owner.name), ("uid", owner.uid))
            if not value
        ]
        if (owner.api_version, owner.kind) == ("v1", "Event"):
            found.append(errors.invalid_value(path, owner, "/v1, Kind=Event is disallowed from being an owner"))
        if owner.controller:
            controllers.append(f"{owner.kind}/{owner.name}")
    if len(controllers) > 1:
        message = (
            f'Only one reference can have Controller set to true. Found "true" in references for {controllers[0]} and {controllers[1]}'
        )
        found.append(errors.invalid_value("metadata.ownerReferences", metadata.owner_references, message))
    return found


def _as_go(words: Iterable[str]) -> str:
    return f"[]string{{{', '.join(map(errors.shown, sorted(words)))}}}"


def validate_metadata_update(new: Any, old: Any) -> list[FieldError]:
    found = [
        errors.invalid_value(f"metadata.{name}", given, "field is immutable")
        for name, given, was in (
            ("name", new.metadata.name, old.metadata.name),
            ("namespace", new.metadata.namespace, old.metadata.namespace),
        )
        if given != was
    ]
    if old.metadata.deletion_timestamp is not None:
        fresh = set(new.metadata.finalizers or ()) - set(old.metadata.finalizers or ())
        if fresh:
            message = f"no new finalizers can be added if the object is being deleted, found new finalizers {_as_go(fresh)}"
            found.append(errors.forbidden_field("metadata.finalizers", message))
    return found + _maps(new.metadata) + _owners(new.metadata) + _short_finalizers(new)
