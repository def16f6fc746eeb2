"""Disks: one pool of the lab's own (or one that the operator names), the base image in it, and each machine's overlay, seed and extra disks.

All volumes carry the lab's prefix in their names, so that they are found again whatever is known of the machines.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from provisioner.machines.errors import BaseImageError, MachineError
from provisioner.machines.libvirt import documents
from provisioner.machines.libvirt.connection import missing, told
from provisioner.machines.libvirt.spec import GivenImage, VmHost, VmLab

PARENT = "/var/lib/libvirt/images"
CHUNK = 1 << 20
GIB = 1 << 30
# What an overlay grows to before anything is installed, for the check that a pool has room: kernel, logs and packages of a first run.
OVERLAY_BYTES = 1 << 30


@dataclass(frozen=True)
class BaseImage:
    """An image file on this computer. `mark` tells it from others; `virtual_bytes` is the disk's size as a machine sees it."""

    path: Path
    mark: str
    format: str
    virtual_bytes: int
    cloud_init: bool


def given(image: GivenImage) -> BaseImage:
    """The operator's image, after its checksum was compared. Raises BaseImageError."""
    try:
        with image.path.open("rb") as file:
            form, size = inspect_image(file)
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as e:
        raise BaseImageError(
            f"machines.image: {image.path} can't be read: {e.strerror}", hint="give its path, relative to the inventory"
        ) from e
    if image.sha256 and digest != image.sha256:
        raise BaseImageError(
            f"machines.image: {image.path} has another checksum\n  | expected {image.sha256}\n  | found    {digest}",
            hint="get the image again: it is damaged, or not the one you mean",
        )
    return BaseImage(image.path, digest[:12], form, size, image.cloud_init)


def built(path: Path) -> BaseImage:
    """An image of `provisioner.images`; its name tells what it is made from."""
    with path.open("rb") as file:
        form, size = inspect_image(file)
    return BaseImage(path, path.stem, form, size, cloud_init=False)


def inspect_image(file: BinaryIO) -> tuple[str, int]:
    """Format and size of a disk image, by its first bytes (qcow2's header: magic, version, 8+4+4 bytes, size; all big-endian)."""
    head = file.read(32)
    if head[:4] == b"QFI\xfb":
        return "qcow2", struct.unpack(">Q", head[24:32])[0]
    return "raw", file.seek(0, 2)


def pool_name(lab: VmLab) -> str:
    return lab.pool or lab.prefix


def ensure_pool(connection: Any, lab: VmLab) -> Any:
    """The running pool; our own is made when it is not there, the operator's has to be."""
    name = pool_name(lab)
    with told(f"storage pool {name}"):
        pool = _find(connection.storagePoolLookupByName, name)
        if pool is None:
            if lab.pool:
                known = ", ".join(sorted(documents.names(connection.listAllStoragePools()))) or "none"
                raise MachineError(f"machines.pool: libvirt at {lab.uri} has no storage pool {name!r}", hint=f"its pools: {known}")
            pool = connection.storagePoolDefineXML(documents.render("pool.xml.j2", name=name, path=f"{PARENT}/{name}"))
        if not pool.isActive():
            if not lab.pool:
                pool.build()
            pool.create()
        pool.refresh()
    return pool


def check_room(pool: Any, image: BaseImage, machines: int) -> None:
    """Raises MachineError when the pool is too full for the image (if it is not there yet) and these many new overlays."""
    with told("storage pool"):
        free = pool.info()[3]
    wanted = image.path.stat().st_size + machines * OVERLAY_BYTES
    if machines and free < wanted:
        raise MachineError(
            f"storage pool {pool.name()} is full: {free >> 20} MiB are free, {wanted >> 20} are needed for {machines} machines",
            hint="make room, or set machines.pool to a larger one",
        )


def ensure_base(pool: Any, lab: VmLab, image: BaseImage, tell: Callable[[str], None]) -> str:
    """The base volume's path. A small second volume says that the upload ended: a half one is uploaded again."""
    name = f"{lab.prefix}.base-{image.mark}.{image.format}"
    volumes = _volumes(pool)
    if f"{name}.whole" not in volumes:
        tell(f"{image.path.name}: uploading to storage pool {pool.name()}")
        if name in volumes:
            volumes[name].delete()
        size = image.path.stat().st_size
        with told(f"uploading {image.path.name}"):
            volume = _make(pool, name, size, "raw", mode="0644")
            with image.path.open("rb") as file:
                upload(volume, file, size)
            _make(pool, f"{name}.whole", 1, "raw")
            pool.refresh()
    path: str = pool.storageVolLookupByName(name).path()
    return path


def ensure_disks(pool: Any, lab: VmLab, host: VmHost, image: BaseImage, base: str, seed: bytes) -> list[documents.Disk]:
    """The machine's disks, in the order of its slots: system, seed, extra ones. Those that are there stay as they are."""
    size = host.disk_gib * GIB
    if size < image.virtual_bytes:
        needed = -(-image.virtual_bytes // GIB)
        raise MachineError(
            f"host {host.name}: a disk of {host.disk_gib} GiB is smaller than its image", hint=f"set disk_gib to {needed} or more"
        )
    volumes = _volumes(pool)
    system, identity = volume_name(lab, host.name, "disk.qcow2"), volume_name(lab, host.name, "seed.iso")
    with told(f"host {host.name}: making its disks"):
        if system not in volumes:
            volumes[system] = _make(pool, system, size, "qcow2", backing=base, backing_format=image.format)
        if identity in volumes:
            volumes[identity].delete()
        volumes[identity] = _make(pool, identity, len(seed), "raw")
        _upload_bytes(volumes[identity], seed)
        disks = [documents.Disk(volumes[system].path()), documents.Disk(volumes[identity].path(), "raw", "seed", readonly=True)]
        for number, gib in enumerate(host.disks_gib, 1):
            name = volume_name(lab, host.name, f"disk{number}.qcow2")
            if name not in volumes:
                volumes[name] = _make(pool, name, gib * GIB, "qcow2")
            disks.append(documents.Disk(volumes[name].path(), serial=f"disk{number}"))
    return disks


def volume_name(lab: VmLab, host: str, part: str) -> str:
    return f"{lab.prefix}.{host}.{part}"


def console_path(pool: Any, lab: VmLab, host: str) -> str:
    """Where libvirt writes what the machine prints; in the pool, so that it can be read from afar."""
    return f"{documents.target_path(pool.XMLDesc())}/{volume_name(lab, host, 'console')}"


def read_console(connection: Any, lab: VmLab, host: str, limit: int) -> bytes:
    """The last `limit` bytes that the machine printed."""
    with told(f"host {host}: reading its console"):
        pool = _find(connection.storagePoolLookupByName, pool_name(lab))
        if pool is None or not pool.isActive():
            return b""
        pool.refresh()
        volume = _find(pool.storageVolLookupByName, volume_name(lab, host, "console"))
        if volume is None:
            return b""
        size = volume.info()[1]
        return download(volume, max(0, size - limit), limit)


def remove(connection: Any, lab: VmLab) -> None:
    """All volumes with the lab's prefix, and the pool when it is ours."""
    with told(f"removing storage pool {pool_name(lab)}"):
        pool = _find(connection.storagePoolLookupByName, pool_name(lab))
        if pool is None:
            return
        if pool.isActive():
            pool.refresh()
            # Overlays before what they stand on.
            for name, volume in sorted(_volumes(pool).items(), key=lambda item: (".base-" in item[0], item[0])):
                if name.startswith(f"{lab.prefix}."):
                    volume.delete()
        if lab.pool:
            return
        if pool.isActive():
            pool.destroy()
        _delete_folder(pool)
        pool.undefine()


def upload(volume: Any, file: BinaryIO, size: int) -> None:
    """The file's bytes into the volume."""
    stream = volume.connect().newStream()
    try:
        volume.upload(stream, 0, size)
        stream.sendAll(lambda _, count, source: source.read(min(count, CHUNK)), file)
    except BaseException:
        stream.abort()
        raise
    stream.finish()


def download(volume: Any, offset: int, length: int) -> bytes:
    stream = volume.connect().newStream()
    volume.download(stream, offset, length)
    parts: list[bytes] = []
    stream.recvAll(lambda _, data, into: into.append(data), parts)
    stream.finish()
    return b"".join(parts)


def _upload_bytes(volume: Any, data: bytes) -> None:
    import io

    upload(volume, io.BytesIO(data), len(data))


def _make(pool: Any, name: str, capacity: int, form: str, *, mode: str = "0600", backing: str = "", backing_format: str = "") -> Any:
    document = documents.render(
        "volume.xml.j2", name=name, capacity=capacity, format=form, mode=mode, backing=backing, backing_format=backing_format
    )
    return pool.createXML(document)


def _volumes(pool: Any) -> dict[str, Any]:
    return {volume.name(): volume for volume in pool.listAllVolumes()}


def _delete_folder(pool: Any) -> None:
    import libvirt

    try:
        pool.delete()
    except libvirt.libvirtError:
        pass  # somebody put a file into it, which then is theirs to remove; or it is gone already


def _find(look: Callable[[str], Any], name: str) -> Any:
    """None when there is no such thing."""
    import libvirt

    try:
        return look(name)
    except libvirt.libvirtError as e:
        if missing(e):
            return None
        raise


def parts(lab: VmLab, pool: Any) -> Iterator[str]:
    """Names of the lab's volumes."""
    return (name for name in _volumes(pool) if name.startswith(f"{lab.prefix}."))
