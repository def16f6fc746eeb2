"""Volumes of pods and how containers mount them."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api import errors, names
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.checks import Once, name_needed, needed, one_of
from provisioner.kube.api.validation.containers import ENV_RESOURCES, field_reference

HOST_PATH_TYPES = ("", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket")
DOWNWARD_FIELDS = ("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid")
# Ten minutes, and what fits an unsigned 32-bit number.
TOKEN_MIN_S, TOKEN_MAX_S = 600, 1 << 32


def volumes(found: list[core_v1.Volume] | None, path: str) -> tuple[dict[str, core_v1.Volume], list[FieldError]]:
    """(volumes by name, findings)."""
    by_name: dict[str, core_v1.Volume] = {}
    problems: list[FieldError] = []
    seen = Once()
    for index, volume in enumerate(found or ()):
        where = f"{path}[{index}]"
        problems += name_needed(f"{where}.name", volume.name, names.is_dns_label)
        if volume.name:
            problems += seen.add(f"{where}.name", volume.name)
            by_name[volume.name] = volume
        sources = checks.sources_of(volume, but=("name",))
        if not sources:
            problems.append(errors.required(where, "must specify a volume type"))
        problems += [errors.forbidden_field(f"{where}.{name}", "may not specify more than 1 volume type") for name in sources[1:]]
        problems += _source(volume, where)
    return by_name, problems


def _source(volume: core_v1.Volume, path: str) -> list[FieldError]:
    problems: list[FieldError] = []
    if volume.empty_dir is not None and volume.empty_dir.size_limit is not None and checks.amount("", volume.empty_dir.size_limit):
        problems.append(errors.forbidden_field(f"{path}.emptyDir.sizeLimit", "SizeLimit field must be a valid resource quantity"))
    if volume.host_path is not None:
        problems += needed(f"{path}.hostPath.path", volume.host_path.path)
        problems += checks.no_way_up(f"{path}.hostPath.path", volume.host_path.path or "")
        if (volume.host_path.type or "") not in HOST_PATH_TYPES:
            problems.append(errors.not_supported(f"{path}.hostPath.type", volume.host_path.type, HOST_PATH_TYPES))
    if volume.secret is not None:
        problems += needed(f"{path}.secret.secretName", volume.secret.secret_name)
        problems += _files(volume.secret, f"{path}.secret")
    if volume.config_map is not None:
        problems += needed(f"{path}.configMap.name", volume.config_map.name) + _files(volume.config_map, f"{path}.configMap")
    if volume.persistent_volume_claim is not None:
        problems += needed(f"{path}.persistentVolumeClaim.claimName", volume.persistent_volume_claim.claim_name)
    if volume.nfs is not None:
        problems += needed(f"{path}.nfs.server", volume.nfs.server) + needed(f"{path}.nfs.path", volume.nfs.path)
        if volume.nfs.path and not volume.nfs.path.startswith("/"):
            problems.append(errors.invalid_value(f"{path}.nfs.path", volume.nfs.path, "must be an absolute path"))
    if volume.csi is not None:
        problems += needed(f"{path}.csi.driver", volume.csi.driver)
    if volume.downward_api is not None:
        problems += _mode(volume.downward_api.default_mode, f"{path}.downwardAPI.defaultMode")
        problems += _downward(volume.downward_api.items, f"{path}.downwardAPI")
    if volume.projected is not None:
        problems += _projected(volume.projected, f"{path}.projected")
    if volume.ephemeral is not None:
        problems += needed(f"{path}.ephemeral.volumeClaimTemplate", volume.ephemeral.volume_claim_template)
    return problems


def _mode(value: int | None, path: str) -> list[FieldError]:
    if value is None or 0 <= value <= 0o777:
        return []
    return [errors.invalid_value(path, value, "must be a number between 0 and 0777 (octal), both inclusive")]


def _files(found: Any, path: str) -> list[FieldError]:
    """Mode and chosen keys of a volume that is made of an object's data."""
    problems = _mode(getattr(found, "default_mode", None), f"{path}.defaultMode")
    for index, item in enumerate(found.items or ()):
        where = f"{path}.items[{index}]"
        problems += needed(f"{where}.key", item.key) + needed(f"{where}.path", item.path)
        problems += checks.relative_path(f"{where}.path", item.path) + _mode(item.mode, f"{where}.mode")
    return problems


def _downward(items: list[core_v1.DownwardAPIVolumeFile] | None, path: str) -> list[FieldError]:
    problems = []
    for index, item in enumerate(items or ()):
        where = f"{path}.items[{index}]" if not path.endswith("]") else f"{path}.downwardAPI.items[{index}]"
        problems += (
            needed(f"{where}.path", item.path) + checks.relative_path(f"{where}.path", item.path) + _mode(item.mode, f"{where}.mode")
        )
        if item.field_ref is not None:
            problems += field_reference(item.field_ref, f"{where}.fieldRef", DOWNWARD_FIELDS)
            if item.resource_field_ref is not None:
                problems.append(
                    errors.invalid_value(where, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
                )
        elif item.resource_field_ref is not None:
            problems += needed(f"{where}.resourceFieldRef.containerName", item.resource_field_ref.container_name)
            asked = item.resource_field_ref.resource
            if asked not in ENV_RESOURCES and ".hugepages-" not in (asked or ""):
                problems.append(errors.not_supported(f"{where}.resourceFieldRef.resource", asked or "", ENV_RESOURCES))
        else:
            problems.append(errors.required(where, "one of fieldRef and resourceFieldRef is required"))
    return problems


def _projected(found: core_v1.ProjectedVolumeSource, path: str) -> list[FieldError]:
    problems = _mode(found.default_mode, f"{path}.defaultMode")
    for index, source in enumerate(found.sources or ()):
        where = f"{path}.sources[{index}]"
        given = checks.sources_of(source)
        if len(given) > 1:
            problems.append(errors.forbidden_field(where, "may not specify more than 1 volume type per source"))
        if source.secret is not None:
            problems += needed(f"{where}.secret.name", source.secret.name) + _files(source.secret, f"{where}.secret")
        if source.config_map is not None:
            problems += needed(f"{where}.configMap.name", source.config_map.name) + _files(source.config_map, f"{where}.configMap")
        if source.downward_api is not None:
            problems += _downward(source.downward_api.items, where)
        token = source.service_account_token
        if token is not None:
            problems += needed(f"{where}.serviceAccountToken.path", token.path)
            problems += checks.relative_path(f"{where}.serviceAccountToken.path", token.path)
            problems += token_lifetime(f"{where}.serviceAccountToken.expirationSeconds", token.expiration_seconds or 0)
    return problems


def token_lifetime(path: str, seconds: int) -> list[FieldError]:
    if seconds < TOKEN_MIN_S:
        return [errors.invalid_value(path, seconds, "may not specify a duration less than 10 minutes")]
    if seconds > TOKEN_MAX_S:
        return [errors.invalid_value(path, seconds, "may not specify a duration larger than 2^32 seconds")]
    return []


def mounts(container: Any, path: str, by_name: dict[str, core_v1.Volume]) -> list[FieldError]:
    """Mounts of volumes that the pod has, each at a place of its own."""
    problems = []
    places: set[str] = set()
    for index, mount in enumerate(container.volume_mounts or ()):
        where = f"{path}.volumeMounts[{index}]"
        problems += needed(f"{where}.name", mount.name)
        if mount.name and mount.name not in by_name:
            problems.append(errors.not_found_field(f"{where}.name", mount.name))
        problems += needed(f"{where}.mountPath", mount.mount_path)
        if mount.mount_path in places:
            problems.append(errors.invalid_value(f"{where}.mountPath", mount.mount_path, "must be unique"))
        places.add(mount.mount_path or "")
        if mount.sub_path:
            problems += checks.relative_path(f"{where}.subPath", mount.sub_path)
        if mount.sub_path_expr:
            problems += checks.relative_path(f"{where}.subPathExpr", mount.sub_path_expr)
            if mount.sub_path:
                problems.append(
                    errors.invalid_value(f"{where}.subPathExpr", mount.sub_path_expr, "subPathExpr and subPath are mutually exclusive")
                )
        problems += one_of(
            f"{where}.mountPropagation", mount.mount_propagation, ("Bidirectional", "HostToContainer", "None"), optional=True
        )
    for index, device in enumerate(container.volume_devices or ()):
        where = f"{path}.volumeDevices[{index}]"
        problems += needed(f"{where}.name", device.name) + needed(f"{where}.devicePath", device.device_path)
        if device.name and device.name not in by_name:
            problems.append(errors.not_found_field(f"{where}.name", device.name))
    return problems
