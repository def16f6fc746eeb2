"""Defaults of volumes, claims, storage classes and CSI drivers."""

from __future__ import annotations

from provisioner.kube.api._generated import core_v1, storage_v1
from provisioner.kube.api.defaults import default, default_text
from provisioner.kube.api.defaults.pod import source_defaults


def persistentvolume(obj: core_v1.PersistentVolume) -> None:
    default_text(obj.spec, persistent_volume_reclaim_policy="Retain")
    default(obj.spec, volume_mode="Filesystem")
    default_text(obj.status, phase="Pending")
    source_defaults(obj.spec)


def persistentvolumeclaim(obj: core_v1.PersistentVolumeClaim) -> None:
    claim(obj.spec)
    default_text(obj.status, phase="Pending")


def claim(spec: core_v1.PersistentVolumeClaimSpec) -> None:
    """A claim's spec, in templates too. A source and its reference say the same."""
    default(spec, volume_mode="Filesystem")
    if spec.data_source is not None and spec.data_source_ref is None:
        source = spec.data_source
        spec.data_source_ref = core_v1.TypedObjectReference(api_group=source.api_group, kind=source.kind, name=source.name)
    elif spec.data_source_ref is not None and spec.data_source is None and not spec.data_source_ref.namespace:
        reference = spec.data_source_ref
        if (reference.api_group, reference.kind) in (
            (None, "PersistentVolumeClaim"),
            ("", "PersistentVolumeClaim"),
            ("snapshot.storage.k8s.io", "VolumeSnapshot"),
        ):
            spec.data_source = core_v1.TypedLocalObjectReference(api_group=reference.api_group, kind=reference.kind, name=reference.name)


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
    if not obj.spec.volume_lifecycle_modes:
        obj.spec.volume_lifecycle_modes = ["Persistent"]
