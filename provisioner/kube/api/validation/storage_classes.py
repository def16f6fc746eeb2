"""The kinds of storage.k8s.io: classes, drivers, what nodes know of drivers, attachments and capacities."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api import errors, names
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.checks import IMMUTABLE, Once, forbidden_change, needed, one_of, unchanged
from provisioner.kube.api.validation.volume_sources import driver

BINDING_MODES = ("Immediate", "WaitForFirstConsumer")
# Ten minutes, and the most that upstream takes.
MIN_TOKEN_S, MAX_TOKEN_S = 600, 2**32
# How often a driver may be asked how many volumes a node takes.
MIN_UPDATE_S = 10
MAX_PARAMETERS, MAX_PARAMETERS_BYTES = 512, 256 * 1024
MAX_NODE_ID, MAX_ERROR, MAX_METADATA = 256, 1024, 256 * 1024


def create(obj: Any) -> list[FieldError]:
    return _RULES[type(obj).KIND](obj)


def always(obj: Any) -> list[FieldError]:
    """What is looked at again in an update: of classes that may hardly change, nothing."""
    return [] if type(obj).KIND == "StorageClass" else create(obj)


def _class(obj: Any) -> list[FieldError]:
    problems = _provisioner("provisioner", obj.provisioner) + _parameters(obj.parameters or {})
    problems += one_of("reclaimPolicy", obj.reclaim_policy, ("Delete", "Retain"), optional=True)
    return problems + one_of("volumeBindingMode", obj.volume_binding_mode, BINDING_MODES) + _topologies(obj.allowed_topologies or [])


def _attributes_class(obj: Any) -> list[FieldError]:
    problems = _provisioner("driverName", obj.driver_name) + _parameters(obj.parameters or {})
    return problems + needed("parameters", obj.parameters, "must contain at least one key/value pair")


def _provisioner(path: str, name: str | None) -> list[FieldError]:
    if not name:
        return [errors.required(path)]
    return [errors.invalid_value(path, name.lower(), message) for message in names.is_qualified_name(name.lower())]


def _parameters(given: dict[str, str]) -> list[FieldError]:
    if len(given) > MAX_PARAMETERS:
        return [errors.too_long("parameters", MAX_PARAMETERS)]
    problems = [errors.invalid_value("parameters", "", "field can not be empty.")] if "" in given else []
    if sum(len(key) + len(value) for key, value in given.items()) > MAX_PARAMETERS_BYTES:
        problems.append(errors.too_long("parameters", MAX_PARAMETERS_BYTES))
    return problems


def _topologies(terms: list[Any]) -> list[FieldError]:
    problems: list[FieldError] = []
    seen = Once()
    for index, term in enumerate(terms):
        keys = Once()
        for number, wanted in enumerate(term.match_label_expressions or ()):
            where, key = f"allowedTopologies[{index}].matchLabelExpressions[{number}]", wanted.key or ""
            problems += needed(f"{where}.values", wanted.values)
            values = Once()
            for place, value in enumerate(wanted.values or ()):
                problems += values.add(f"{where}.values[{place}]", value)
            problems += [errors.invalid_value(f"{where}.key", key, message) for message in names.is_qualified_name(key)]
            problems += keys.add(f"{where}.key", key)
        said = tuple(sorted((e.key or "", tuple(sorted(e.values or ()))) for e in term.match_label_expressions or ()))
        problems += seen.add(f"allowedTopologies[{index}].matchLabelExpressions", said, "")
    return problems


def _attachment(obj: Any) -> list[FieldError]:
    source, name, problems = obj.spec.source, None, needed("spec.attacher", obj.spec.attacher)
    given = checks.sources_of(source) if source is not None else []
    told = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
    if not given:
        problems.append(errors.required("spec.source", told))
    elif len(given) > 1:
        problems.append(errors.forbidden_field("spec.source", told))
    elif given == ["persistentVolumeName"]:
        name = source.persistent_volume_name
        problems += needed("spec.source.persistentVolumeName", name, "must specify non empty persistentVolumeName")
    node = obj.spec.node_name or ""
    problems += [errors.invalid_value("spec.nodeName", node, message) for message in names.is_dns_subdomain(node)]
    problems += driver("spec.attacher", obj.spec.attacher)
    if name is not None:
        where = "spec.source.persistentVolumeName"
        problems += [errors.invalid_value(where, name, message) for message in names.is_dns_subdomain(name)]
    return problems


def _driver(obj: Any) -> list[FieldError]:
    spec = obj.spec
    problems = one_of("spec.fsGroupPolicy", spec.fs_group_policy, ("File", "None", "ReadWriteOnceWithFSType"), optional=True)
    audiences: set[str] = set()
    for index, request in enumerate(spec.token_requests or ()):
        where, audience, expires_s = f"spec.tokenRequests[{index}]", request.audience or "", request.expiration_seconds
        if audience in audiences:
            problems.append(errors.duplicate(f"{where}.audience", audience))
            continue
        audiences.add(audience)
        if expires_s is not None and expires_s < MIN_TOKEN_S:
            message = "may not specify a duration less than 10 minutes"
            problems.append(errors.invalid_value(f"{where}.expirationSeconds", expires_s, message))
        if expires_s is not None and expires_s > MAX_TOKEN_S:
            message = "may not specify a duration larger than 2^32 seconds"
            problems.append(errors.invalid_value(f"{where}.expirationSeconds", expires_s, message))
    modes = ("Persistent", "Ephemeral")
    for mode in spec.volume_lifecycle_modes or ():
        problems += [errors.not_supported("spec.volumeLifecycleModes", mode, modes)] if mode not in modes else []
    period_s = spec.node_allocatable_update_period_seconds
    if period_s is not None and period_s < MIN_UPDATE_S:
        message = f"must be greater than or equal to {MIN_UPDATE_S} seconds"
        problems.append(errors.invalid_value("spec.nodeAllocatableUpdatePeriodSeconds", period_s, message))
    return problems


def _node(obj: Any) -> list[FieldError]:
    problems: list[FieldError] = []
    seen = Once()
    for index, found in enumerate(obj.spec.drivers or ()):
        where, node_id = f"spec.drivers[{index}]", found.node_id or ""
        problems += driver(f"{where}.name", found.name) + needed(f"{where}.nodeID", node_id)
        if len(node_id) > MAX_NODE_ID:
            problems.append(errors.invalid_value(f"{where}.nodeID", node_id, f"must be {MAX_NODE_ID} characters or less"))
        if found.allocatable is not None:
            problems += checks.not_negative(f"{where}.allocatable.count", found.allocatable.count)
        problems += seen.add(f"{where}.name", found.name)
        keys = Once()
        for key in found.topology_keys or ():
            problems += needed(where, key) + keys.add(where, key)
            problems += [errors.invalid_value(where, key, message) for message in names.is_qualified_name(key)]
    return problems


def _capacity(obj: Any) -> list[FieldError]:
    name = obj.storage_class_name or ""
    problems = checks.label_selector("nodeTopology", obj.node_topology)
    problems += [errors.invalid_value("storageClassName", name, message) for message in names.is_dns_subdomain(name)]
    return problems + (checks.amount("capacity", obj.capacity) if obj.capacity is not None else [])


_RULES = {
    "StorageClass": _class,
    "VolumeAttributesClass": _attributes_class,
    "VolumeAttachment": _attachment,
    "CSIDriver": _driver,
    "CSINode": _node,
    "CSIStorageCapacity": _capacity,
}


def update(new: Any, old: Any) -> list[FieldError]:
    kind, problems = type(new).KIND, []
    if kind == "StorageClass":
        for name, attribute in (("parameters", "parameters"), ("provisioner", "provisioner"), ("reclaimPolicy", "reclaim_policy")):
            problems += forbidden_change(name, getattr(new, attribute), getattr(old, attribute), f"updates to {name} are forbidden.")
        return problems + unchanged("volumeBindingMode", new.volume_binding_mode, old.volume_binding_mode)
    if kind == "VolumeAttachment":
        return unchanged("spec", new.spec, old.spec)
    if kind == "VolumeAttributesClass":
        problems += forbidden_change("driverName", new.driver_name, old.driver_name, "updates to driverName are forbidden.")
        return problems + forbidden_change("parameters", new.parameters, old.parameters, "updates to parameters are forbidden.")
    if kind == "CSIStorageCapacity":
        problems += unchanged("nodeTopology", new.node_topology, old.node_topology)
        return problems + unchanged("storageClassName", new.storage_class_name, old.storage_class_name)
    if kind == "CSIDriver":
        # as upstream spells it
        problems += unchanged("spec.attachedRequired", new.spec.attach_required, old.spec.attach_required)
        return problems + unchanged("spec.volumeLifecycleModes", new.spec.volume_lifecycle_modes, old.spec.volume_lifecycle_modes)
    before = {found.name: (found.node_id, found.topology_keys) for found in old.spec.drivers or ()}
    return [
        errors.invalid_value("spec.drivers", found, IMMUTABLE)
        for found in new.spec.drivers or ()
        if before.get(found.name, (found.node_id, found.topology_keys)) != (found.node_id, found.topology_keys)
    ]


def status(new: Any, old: Any) -> list[FieldError]:
    """Of attachments: what a driver says of them is bounded."""
    if type(new).KIND != "VolumeAttachment":
        return []
    found, problems = new.status, []
    if sum(len(key) + len(value) for key, value in (found.attachment_metadata or {}).items()) > MAX_METADATA:
        problems.append(errors.too_long("status.attachmentMetadata", MAX_METADATA))
    for name, wrong in (("attachError", found.attach_error), ("detachError", found.detach_error)):
        if wrong is not None and len(wrong.message or "") > MAX_ERROR:
            # as upstream tells it
            problems.append(errors.too_long(f"status.{name}.message", MAX_METADATA))
        if wrong is not None and (wrong.error_code or 0) < 0:
            told = f"must be between 0 and {checks.INT32_MAX}, inclusive"
            problems.append(errors.invalid_value(f"status.{name}.errorCode", wrong.error_code, told))
    return problems
