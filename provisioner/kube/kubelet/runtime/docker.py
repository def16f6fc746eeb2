"""The Docker Engine API over its unix socket, as far as a kubelet needs it. Source: Docker Engine API v1.41 (Docker 20.10).

Every call has a deadline; streams (events, logs, pulls) have none, and end with their connection. Errors are DockerError.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import msgspec

from provisioner.kube.kubelet.errors import DockerError
from provisioner.kube.kubelet.runtime import docker_types as types
from provisioner.kube.kubelet.runtime.docker_stream import DockerStream, demultiplex, hijack

T = TypeVar("T")

API = "/v1.41"
# dockerd answers at once except under heavy load; starting a container may wait for the disk.
CALL_S = 120.0
STREAMS = 512
MAX_LINE_BYTES = 1024 * 1024


class Docker:
    """One dockerd. Safe to share in one event loop."""

    def __init__(self, socket: str | Path) -> None:
        self.socket = Path(str(socket).removeprefix("unix://"))
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.UnixConnector(path=str(self.socket), limit=STREAMS, keepalive_timeout=60)
            self._session = aiohttp.ClientSession(connector=connector, read_bufsize=256 * 1024)
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: Mapping[str, str] | None = None,
        timeout_s: float = CALL_S,
        ok: tuple[int, ...] = (),
    ) -> bytes:
        """One request; the answer's body. Codes below 400 and those in `ok` are successes."""
        data = msgspec.json.encode(body) if body is not None else None
        headers = {"Content-Type": "application/json"} if body is not None else {}
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        try:
            async with self.session.request(
                method, f"http://docker{API}{path}", params=params, data=data, headers=headers, timeout=timeout
            ) as response:
                answer = await response.read()
                if response.status >= 400 and response.status not in ok:
                    raise DockerError(response.status, _message(answer))
                return answer
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise DockerError(0, f"no answer of dockerd at {self.socket}: {str(error) or type(error).__name__}") from error

    async def get(self, kind: type[T], path: str, **params: str) -> T:
        return msgspec.json.decode(await self.call("GET", path, params=params), type=kind)

    async def stream(
        self, method: str, path: str, body: Any = None, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[bytes]:
        """A response's chunks as they come, without a deadline."""
        data = msgspec.json.encode(body) if body is not None else None
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
        sent = {"Content-Type": "application/json", **(headers or {})} if body is not None else dict(headers or {})
        try:
            async with self.session.request(
                method, f"http://docker{API}{path}", params=params, data=data, headers=sent, timeout=timeout
            ) as response:
                if response.status >= 400:
                    raise DockerError(response.status, _message(await response.read()))
                async for chunk in response.content.iter_any():
                    yield chunk
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise DockerError(0, f"dockerd at {self.socket} ended the answer: {str(error) or type(error).__name__}") from error

    # -- the daemon ------------------------------------------------------------------------------------------------

    async def version(self) -> types.Version:
        return await self.get(types.Version, "/version")

    async def ping(self) -> None:
        await self.call("GET", "/_ping", timeout_s=10)

    async def info(self) -> dict[str, Any]:
        return await self.get(dict[str, Any], "/info")

    async def events(self, since_ns: int = 0) -> AsyncIterator[types.Event]:
        """Containers' events, from `since_ns` (Unix time) on where given; ends with a DockerError when dockerd does."""
        params = {"filters": '{"type":["container"]}'}
        if since_ns:
            params["since"] = f"{since_ns // 10**9}.{since_ns % 10**9:09d}"
        decoder = msgspec.json.Decoder(types.Event)
        async for line in _lines(self.stream("GET", "/events", params=params)):
            yield decoder.decode(line)

    # -- containers ------------------------------------------------------------------------------------------------

    async def create(self, name: str, config: types.Body) -> str:
        answer = await self.call("POST", "/containers/create", config, params={"name": name})
        created: str = msgspec.json.decode(answer)["Id"]
        return created

    @asynccontextmanager
    async def unstarted(self, image_id: str) -> AsyncIterator[str]:
        """A container of an image that never runs, to read files from."""
        # An image that is only files has no command, and Docker wants one.
        config = {"Image": image_id, "Cmd": ["/"], "NetworkDisabled": True}
        container: str = msgspec.json.decode(await self.call("POST", "/containers/create", config))["Id"]
        try:
            yield container
        finally:
            await self.remove(container)

    async def archive(self, container: str, path: str) -> bytes:
        """A file or folder as tar; nothing for one that isn't there."""
        try:
            return await self.call("GET", f"/containers/{container}/archive", params={"path": path})
        except DockerError as error:
            if error.status == 404:
                return b""
            raise

    async def start(self, container: str) -> None:
        await self.call("POST", f"/containers/{container}/start", ok=(304,))

    async def stop(self, container: str, grace_s: int) -> None:
        """SIGTERM, and SIGKILL after `grace_s`; returns when it has ended."""
        await self.call("POST", f"/containers/{container}/stop", params={"t": str(grace_s)}, timeout_s=CALL_S + grace_s, ok=(304, 404))

    async def kill(self, container: str, signal: str = "SIGKILL") -> None:
        await self.call("POST", f"/containers/{container}/kill", params={"signal": signal}, ok=(404, 409))

    async def update(self, container: str, resources: Mapping[str, int]) -> None:
        """Other resources for a running container."""
        await self.call("POST", f"/containers/{container}/update", dict(resources))

    async def inspect(self, container: str) -> types.Inspect:
        return await self.get(types.Inspect, f"/containers/{container}/json")

    async def written_bytes(self, container: str) -> int:
        """What a container has written over its image."""
        return int((await self.get(dict[str, Any], f"/containers/{container}/json", size="true")).get("SizeRw") or 0)

    async def containers(self, labels: tuple[str, ...] = ()) -> list[types.Summary]:
        filters = msgspec.json.encode({"label": labels}).decode() if labels else "{}"
        return await self.get(list[types.Summary], "/containers/json", all="true", filters=filters)

    async def remove(self, container: str) -> None:
        await self.call("DELETE", f"/containers/{container}", params={"v": "true", "force": "true"}, ok=(404, 409))

    async def wait(self, container: str, timeout_s: float) -> int:
        answer = await self.call("POST", f"/containers/{container}/wait", timeout_s=timeout_s)
        code: int = msgspec.json.decode(answer)["StatusCode"]
        return code

    async def stats(self, container: str) -> dict[str, Any]:
        """One sample, taken at once (no second one to compare with)."""
        return await self.get(dict[str, Any], f"/containers/{container}/stats", **{"stream": "false", "one-shot": "true"})

    async def logs(self, container: str, *, tty: bool, **options: str) -> AsyncIterator[tuple[int, bytes]]:
        """(1 or 2 for standard output or error, bytes) of a container's log; `options` are the API's (tail, since, follow, timestamps)."""
        params = {"stdout": "true", "stderr": "true", **options}
        chunks = self.stream("GET", f"/containers/{container}/logs", params=params)
        if tty:
            async for chunk in chunks:
                yield 1, chunk
        else:
            async for piece in demultiplex(chunks):
                yield piece

    async def resize(self, container: str, height: int, width: int) -> None:
        await self.call("POST", f"/containers/{container}/resize", params={"h": str(height), "w": str(width)}, ok=(400, 404, 409))

    async def attach(self, container: str, *, stdin: bool, tty: bool) -> DockerStream:
        query = f"stream=1&stdout=1&stderr=1&stdin={int(stdin)}"
        return await hijack(self.socket, f"{API}/containers/{container}/attach?{query}", b"", tty=tty)

    # -- commands inside containers --------------------------------------------------------------------------------

    async def exec_create(self, container: str, command: list[str], *, stdin: bool = False, tty: bool = False) -> str:
        body = {"AttachStdin": stdin, "AttachStdout": True, "AttachStderr": True, "Tty": tty, "Cmd": command}
        answer = await self.call("POST", f"/containers/{container}/exec", body)
        created: str = msgspec.json.decode(answer)["Id"]
        return created

    async def exec_attach(self, exec_id: str, *, tty: bool) -> DockerStream:
        """Start a command and be its terminal."""
        return await hijack(self.socket, f"{API}/exec/{exec_id}/start", msgspec.json.encode({"Detach": False, "Tty": tty}), tty=tty)

    async def exec_resize(self, exec_id: str, height: int, width: int) -> None:
        await self.call("POST", f"/exec/{exec_id}/resize", params={"h": str(height), "w": str(width)}, ok=(400, 404, 409, 500))

    async def exec_inspect(self, exec_id: str) -> types.ExecState:
        return await self.get(types.ExecState, f"/exec/{exec_id}/json")

    async def run(self, container: str, command: list[str], timeout_s: float, *, max_bytes: int = 16 * 1024) -> tuple[int, bytes]:
        """Run a command to its end: (exit code, output as far as `max_bytes`). Raises TimeoutError; the command then runs on."""
        async with asyncio.timeout(timeout_s):
            exec_id = await self.exec_create(container, command)
            output = b""
            chunks = self.stream("POST", f"/exec/{exec_id}/start", {"Detach": False, "Tty": False})
            async for _, data in demultiplex(chunks):
                output += data[: max_bytes - len(output)]
            state = await self.exec_inspect(exec_id)
            return (state.exit_code if state.exit_code is not None else -1), output

    # -- images ----------------------------------------------------------------------------------------------------

    async def image(self, reference: str) -> types.Image | None:
        try:
            return await self.get(types.Image, f"/images/{reference}/json")
        except DockerError as error:
            if error.status == 404:
                return None
            raise

    async def images(self) -> list[types.ImageSummary]:
        return await self.get(list[types.ImageSummary], "/images/json")

    async def remove_image(self, image_id: str) -> None:
        await self.call("DELETE", f"/images/{image_id}", ok=(404, 409))

    async def pull(self, reference: str, auth: Mapping[str, str] | None = None) -> None:
        """Pull one tag or digest. Raises DockerError with the registry's words."""
        repository, separator, tag = _split_reference(reference)
        params = {"fromImage": repository, "tag": tag} if separator != "@" else {"fromImage": f"{repository}@{tag}"}
        headers = {"X-Registry-Auth": base64.urlsafe_b64encode(msgspec.json.encode(dict(auth))).decode()} if auth else {}
        decoder = msgspec.json.Decoder(types.PullProgress)
        async for line in _lines(self.stream("POST", "/images/create", params=params, headers=headers)):
            progress = decoder.decode(line)
            if progress.error:
                raise DockerError(500, progress.error)


def _split_reference(reference: str) -> tuple[str, str, str]:
    """(repository, "@" or ":", digest or tag); the tag is `latest` where there is none."""
    if "@" in reference:
        repository, _, digest = reference.partition("@")
        return repository, "@", digest
    head, slash, tail = reference.rpartition("/")
    name, _, tag = tail.partition(":")
    return head + slash + name, ":", tag or "latest"


def _message(answer: bytes) -> str:
    try:
        message: str = msgspec.json.decode(answer)["message"]
        return message.strip()
    except (msgspec.DecodeError, KeyError, TypeError):
        return answer[:500].decode(errors="replace").strip()


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Lines (JSON documents) of a stream."""
    rest = b""
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            raise DockerError(0, f"a line of dockerd is longer than {MAX_LINE_BYTES} bytes")
        for line in whole:
            if line.strip():
                yield line
    if rest.strip():
        yield rest
