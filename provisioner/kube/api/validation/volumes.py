"""Volumes of pods and how containers mount them."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api import errors, names
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.checks import Once, name_needed, needed, one_of
from provisioner.kube.api.validation.containers import PULL_POLICIES
from provisioner.kube.api.validation.projections import downward, files, mode, projected
from provisioner.kube.api.validation.volume_sources import built_in


def volumes(found: list[core_v1.Volume] | None, path: str, *, pod: bool) -> tuple[dict[str, core_v1.Volume], list[FieldError]]:
    """(volumes by name, findings). What is a pod, and no template of one, says more."""
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
        problems += _source(volume, where, pod)
    return by_name, problems


def _source(volume: core_v1.Volume, path: str, pod: bool) -> list[FieldError]:
    problems: list[FieldError] = []
    if volume.empty_dir is not None and volume.empty_dir.size_limit is not None and checks.amount("", volume.empty_dir.size_limit):
        problems.append(errors.forbidden_field(f"{path}.emptyDir.sizeLimit", "SizeLimit field must be a valid resource quantity"))
    if volume.secret is not None:
        problems += needed(f"{path}.secret.secretName", volume.secret.secret_name)
        problems += files(volume.secret, f"{path}.secret")
    if volume.config_map is not None:
        problems += needed(f"{path}.configMap.name", volume.config_map.name) + files(volume.config_map, f"{path}.configMap")
    if volume.persistent_volume_claim is not None:
        problems += needed(f"{path}.persistentVolumeClaim.claimName", volume.persistent_volume_claim.claim_name)
    problems += built_in(volume, path)
    if volume.downward_api is not None:
        problems += mode(volume.downward_api.default_mode, f"{path}.downwardAPI.defaultMode")
        problems += downward(volume.downward_api.items, f"{path}.downwardAPI")
    if volume.projected is not None:
        problems += projected(volume.projected, f"{path}.projected")
    if volume.image is not None:
        if not volume.image.reference and pod:
            problems.append(errors.required(f"{path}.image.reference"))
        problems += one_of(f"{path}.image.pullPolicy", volume.image.pull_policy, PULL_POLICIES)
    if volume.ephemeral is not None:
        problems += needed(f"{path}.ephemeral.volumeClaimTemplate", volume.ephemeral.volume_claim_template)
    return problems


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
        if mount.mount_propagation is not None:
            problems += _propagation(container, mount.mount_propagation, f"{where}.mountPropagation")
        if mount.recursive_read_only not in (None, "Disabled"):
            problems += _read_only(mount, f"{where}.recursiveReadOnly")
    if container.volume_devices:
        problems += _devices(container, path, by_name, places)
    return problems


def _propagation(container: Any, value: str, path: str) -> list[FieldError]:
    problems = one_of(path, value, ("Bidirectional", "HostToContainer", "None"))
    context = container.security_context
    if value == "Bidirectional" and not (context is not None and context.privileged):
        message = "Bidirectional mount propagation is available only to privileged containers"
        problems.append(errors.forbidden_field(path, message))
    return problems


def _read_only(mount: core_v1.VolumeMount, path: str) -> list[FieldError]:
    if mount.recursive_read_only not in ("Enabled", "IfPossible"):
        return [errors.not_supported(path, mount.recursive_read_only, ("Disabled", "Enabled", "IfPossible"))]
    problems = []
    if not mount.read_only:
        problems.append(errors.forbidden_field(path, "may only be specified when readOnly is true"))
    if mount.mount_propagation not in (None, "None"):
        problems.append(errors.forbidden_field(path, "may only be specified when mountPropagation is None or not specified"))
    return problems


def _devices(container: Any, path: str, by_name: dict[str, core_v1.Volume], places: set[str]) -> list[FieldError]:
    """Block devices: claims alone have them, and none is mounted too."""
    problems = []
    mounted = {mount.name for mount in container.volume_mounts or ()}
    names_once, paths_once = Once(), Once()
    for index, device in enumerate(container.volume_devices):
        where = f"{path}.volumeDevices[{index}]"
        problems += needed(f"{where}.name", device.name) + needed(f"{where}.devicePath", device.device_path)
        volume = by_name.get(device.name or "")
        if device.name and volume is None:
            problems.append(errors.not_found_field(f"{where}.name", device.name))
        elif volume is not None and volume.persistent_volume_claim is None and volume.ephemeral is None:
            message = "can only use volume source type of PersistentVolumeClaim/Ephemeral for block mode"
            problems.append(errors.invalid_value(f"{where}.name", device.name, message))
        if device.name in mounted:
            problems.append(errors.invalid_value(f"{where}.name", device.name, "must not already exist in volumeMounts"))
        if device.device_path in places:
            message = "must not already exist as a path in volumeMounts"
            problems.append(errors.invalid_value(f"{where}.devicePath", device.device_path, message))
        problems += checks.no_way_up(f"{where}.devicePath", device.device_path or "")
        problems += names_once.add(f"{where}.name", device.name) + paths_once.add(f"{where}.devicePath", device.device_path)
    return problems
