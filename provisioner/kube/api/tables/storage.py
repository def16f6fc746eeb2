"""Tables of volumes, claims, storage classes and CSI objects."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from provisioner.kube.api import quantity
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.tables.columns import NONE, UNSET, Printer, age, columns, flag

_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
_CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"
_DEFAULT_ANNOTATIONS = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")


def _modes(modes: list[str] | None) -> str:
    given = set(modes or ())
    return ",".join(short for mode, short in _MODES.items() if mode in given)


def _size(capacity: dict[str, Any] | None) -> str:
    return quantity.canonical((capacity or {}).get("storage", "0"))


def _class(obj: Any) -> str:
    given: str | None = (obj.metadata.annotations or {}).get(_CLASS_ANNOTATION)
    return given if given is not None else obj.spec.storage_class_name or ""


def _volume(obj: core_v1.PersistentVolume, now: datetime) -> list[Any]:
    spec, claim = obj.spec, obj.spec.claim_ref
    return [
        obj.metadata.name,
        _size(spec.capacity),
        _modes(spec.access_modes),
        spec.persistent_volume_reclaim_policy or "",
        "Terminating" if obj.metadata.deletion_timestamp else obj.status.phase or "",
        f"{claim.namespace}/{claim.name}" if claim is not None else "",
        _class(obj),
        spec.volume_attributes_class_name or UNSET,
        obj.status.reason or "",
        age(obj, now),
        spec.volume_mode or UNSET,
    ]


def _claim(obj: core_v1.PersistentVolumeClaim, now: datetime) -> list[Any]:
    bound = bool(obj.spec.volume_name)
    return [
        obj.metadata.name,
        "Terminating" if obj.metadata.deletion_timestamp else obj.status.phase or "",
        obj.spec.volume_name or "",
        _size(obj.status.capacity) if bound else "",
        _modes(obj.status.access_modes) if bound else "",
        _class(obj),
        obj.spec.volume_attributes_class_name or UNSET,
        age(obj, now),
        obj.spec.volume_mode or UNSET,
    ]


def _storage_class(obj: Any, now: datetime) -> list[Any]:
    annotations = obj.metadata.annotations or {}
    default = any(annotations.get(name) == "true" for name in _DEFAULT_ANNOTATIONS)
    return [
        f"{obj.metadata.name} (default)" if default else obj.metadata.name,
        obj.provisioner or "",
        obj.reclaim_policy or "Delete",
        obj.volume_binding_mode or "Immediate",
        bool(obj.allow_volume_expansion),
        age(obj, now),
    ]


def _attributes_class(obj: Any, now: datetime) -> list[Any]:
    default = (obj.metadata.annotations or {}).get("volumeattributesclass.alpha.kubernetes.io/is-default-class") == "true"
    return [f"{obj.metadata.name} (default)" if default else obj.metadata.name, obj.driver_name or "", age(obj, now)]


def _attachment(obj: Any, now: datetime) -> list[Any]:
    source = obj.spec.source
    volume = (source.persistent_volume_name if source is not None else None) or ""
    return [obj.metadata.name, obj.spec.attacher or "", volume, obj.spec.node_name or "", bool(obj.status.attached), age(obj, now)]


def _csi_node(obj: Any, now: datetime) -> list[Any]:
    return [obj.metadata.name, len(obj.spec.drivers or ()), age(obj, now)]


def _csi_driver(obj: Any, now: datetime) -> list[Any]:
    spec = obj.spec
    audiences = ",".join(request.audience or "" for request in spec.token_requests or ())
    return [
        obj.metadata.name,
        spec.attach_required is not False,
        bool(spec.pod_info_on_mount),
        bool(spec.storage_capacity),
        audiences if spec.token_requests else UNSET,
        flag(spec.requires_republish) == "true",
        ",".join(spec.volume_lifecycle_modes or ()) or NONE,
        age(obj, now),
    ]


def _capacity(obj: Any, now: datetime) -> list[Any]:
    return [obj.metadata.name, obj.storage_class_name or "", quantity.canonical(obj.capacity) if obj.capacity is not None else UNSET]


GROUP = "storage.k8s.io"

PRINTERS = {
    ("", "PersistentVolume"): Printer(
        columns(
            "Name",
            "Capacity",
            "Access Modes",
            "Reclaim Policy",
            "Status",
            "Claim",
            "StorageClass",
            "VolumeAttributesClass",
            "Reason",
            "Age",
            "VolumeMode+",
        ),
        _volume,
    ),
    ("", "PersistentVolumeClaim"): Printer(
        columns("Name", "Status", "Volume", "Capacity", "Access Modes", "StorageClass", "VolumeAttributesClass", "Age", "VolumeMode+"),
        _claim,
    ),
    (GROUP, "StorageClass"): Printer(
        columns("Name", "Provisioner", "ReclaimPolicy", "VolumeBindingMode", "AllowVolumeExpansion", "Age"), _storage_class
    ),
    (GROUP, "VolumeAttributesClass"): Printer(columns("Name", "DriverName", "Age"), _attributes_class),
    (GROUP, "VolumeAttachment"): Printer(columns("Name", "Attacher:string:name", "PV", "Node", "Attached:boolean", "Age"), _attachment),
    (GROUP, "CSINode"): Printer(columns("Name", "Drivers:integer", "Age"), _csi_node),
    (GROUP, "CSIDriver"): Printer(
        columns(
            "Name",
            "AttachRequired:boolean",
            "PodInfoOnMount:boolean",
            "StorageCapacity:boolean",
            "TokenRequests",
            "RequiresRepublish:boolean",
            "Modes",
            "Age",
        ),
        _csi_driver,
    ),
    (GROUP, "CSIStorageCapacity"): Printer(columns("Name", "StorageClassName", "Capacity"), _capacity),
}
