"""Proves that an image's files come whole or not at all, that its container goes again, and what is told when something is wrong."""

from __future__ import annotations

import io
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.kubelet.errors import ContainerRefused, DockerError, VolumeError
from provisioner.kube.kubelet.runtime.docker_types import Image
from provisioner.kube.kubelet.volume.image_files import ImageFiles, unpack

SECRET = {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "eyJhdXRocyI6eyJyLmlvIjp7InVzZXJuYW1lIjoidSJ9fX0="}}
POD = {"metadata": {"name": "p", "namespace": "d", "uid": "u"}, "spec": {"containers": [], "imagePullSecrets": [{"name": "s"}]}}


def archive() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, mode in (("models/weights", 0o600), ("run", 0o4755)):
            info = tarfile.TarInfo(name)
            info.size, info.mode = 5, mode
            tar.addfile(info, io.BytesIO(b"12345"))
    return made.getvalue()


class Node:
    """Docker, its images and the API's secrets, all in one."""

    def __init__(self, content: bytes = b"") -> None:
        self.content = content or archive()
        self.left: list[str] = []
        self.created = 0
        self.asked: list[tuple[str, str | None, list[Any]]] = []
        self.broken = False

    async def secret(self, _: str, __: str) -> core_v1.Secret:
        return codec.decode_dict(core_v1.Secret, SECRET)

    async def ensure(self, _: object, reference: str, policy: str | None, credentials: list[Any]) -> Image:
        self.asked.append((reference, policy, credentials))
        if reference == "none":
            raise ContainerRefused("ErrImagePull", "no such image")
        return Image(id="sha256:1")

    @asynccontextmanager
    async def unstarted(self, image_id: str) -> AsyncIterator[str]:
        assert image_id == "sha256:1"
        self.created += 1
        self.left.append("id")
        try:
            yield "id"
        finally:
            self.left.remove("id")

    async def stream(self, method: str, path: str) -> AsyncIterator[bytes]:
        assert (method, path) == ("GET", "/containers/id/export")
        for at in range(0, len(self.content), 1000):
            yield self.content[at : at + 1000]
        if self.broken:
            raise DockerError(0, "dockerd ended the answer")

    def files(self) -> ImageFiles:
        return ImageFiles(self, self, self)  # type: ignore[arg-type]  # all three faces are ours


async def filled(node: Node, folder: Path, reference: str = "r.io/model:1") -> None:
    volume = codec.decode_dict(core_v1.Volume, {"name": "v", "image": {"reference": reference, "pullPolicy": "Always"}})
    await node.files().fill(codec.decode_dict(core_v1.Pod, POD), volume, folder)


async def test_files_come_with_their_rights_and_only_once(tmp_path: Path) -> None:
    node = Node()
    for _ in range(2):
        await filled(node, tmp_path / "v")
    assert (tmp_path / "v/models/weights").read_text() == "12345"
    assert [(tmp_path / "v" / name).stat().st_mode & 0o7777 for name in ("models/weights", "run")] == [0o600, 0o4755]
    assert (node.created, node.left, [p.name for p in tmp_path.iterdir()]) == (1, [], ["v"])
    (reference, policy, credentials) = node.asked[0]
    assert (reference, policy, [c["username"] for c in credentials]) == ("r.io/model:1", "Always", ["u"])


async def test_an_image_that_does_not_come_is_the_containers_reason(tmp_path: Path) -> None:
    with pytest.raises(ContainerRefused, match="no such image"):
        await filled(Node(), tmp_path / "v", "none")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("content", "broken", "error"), [(b"no archive" * 100, False, VolumeError), (b"", True, DockerError)])
async def test_half_of_an_image_is_no_volume(tmp_path: Path, content: bytes, broken: bool, error: type[Exception]) -> None:
    node = Node(content)
    node.broken = broken
    with pytest.raises(error):
        await filled(node, tmp_path / "v")
    assert (node.left, (tmp_path / "v").exists()) == ([], False)
    node.content, node.broken = archive(), False
    await filled(node, tmp_path / "v")
    assert (tmp_path / "v/run").exists()


async def test_what_tar_complains_of_is_told(tmp_path: Path) -> None:
    async def nonsense() -> AsyncIterator[bytes]:
        yield b"x" * 2048

    assert (await unpack(nonsense(), tmp_path)).startswith("tar: ")
