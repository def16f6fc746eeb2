"""Volumes and claims: what they must say, and what never changes once it is said."""

from __future__ import annotations

import copy
import posixpath
from typing import Any

from provisioner.kube.api import errors, names, quantity
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks, scheduling
from provisioner.kube.api.validation.checks import needed, one_of, unchanged
from provisioner.kube.api.validation.differences import differences
from provisioner.kube.api.validation.volume_sources import SOURCES, source

ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
RECLAIM_POLICIES = ("Delete", "Recycle", "Retain")
VOLUME_MODES = ("Block", "Filesystem")
# The attributes of a PersistentVolumeSpec that are not its source.
_NOT_SOURCE = (
    "access_modes",
    "capacity",
    "claim_ref",
    "mount_options",
    "node_affinity",
    "persistent_volume_reclaim_policy",
    "storage_class_name",
    "volume_attributes_class_name",
    "volume_mode",
)


def create(obj: Any) -> list[FieldError]:
    return _volume(obj.spec) if type(obj).KIND == "PersistentVolume" else claim_spec(obj.spec, "spec")


def _modes(modes: list[str] | None, path: str) -> list[FieldError]:
    problems = [errors.not_supported(path, mode, ACCESS_MODES) for mode in modes or () if mode not in ACCESS_MODES]
    if "ReadWriteOncePod" in (modes or ()) and {*(modes or ())} & {*ACCESS_MODES} != {"ReadWriteOncePod"}:
        problems.append(errors.forbidden_field(path, "may not use ReadWriteOncePod with other access modes"))
    return problems


def claim_spec(spec: core_v1.PersistentVolumeClaimSpec, path: str) -> list[FieldError]:
    """A claim, wherever it stands."""
    problems = needed(f"{path}.accessModes", spec.access_modes, "at least 1 access mode is required")
    problems += checks.label_selector(f"{path}.selector", spec.selector) + _modes(spec.access_modes, f"{path}.accessModes")
    asked = (spec.resources.requests or {}).get("storage") if spec.resources is not None else None
    problems += [errors.required(f"{path}.resources[storage]")] if asked is None else _positive(f"{path}.resources[storage]", asked)
    problems += checks.named(f"{path}.storageClassName", spec.storage_class_name, names.is_dns_subdomain)
    problems += one_of(f"{path}.volumeMode", spec.volume_mode, VOLUME_MODES, optional=True)
    own, reference = spec.data_source, spec.data_source_ref
    for name, given in (("dataSource", own), ("dataSourceRef", reference)):
        if given is not None:
            problems += needed(f"{path}.{name}.name", given.name) + needed(f"{path}.{name}.kind", given.kind)
            if not given.api_group and given.kind != "PersistentVolumeClaim":
                message = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
                problems.append(errors.invalid_value(f"{path}.{name}", given.kind or "", message))
            problems += checks.named(f"{path}.{name}.apiGroup", given.api_group, names.is_dns_subdomain)
    if own is not None and reference is not None and _reference(own) != _reference(reference):
        problems.append(errors.invalid_value(path, {}, "must match dataSourceRef"))
    return problems + checks.named(f"{path}.volumeAttributesClassName", spec.volume_attributes_class_name, names.is_dns_subdomain)


def _reference(found: Any) -> tuple[Any, ...]:
    return (found.api_group, found.kind, found.name)


def _positive(path: str, value: Any) -> list[FieldError]:
    try:
        enough = quantity.parse(value) > 0
    except quantity.QuantityError as error:
        return [errors.invalid_value(path, value, str(error))]
    return [] if enough else [errors.invalid_value(path, quantity.canonical(value), "must be greater than zero")]


def _volume(spec: core_v1.PersistentVolumeSpec) -> list[FieldError]:
    problems = needed("spec.accessModes", spec.access_modes) + _modes(spec.access_modes, "spec.accessModes")
    problems += needed("spec.capacity", spec.capacity)
    if list(spec.capacity or ()) != ["storage"]:
        problems.append(errors.not_supported("spec.capacity", spec.capacity or {}, ("storage",)))
    for name, value in (spec.capacity or {}).items():
        problems += _positive(f"spec.capacity[{name}]", value)
    problems += one_of("spec.persistentVolumeReclaimPolicy", spec.persistent_volume_reclaim_policy, RECLAIM_POLICIES, optional=True)
    if spec.node_affinity is not None:
        if spec.node_affinity.required is None:
            problems.append(errors.required("spec.nodeAffinity.required", "must specify required node constraints"))
        else:
            problems += scheduling.node_selector(spec.node_affinity.required, "spec.nodeAffinity.required")
    problems += _source(spec)
    problems += checks.named("spec.storageClassName", spec.storage_class_name, names.is_dns_subdomain)
    problems += one_of("spec.volumeMode", spec.volume_mode, VOLUME_MODES, optional=True)
    if spec.volume_attributes_class_name is not None:
        path = "spec.volumeAttributesClassName"
        problems += needed(path, spec.volume_attributes_class_name, "an empty string is disallowed")
        problems += checks.named(path, spec.volume_attributes_class_name, names.is_dns_subdomain)
        if spec.csi is None:
            problems.append(errors.required("spec.csi", "must be specified when using volumeAttributesClassName"))
    return problems


def _source(spec: core_v1.PersistentVolumeSpec) -> list[FieldError]:
    """What a volume is: one of all that it can be, and the others are not looked at."""
    given = [attribute for attribute in SOURCES if getattr(spec, attribute, None) is not None]
    fields = dict(zip(spec.__struct_fields__, spec.__struct_encode_fields__, strict=True))
    problems: list[FieldError] = [] if given else [errors.required("spec", "must specify a volume type")]
    for index, attribute in enumerate(given):
        # upstream lets this one stand beside others
        if index and attribute != "flex_volume":
            name = "cephFS" if attribute == "cephfs" else fields[attribute]
            problems.append(errors.forbidden_field(f"spec.{name}", "may not specify more than 1 volume type"))
            continue
        problems += source(spec, attribute, "spec")
        if attribute == "local" and spec.node_affinity is None:
            problems.append(errors.required("spec.nodeAffinity", "Local volume requires node affinity"))
    host = spec.host_path.path if spec.host_path is not None else ""
    if host and posixpath.normpath(host) in ("/", "//") and spec.persistent_volume_reclaim_policy == "Recycle":
        message = "may not be 'recycle' for a hostPath mount of '/'"
        problems.append(errors.forbidden_field("spec.persistentVolumeReclaimPolicy", message))
    return problems


# -- updates ---------------------------------------------------------------------------------------------------------------


def update(new: Any, old: Any) -> list[FieldError]:
    return _volume_update(new, old) if type(new).KIND == "PersistentVolume" else _claim_update(new, old)


def _volume_update(new: core_v1.PersistentVolume, old: core_v1.PersistentVolume) -> list[FieldError]:
    allowed, before = copy.deepcopy(new.spec), copy.deepcopy(old.spec)
    if allowed.csi is not None and before.csi is not None and before.csi.controller_expand_secret_ref is None:
        allowed.csi.controller_expand_secret_ref = None  # it may come later
    for spec in (allowed, before):
        for name in _NOT_SOURCE:
            setattr(spec, name, None)
    problems: list[FieldError] = []
    if allowed != before:
        message = f"spec.persistentvolumesource is immutable after creation\n{differences(before, allowed)}"
        problems.append(errors.forbidden_field("spec.persistentvolumesource", message))
    problems += unchanged("volumeMode", new.spec.volume_mode, old.spec.volume_mode)
    if old.spec.node_affinity is not None:
        message = "field is immutable, except for updating from beta label to GA"
        problems += unchanged("nodeAffinity", new.spec.node_affinity, old.spec.node_affinity, message)
    return problems + _class_kept(new.spec, old.spec)


def _class_kept(new: Any, old: Any) -> list[FieldError]:
    """A class of attributes is changed for another, not for none."""
    if old.volume_attributes_class_name is None or new.volume_attributes_class_name:
        return []
    if new.volume_attributes_class_name == old.volume_attributes_class_name:
        return []
    to = "nil" if new.volume_attributes_class_name is None else "an empty string"
    return [errors.forbidden_field("spec.volumeAttributesClassName", f"update from non-nil value to {to} is forbidden")]


def _claim_update(new: core_v1.PersistentVolumeClaim, old: core_v1.PersistentVolumeClaim) -> list[FieldError]:
    allowed, before = copy.deepcopy(new.spec), copy.deepcopy(old.spec)
    bound = old.status.phase == "Bound"
    if not before.volume_name:
        before.volume_name = allowed.volume_name  # the controller binds a claim once
    problems: list[FieldError] = []
    named, was = ((each.metadata.annotations or {}).get(CLASS_ANNOTATION) for each in (new, old))
    if before.storage_class_name is None and was is not None and allowed.storage_class_name == was and named in (None, was):
        allowed.storage_class_name = None  # it moves from the annotation to the field
    else:
        problems += unchanged(f"metadata.annotations.{CLASS_ANNOTATION}", named or "", was or "")
        if before.storage_class_name is None and was in (None, allowed.storage_class_name):
            allowed.storage_class_name = None  # a claim from before there was a default class gets it later
    mine, theirs = _storage(new.spec), _storage(old.spec)
    if bound and allowed.resources is not None and allowed.resources.requests and theirs is not None:
        allowed.resources.requests["storage"] = theirs
    if bound and allowed.volume_attributes_class_name is not None:
        allowed.volume_attributes_class_name = before.volume_attributes_class_name
    if allowed != before:
        problems.append(errors.forbidden_field("spec", f"{_CLAIM_MESSAGE}\n{differences(before, allowed)}"))
    if mine is not None and theirs is not None and quantity.parse(mine) < quantity.parse(theirs):
        # What an expansion that failed asked for may be taken back, down to what there is.
        there = (old.status.capacity or {}).get("storage", theirs)
        if quantity.parse(mine) <= quantity.parse(there):
            message = "field can not be less than status.capacity"
            problems.append(errors.forbidden_field("spec.resources.requests.storage", message))
    return problems + unchanged("volumeMode", new.spec.volume_mode, old.spec.volume_mode) + _class_kept(new.spec, old.spec)


# The class, as claims told it before there was a field.
CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"
_CLAIM_MESSAGE = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"


def _storage(spec: core_v1.PersistentVolumeClaimSpec) -> Any:
    return (spec.resources.requests or {}).get("storage") if spec.resources is not None else None
