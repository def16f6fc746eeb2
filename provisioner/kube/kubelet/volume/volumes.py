"""A pod's volumes: set up all at once before its containers start, refreshed while it runs, taken away when it has ended."""

from __future__ import annotations

import asyncio
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

import msgspec

from provisioner.kube.api import quantity
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.volume_match import is_for, reachable
from provisioner.kube.client.client import ConnectionFailed
from provisioner.kube.client.clock import Clock
from provisioner.kube.kubelet.errors import ContainerRefused, DockerError, VolumeError
from provisioner.kube.kubelet.pod.container_config import Device, Mount
from provisioner.kube.kubelet.pod.downward import Place
from provisioner.kube.kubelet.pod.environment import expand_whole
from provisioner.kube.kubelet.pod.resources import limits_of
from provisioner.kube.kubelet.volume import sub_paths
from provisioner.kube.kubelet.volume.contents import Contents
from provisioner.kube.kubelet.volume.image_files import ImageFiles
from provisioner.kube.kubelet.volume.mounting import mount_tmpfs, unmount
from provisioner.kube.kubelet.volume.objects import ApiObjects
from provisioner.kube.kubelet.volume.ownership import READ_WRITE, give, give_all, is_given
from provisioner.kube.kubelet.volume.payload import write_payload
from provisioner.kube.kubelet.volume.pod_files import pod_dir

PLUGINS = {
    "config_map": "kubernetes.io~configmap",
    "secret": "kubernetes.io~secret",
    "projected": "kubernetes.io~projected",
    "downward_api": "kubernetes.io~downward-api",
    "empty_dir": "kubernetes.io~empty-dir",
    "image": "kubernetes.io~image",
}
# What must not reach a disk.
IN_MEMORY = ("secret", "projected")


class Volumes:
    """All pods' volumes of this node. Every method may be called again: what is there already is kept."""

    def __init__(self, root: Path, objects: ApiObjects, images: ImageFiles, clock: Clock) -> None:
        self._root, self._objects, self._images, self._clock = root, objects, images, clock
        self._contents = Contents(objects)
        # (pod uid, volume) -> where it lies, for those outside the pod's folder
        self._elsewhere: dict[tuple[str, str], Path] = {}

    async def setup(self, pod: core_v1.Pod, place: Place) -> None:
        """Every volume of the pod, at the same time. Raises the first VolumeError, or ContainerRefused for an image that doesn't come."""
        results = await asyncio.gather(*(self._one(pod, v, place) for v in pod.spec.volumes or ()), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def refresh(self, pod: core_v1.Pod, place: Place) -> None:
        """Bring files up to date. Raises VolumeError; the files then stay as they were."""
        for volume in pod.spec.volumes or ():
            if plugin_of(volume) in ("config_map", "secret", "projected", "downward_api"):
                await self._one(pod, volume, place)

    async def _one(self, pod: core_v1.Pod, volume: core_v1.Volume, place: Place) -> None:
        name, uid = volume.name or "", pod.metadata.uid or ""
        kind = plugin_of(volume)
        group = pod.spec.security_context.fs_group if pod.spec.security_context else None
        try:
            if volume.host_path is not None:
                self._elsewhere[uid, name] = check_host_path(name, volume.host_path)
            elif volume.persistent_volume_claim is not None or volume.ephemeral is not None:
                # A generic ephemeral volume's claim is made by its controller, under this name.
                given = volume.persistent_volume_claim.claim_name if volume.persistent_volume_claim is not None else None
                claim_name = given or f"{pod.metadata.name}-{name}"
                self._elsewhere[uid, name] = await self._claimed(pod, name, claim_name, place, own=given is None)
            elif kind is None:
                raise VolumeError(name, unsupported(volume))
            else:
                folder = self._folder(uid, kind, name)
                if volume.image is not None:
                    await self._images.fill(pod, volume, folder)
                    return
                folder.mkdir(parents=True, exist_ok=True)
                if volume.empty_dir is not None:
                    _empty_dir(folder, volume.empty_dir, group, most_in_memory(pod.spec, place))
                    return
                files = await self._contents.of(pod, volume, place)
                if kind in IN_MEMORY:
                    mount_tmpfs(folder)
                write_payload(folder, files, self._clock.now(), group=group)
        except (StatusError, ConnectionFailed, DockerError, OSError) as error:
            raise VolumeError(name, str(error)) from error

    async def _claimed(self, pod: core_v1.Pod, name: str, claim_name: str, place: Place, *, own: bool) -> Path:
        claim = await self._objects.claim(pod.metadata.namespace or "", claim_name)
        if claim is None:
            raise VolumeError(name, f'persistentvolumeclaim "{claim_name}" not found')
        if own and not any(owner.controller and owner.uid == pod.metadata.uid for owner in claim.metadata.owner_references or ()):
            space = pod.metadata.namespace
            text = f"PVC {space}/{claim_name} was not created for pod {space}/{pod.metadata.name} (pod is not owner)"
            raise VolumeError(name, text)
        bound = claim.spec.volume_name or ""
        # Whoever makes a claim may name any volume: it is his once the controller has bound both to each other.
        if not bound or claim.status.phase != "Bound":
            raise VolumeError(name, f'persistentvolumeclaim "{claim_name}" is not bound')
        found = await self._objects.persistent_volume(bound)
        if found is None:
            raise VolumeError(name, f'persistentvolume "{bound}" not found')
        if not is_for(found, claim):
            raise VolumeError(name, f'persistentvolume "{bound}" is bound to another claim')
        if found.spec.node_affinity is not None:
            # A pod that was bound past the scheduler would see another disk under the same path.
            node = await self._objects.node(place.node_name)
            if node is not None and not reachable(found, node):
                raise VolumeError(bound, "no matching NodeSelectorTerms", step="NodeAffinity check failed")
        block = found.spec.volume_mode == "Block"
        check_use(pod, name, block=block)
        if found.spec.host_path is not None and not block:
            path = check_host_path(name, found.spec.host_path)
        elif found.spec.local is not None:
            kind = "BlockDevice" if block else "Directory"
            path = check_host_path(name, core_v1.HostPathVolumeSource(path=found.spec.local.path, type=kind))
        else:
            raise VolumeError(name, unsupported(found.spec))
        others = any(there == path and uid != pod.metadata.uid for (uid, _), there in self._elsewhere.items())
        if others and "ReadWriteOncePod" in (found.spec.access_modes or ()):
            raise VolumeError(name, "volume uses the ReadWriteOncePod access mode and is already in use by another pod")
        if found.spec.local is not None and not block and not others:
            await _to_group(pod, name, path)
        return path

    def _folder(self, uid: str, kind: str, name: str) -> Path:
        return pod_dir(self._root, uid) / "volumes" / PLUGINS[kind] / name

    def path(self, pod_uid: str, volume: core_v1.Volume) -> Path:
        """Where a volume lies that was set up."""
        found = self._elsewhere.get((pod_uid, volume.name or ""))
        if found is not None:
            return found
        return self._folder(pod_uid, plugin_of(volume) or "empty_dir", volume.name or "")

    def mounts(self, pod: core_v1.Pod, container: core_v1.Container, variables: Mapping[str, str]) -> list[Mount]:
        """The container's volumeMounts. Raises ContainerRefused."""
        volumes = {v.name: v for v in pod.spec.volumes or ()}
        made = []
        for index, mount in enumerate(container.volume_mounts or ()):
            volume = volumes.get(mount.name)
            if volume is None:
                raise ContainerRefused("CreateContainerConfigError", f'cannot find volume "{mount.name}" to mount into container')
            if mount.recursive_read_only == "Enabled":
                text = f'volume "{mount.name}" requested recursive read-only mode, but it is not supported by the runtime'
                raise ContainerRefused("CreateContainerConfigError", text)
            host = self.path(pod.metadata.uid or "", volume)
            sub_path = expand_whole(mount.sub_path_expr, variables) if mount.sub_path_expr else mount.sub_path
            if sub_path and volume.image is not None and not (host / sub_path).exists():
                text = f'failed to mount image volume "{mount.name}": subPath "{sub_path}" does not exist in the image'
                raise ContainerRefused("CreateContainerError", text)
            if sub_path:
                name, owner = mount.name or "", container.name or ""
                place = pod_dir(self._root, pod.metadata.uid or "") / "volume-subpaths" / name / owner / str(index)
                try:
                    host = sub_paths.mount(host, sub_path, owner, place)
                except OSError as error:
                    text = f'failed to prepare subPath for volumeMount "{name}" of container "{owner}": {error}'
                    raise ContainerRefused("CreateContainerConfigError", text) from error
            claimed = volume.persistent_volume_claim
            read_only = bool(mount.read_only) or volume.image is not None or (claimed is not None and bool(claimed.read_only))
            made.append(Mount(host, mount.mount_path or "", read_only, mount.mount_propagation or "None"))
        return made

    def devices(self, pod: core_v1.Pod, container: core_v1.Container) -> list[Device]:
        """The container's volumeDevices."""
        volumes = {v.name: v for v in pod.spec.volumes or ()}
        made = []
        for device in container.volume_devices or ():
            volume = volumes[device.name]
            claimed = volume.persistent_volume_claim
            read_only = claimed is not None and bool(claimed.read_only)
            made.append(Device(self.path(pod.metadata.uid or "", volume), device.device_path or "", read_only))
        return made

    def teardown(self, pod_uid: str) -> None:
        """Unmount and delete everything of a pod, its files and termination messages too."""
        folder = pod_dir(self._root, pod_uid)
        unmount(folder)
        shutil.rmtree(folder, ignore_errors=True)
        for key in [key for key in self._elsewhere if key[0] == pod_uid]:
            del self._elsewhere[key]
        self._objects.forget_pod(pod_uid)

    def pods(self) -> set[str]:
        """Uids that have a folder."""
        pods = self._root / "pods"
        return {path.name for path in pods.iterdir()} if pods.is_dir() else set()


def plugin_of(volume: core_v1.Volume) -> str | None:
    return next((kind for kind in PLUGINS if getattr(volume, kind) is not None), None)


def unsupported(source: core_v1.Volume | core_v1.PersistentVolumeSpec) -> str:
    """Why a volume of a kind that is not ours can't be mounted: upstream's words for a driver that nobody has registered."""
    if source.csi is not None:
        name = source.csi.driver
        return f"kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name {name} not found in the list of registered CSI drivers"
    own = ("name", "access_modes", "capacity", "claim_ref", "mount_options", "node_affinity", "volume_mode")
    kind = next((f for f in source.__struct_fields__ if f not in own and isinstance(getattr(source, f), msgspec.Struct)), "this kind")
    return f"no volume plugin matched: {kind.replace('_', '')} is not supported on this node"


def check_use(pod: core_v1.Pod, volume: str, *, block: bool) -> None:
    """A device is no folder, and a folder no device. Raises VolumeError."""
    mode, wrong = ("Block", "volumeMounts") if block else ("Filesystem", "volumeDevices")
    for container in (*(pod.spec.init_containers or ()), *(pod.spec.containers or ())):
        uses = container.volume_mounts if block else container.volume_devices
        if any(use.name == volume for use in uses or ()):
            raise VolumeError(volume, f"volume {volume} has volumeMode {mode}, but is specified in {wrong}")


def most_in_memory(spec: core_v1.PodSpec, place: Place) -> int:
    """Bytes that a volume in memory may have unless it says less: what the pod's limits are, or else the node has."""
    limits = [quantity.value(limits_of(c)["memory"]) for c in spec.containers or () if limits_of(c).get("memory")]
    of_pod = quantity.value(((spec.resources.limits if spec.resources else None) or {}).get("memory", 0))
    return min(filter(None, (of_pod or sum(limits), place.allocatable.get("memory", 0))), default=0)


async def _to_group(pod: core_v1.Pod, volume: str, path: Path) -> None:
    """A local volume becomes the pod's fsGroup's."""
    asked = pod.spec.security_context
    if asked is None or asked.fs_group is None:
        return
    if any(v.name == volume and v.persistent_volume_claim and v.persistent_volume_claim.read_only for v in pod.spec.volumes or ()):
        return
    if asked.fs_group_change_policy != "OnRootMismatch" or not is_given(path, asked.fs_group):
        await asyncio.to_thread(give_all, path, asked.fs_group, READ_WRITE)


def _empty_dir(folder: Path, source: core_v1.EmptyDirVolumeSource, group: int | None, most_bytes: int) -> None:
    if source.medium == "Memory":
        mount_tmpfs(folder, size_bytes=min(filter(None, (quantity.value(source.size_limit or 0), most_bytes)), default=0))
    folder.chmod(0o777)
    if group is not None:
        give(folder, group, READ_WRITE)


_CHECKS = {
    "Directory": (stat.S_ISDIR, "a directory"),
    "DirectoryOrCreate": (stat.S_ISDIR, "a directory"),
    "File": (stat.S_ISREG, "a file"),
    "FileOrCreate": (stat.S_ISREG, "a file"),
    "Socket": (stat.S_ISSOCK, "a socket file"),
    "CharDevice": (stat.S_ISCHR, "a character device"),
    "BlockDevice": (stat.S_ISBLK, "a block device"),
}


def check_host_path(volume: str, source: core_v1.HostPathVolumeSource) -> Path:
    """The path, made where its type says so. Raises VolumeError with upstream's words."""
    path = Path(source.path or "/")
    if source.type == "DirectoryOrCreate" and not path.exists():
        path.mkdir(parents=True)
        path.chmod(0o755)
    elif source.type == "FileOrCreate" and not path.exists():
        path.touch()
        path.chmod(0o644)
    if source.type:
        is_right, what = _CHECKS[source.type]
        if not path.exists() or not is_right(path.stat().st_mode):
            raise VolumeError(volume, f"hostPath type check failed: {path} is not {what}")
    return path
