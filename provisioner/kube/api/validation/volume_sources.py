"""What each of the built-in volume sources must say, in pods and in persistent volumes alike (core/v1 Volume, PersistentVolumeSpec)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from provisioner.kube.api import errors, names
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.checks import named, needed, one_of, within

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
    "host_path": ("hostPath", ("path",)),
    "iscsi": ("iscsi", ("targetPortal", "iqn")),
    "local": ("local", ("path",)),
    "nfs": ("nfs", ("server", "path")),
    "photon_persistent_disk": ("photonPersistentDisk", ("pdID",)),
    "portworx_volume": ("portworxVolume", ("volumeID",)),
    "quobyte": ("quobyte", ("registry", "volume")),
    "rbd": ("rbd", ("monitors", "image")),
    "scale_io": ("scaleIO", ("gateway", "system", "volumeName")),
    "storageos": ("storageos", ("volumeName",)),
    "vsphere_volume": ("vsphereVolume", ("volumePath",)),
}
# In the order in which those of a persistent volume are looked at: the first one counts.
SOURCES = (
    *("host_path", "gce_persistent_disk", "aws_elastic_block_store", "glusterfs", "flocker", "nfs", "rbd", "quobyte", "cephfs", "iscsi"),
    *("cinder", "fc", "flex_volume", "azure_file", "vsphere_volume", "photon_persistent_disk", "portworx_volume", "azure_disk"),
    *("scale_io", "local", "storageos", "csi", "git_repo"),
)
HOST_PATH_TYPES = ("", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket")


def built_in(found: Any, path: str) -> list[FieldError]:
    """Of a Volume: its sources that have fields which must be there."""
    return [problem for attribute in SOURCES for problem in source(found, attribute, path)]


def source(found: Any, attribute: str, path: str) -> list[FieldError]:
    """Of one source, of a Volume or a PersistentVolumeSpec, where it is there."""
    given = getattr(found, attribute, None)
    if given is None:
        return []
    problems: list[FieldError] = []
    field, wanted = _NEEDED.get(attribute, (attribute, ()))
    if attribute == "gce_persistent_disk" and isinstance(found, core_v1.PersistentVolumeSpec):
        field = "persistentDisk"  # as upstream calls it there
    where = f"{path}.{field}"
    attributes = dict(zip(given.__struct_encode_fields__, given.__struct_fields__, strict=True))
    for name in wanted:
        problems += needed(f"{where}.{name}", getattr(given, attributes[name]))
    return problems + (_MORE[attribute](given, where) if attribute in _MORE else [])


def driver(path: str, name: str | None) -> list[FieldError]:
    """The name of a CSI driver."""
    if not name:
        return [errors.required(path)]
    problems = [errors.too_long(path, MAX_DRIVER)] if len(name) > MAX_DRIVER else []
    return problems + [errors.invalid_value(path, name, message) for message in names.is_dns_subdomain(name.lower())]


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


def _host_path(source: Any, path: str) -> list[FieldError]:
    problems = checks.no_way_up(f"{path}.path", source.path or "")
    if source.path and (source.type or "") not in HOST_PATH_TYPES:
        problems.append(errors.not_supported(f"{path}.type", source.type, HOST_PATH_TYPES))
    return problems


def _local(source: Any, path: str) -> list[FieldError]:
    return checks.no_way_up(f"{path}.path", source.path or "")


def _azure_file(source: Any, path: str) -> list[FieldError]:
    return [errors.required(f"{path}.secretNamespace")] if getattr(source, "secret_namespace", None) == "" else []


def _storage_os(source: Any, path: str) -> list[FieldError]:
    problems = named(f"{path}.volumeName", source.volume_name, names.is_dns_label)
    problems += named(f"{path}.volumeNamespace", source.volume_namespace, names.is_dns_label)
    if source.secret_ref is not None:
        problems += needed(f"{path}.secretRef.name", source.secret_ref.name)
        if isinstance(source, core_v1.StorageOSPersistentVolumeSource):
            problems += needed(f"{path}.secretRef.namespace", source.secret_ref.namespace)
    return problems


def _csi(source: Any, path: str) -> list[FieldError]:
    problems = driver(f"{path}.driver", source.driver)
    if not isinstance(source, core_v1.CSIPersistentVolumeSource):
        return problems
    problems += needed(f"{path}.volumeHandle", source.volume_handle)
    for name, found in (
        ("controllerPublishSecretRef", source.controller_publish_secret_ref),
        ("controllerExpandSecretRef", source.controller_expand_secret_ref),
        ("nodePublishSecretRef", source.node_publish_secret_ref),
        ("nodeExpandSecretRef", source.node_expand_secret_ref),
    ):
        if found is not None:
            problems += checks.name_needed(f"{path}.{name}.name", found.name)
            problems += checks.name_needed(f"{path}.{name}.namespace", found.namespace, names.is_dns_label)
    return problems


_MORE: dict[str, Callable[[Any, str], list[FieldError]]] = {
    "aws_elastic_block_store": _partition,
    "azure_disk": _azure_disk,
    "gce_persistent_disk": _partition,
    "git_repo": _git,
    "iscsi": _iscsi,
    "nfs": _nfs,
    "azure_file": _azure_file,
    "csi": _csi,
    "fc": _fibre,
    "flocker": _flocker,
    "host_path": _host_path,
    "local": _local,
    "storageos": _storage_os,
}
