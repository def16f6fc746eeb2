"""Proves that who attaches to a container that has just ended is told so, and doesn't wait for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from provisioner.kube.kubelet.runtime.docker import Docker
from provisioner.kube.kubelet.runtime.docker_stream import DockerStream
from provisioner.kube.kubelet.server import remote_command
from provisioner.kube.kubelet.server.remote_command import Options, attach_session
from provisioner.kube.kubelet.server.remote_streams import RemoteStreams


class Ended:
    """A container that has ended, with `said` on its joined stream: None where Docker joined it too late."""

    def __init__(self, said: bytes | None) -> None:
        self.said = said

    async def attach(self, _: str, *, stdin: bool, tty: bool) -> DockerStream:
        reader = asyncio.StreamReader()
        if self.said is not None:
            reader.feed_data(self.said)
            reader.feed_eof()
        return DockerStream(reader, cast(asyncio.StreamWriter, Writer(reader)), tty=tty)

    async def wait(self, _: str, __: float) -> int:
        return 0


class Writer:
    def __init__(self, reader: asyncio.StreamReader) -> None:
        self.reader = reader

    def close(self) -> None:
        self.reader.feed_eof()

    async def wait_closed(self) -> None:
        return


class Client:
    def __init__(self) -> None:
        self.out = b""
        self.end: dict[str, Any] = {}

    async def stdin(self) -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    async def sizes(self) -> AsyncIterator[tuple[int, int]]:
        await asyncio.Event().wait()
        yield 0, 0

    async def write(self, _: int, data: bytes) -> None:
        self.out += data

    async def finish(self, status: dict[str, Any]) -> None:
        self.end = status


@pytest.mark.parametrize(("said", "status"), [(b"hi", "Success"), (b"", "Success"), (None, "Failure")])
async def test_attaching_to_what_has_ended(said: bytes | None, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_command, "SILENT_S", 0.0)
    client = Client()
    session = attach_session(cast(Docker, Ended(said)), "c", Options(True, True, False, True), tty=True)
    async with asyncio.timeout(5):
        await session(cast(RemoteStreams, client))
    assert (client.out, client.end["status"]) == (said or b"", status)
