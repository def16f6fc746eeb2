"""Defaults of volumes, claims, storage classes and CSI drivers."""

from __future__ import annotations

from provisioner.kube.api._generated import core_v1, storage_v1
from provisioner.kube.api.defaults import default


def persistentvolume(obj: core_v1.PersistentVolume) -> None:
    default(obj.spec, persistent_volume_reclaim_policy="Retain", volume_mode="Filesystem")
    default(obj.status, phase="Pending")
    if obj.spec.host_path is not None:
        default(obj.spec.host_path, type="")


def persistentvolumeclaim(obj: core_v1.PersistentVolumeClaim) -> None:
    default(obj.spec, volume_mode="Filesystem")
    default(obj.status, phase="Pending")


def storageclass(obj: storage_v1.StorageClass) -> None:
    default(obj, reclaim_policy="Delete", volume_binding_mode="Immediate")


def csidriver(obj: storage_v1.CSIDriver) -> None:
    default(
        obj.spec,
        attach_required=True,
        pod_info_on_mount=False,
        storage_capacity=False,
        fs_group_policy="ReadWriteOnceWithFSType",
        requires_republish=False,
        se_linux_mount=False,
    )
    if obj.spec.volume_lifecycle_modes is None:
        obj.spec.volume_lifecycle_modes = ["Persistent"]
