"""What each of the built-in volume sources must say, in pods and in persistent volumes alike (core/v1 Volume, PersistentVolumeSpec)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from provisioner.kube.api import errors, names
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.checks import needed, one_of, within

# A CSI driver is named like a domain, in as many letters as a label has.
MAX_DRIVER = 63
_FIBRE = "must specify either targetWWNs or wwids, but not both"
_ISCSI_NAMES = ("iqn", "eui", "naa")
# attribute -> (field, the texts and lists that must not be empty). All others are looked at by a function below.
_NEEDED = {
    "aws_elastic_block_store": ("awsElasticBlockStore", ("volumeID",)),
    "azure_disk": ("azureDisk", ("diskName", "diskURI")),
    "azure_file": ("azureFile", ("secretName", "shareName")),
    "cephfs": ("cephfs", ("monitors",)),
    "cinder": ("cinder", ("volumeID",)),
    "flex_volume": ("flexVolume", ("driver",)),
    "gce_persistent_disk": ("gcePersistentDisk", ("pdName",)),
    "git_repo": ("gitRepo", ("repository",)),
    "glusterfs": ("glusterfs", ("endpoints", "path")),
    "iscsi": ("iscsi", ("targetPortal", "iqn")),
    "nfs": ("nfs", ("server", "path")),
    "photon_persistent_disk": ("photonPersistentDisk", ("pdID",)),
    "portworx_volume": ("portworxVolume", ("volumeID",)),
    "quobyte": ("quobyte", ("registry", "volume")),
    "rbd": ("rbd", ("monitors", "image")),
    "scale_io": ("scaleIO", ("gateway", "system", "volumeName")),
    "vsphere_volume": ("vsphereVolume", ("volumePath",)),
}


def built_in(found: Any, path: str) -> list[FieldError]:
    """Of a Volume or a PersistentVolumeSpec: its sources that have fields which must be there."""
    problems: list[FieldError] = []
    for attribute, (field, wanted) in _NEEDED.items():
        source = getattr(found, attribute, None)
        if source is not None:
            where = f"{path}.{field}"
            given = dict(zip(source.__struct_encode_fields__, source.__struct_fields__, strict=True))
            for name in wanted:
                problems += needed(f"{where}.{name}", getattr(source, given[name]))
            if (check := _MORE.get(attribute)) is not None:
                problems += check(source, where)
    if found.fc is not None:
        problems += _fibre(found.fc, f"{path}.fc")
    if found.flocker is not None:
        problems += _flocker(found.flocker, f"{path}.flocker")
    if found.csi is not None:
        problems += driver(f"{path}.csi.driver", found.csi.driver)
    return problems


def driver(path: str, name: str | None) -> list[FieldError]:
    """The name of a CSI driver."""
    if not name:
        return [errors.required(path)]
    problems = [errors.too_long(path, MAX_DRIVER)] if len(name) > MAX_DRIVER else []
    return problems + checks.named(path, name.lower(), names.is_dns_subdomain)


def _partition(source: Any, path: str) -> list[FieldError]:
    return within(f"{path}.partition", source.partition, 0, 255)


def _nfs(source: Any, path: str) -> list[FieldError]:
    if not source.path or source.path.startswith("/"):
        return []
    return [errors.invalid_value(f"{path}.path", source.path, "must be an absolute path")]


def _iscsi(source: Any, path: str) -> list[FieldError]:
    problems = within(f"{path}.lun", source.lun, 0, 255)
    if source.iqn and not source.iqn.startswith(_ISCSI_NAMES):
        problems.append(errors.invalid_value(f"{path}.iqn", source.iqn, "must be valid format starting with iqn, eui, or naa"))
    if (source.chap_auth_discovery or source.chap_auth_session) and source.secret_ref is None:
        problems.append(errors.required(f"{path}.secretRef"))
    return problems


def _git(source: Any, path: str) -> list[FieldError]:
    return checks.relative_path(f"{path}.directory", source.directory)


def _azure_disk(source: Any, path: str) -> list[FieldError]:
    problems = one_of(f"{path}.cachingMode", source.caching_mode, ("None", "ReadOnly", "ReadWrite"), optional=True)
    return problems + one_of(f"{path}.kind", source.kind, ("Dedicated", "Managed", "Shared"), optional=True)


_MORE: dict[str, Callable[[Any, str], list[FieldError]]] = {
    "aws_elastic_block_store": _partition,
    "azure_disk": _azure_disk,
    "gce_persistent_disk": _partition,
    "git_repo": _git,
    "iscsi": _iscsi,
    "nfs": _nfs,
}


def _fibre(source: Any, path: str) -> list[FieldError]:
    if not source.target_wwns and not source.wwids:
        return [errors.required(f"{path}.targetWWNs", _FIBRE)]
    if source.target_wwns and source.wwids:
        return [errors.invalid_value(f"{path}.targetWWNs", source.target_wwns, _FIBRE)]
    if source.target_wwns and source.lun is None:
        return [errors.required(f"{path}.lun", "lun is required if targetWWNs is specified")]
    return within(f"{path}.lun", source.lun, 0, 255) if source.target_wwns else []


def _flocker(source: Any, path: str) -> list[FieldError]:
    if not source.dataset_name and not source.dataset_uuid:
        return [errors.required(path, "one of datasetName and datasetUUID is required")]
    if source.dataset_name and source.dataset_uuid:
        return [errors.invalid_value(path, "resource", "datasetName and datasetUUID can not be specified simultaneously")]
    if "/" in (source.dataset_name or ""):
        return [errors.invalid_value(f"{path}.datasetName", source.dataset_name, "must not contain '/'")]
    return []
