"""The files of an image as a volume (`volumes[].image`): a container that is never started gives them out, and tar puts them in the pod's folder.

A copy for each pod costs disk and time, and works with each of Docker's storage drivers; it goes with the pod, whatever becomes of the image.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from provisioner.kube.api._generated import core_v1
from provisioner.kube.kubelet.errors import VolumeError
from provisioner.kube.kubelet.runtime.docker import Docker
from provisioner.kube.kubelet.runtime.images import Images, credentials_of
from provisioner.kube.kubelet.volume.objects import ApiObjects

# A volume that takes longer is tried again: what has come meanwhile is thrown away.
COPY_S = 1800.0


class ImageFiles:
    """Safe to call again: a folder that is there is whole."""

    def __init__(self, docker: Docker, images: Images, objects: ApiObjects) -> None:
        self._docker, self._images, self._objects = docker, images, objects

    async def fill(self, pod: core_v1.Pod, volume: core_v1.Volume, folder: Path) -> None:
        """Raises ContainerRefused for an image that doesn't come, VolumeError for one that can't be unpacked, DockerError."""
        if folder.exists() or volume.image is None:
            return
        metadata = pod.metadata
        about = core_v1.ObjectReference(api_version="v1", kind="Pod", namespace=metadata.namespace, name=metadata.name, uid=metadata.uid)
        credentials = []
        for reference in pod.spec.image_pull_secrets or ():
            secret = await self._objects.secret(metadata.namespace or "", reference.name or "")
            credentials += credentials_of(secret) if secret is not None else []
        image = await self._images.ensure(about, volume.image.reference or "", volume.image.pull_policy, credentials)
        half = folder.with_name(f"{folder.name}.unpacking")
        await asyncio.to_thread(shutil.rmtree, half, ignore_errors=True)
        half.mkdir(parents=True)
        async with self._docker.unstarted(image.id) as container:
            try:
                async with asyncio.timeout(COPY_S):
                    problem = await unpack(self._docker.stream("GET", f"/containers/{container}/export"), half)
            except TimeoutError:
                problem = f"not unpacked within {COPY_S:.0f} s"
        if problem:
            raise VolumeError(volume.name or "", f'image "{volume.image.reference}": {problem}')
        half.rename(folder)


async def unpack(archive: AsyncIterator[bytes], folder: Path) -> str:
    """Put a tar archive's files in a folder, with their owners and rights; what tar complained of, "" for nothing."""
    command = ("tar", "--extract", "--preserve-permissions", "--numeric-owner", "--xattrs", "--directory", str(folder))
    # A file: a pipe that nobody reads while the archive is written could fill up.
    with tempfile.TemporaryFile() as complaints:
        nowhere = asyncio.subprocess.DEVNULL
        tar = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE, stdout=nowhere, stderr=complaints)
        assert tar.stdin is not None
        try:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                async for chunk in archive:
                    tar.stdin.write(chunk)
                    await tar.stdin.drain()
            tar.stdin.close()
            if await tar.wait() == 0:
                return ""
            complaints.seek(0)
            return (complaints.readline(4096).decode(errors="replace").strip()) or "tar failed"
        finally:
            if tar.returncode is None:
                tar.kill()
                await tar.wait()
