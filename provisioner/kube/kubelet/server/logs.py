"""Containers' logs: what Docker kept of a container's output, as `kubectl logs` asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aiohttp import web

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.meta import parse_time
from provisioner.kube.kubelet.errors import DockerError
from provisioner.kube.kubelet.pod.decide import find_container, newest
from provisioner.kube.kubelet.runtime.containers import Container
from provisioner.kube.kubelet.runtime.docker import Docker


@dataclass(frozen=True, slots=True)
class LogOptions:
    """PodLogOptions. `stream` is All, Stdout or Stderr."""

    docker: dict[str, str]
    previous: bool
    limit_bytes: int | None
    stream: str

    @classmethod
    def of(cls, request: web.Request) -> LogOptions:
        """Raises HTTPUnprocessableEntity for what can't be meant."""
        query = request.query

        def on(name: str) -> bool:
            return query.get(name, "").lower() in ("1", "true")

        docker: dict[str, str] = {}
        try:
            if query.get("tailLines"):
                docker["tail"] = str(_natural(query["tailLines"]))
            if query.get("sinceSeconds"):
                since = datetime.now(UTC) - timedelta(seconds=_natural(query["sinceSeconds"]))
                docker["since"] = f"{since.timestamp():.6f}"
            elif query.get("sinceTime"):
                moment = parse_time(query["sinceTime"])
                docker["since"] = f"{moment.timestamp():.6f}" if moment else "0"
            limit = _natural(query["limitBytes"]) if query.get("limitBytes") else None
        except ValueError as error:
            raise web.HTTPUnprocessableEntity(text=f"invalid log options: {error}\n") from error
        if on("follow"):
            docker["follow"] = "true"
        if on("timestamps"):
            docker["timestamps"] = "true"
        return cls(docker, on("previous"), limit, query.get("stream") or "All")


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(f"{text}: must be greater than or equal to 0")
    return number


def choose(pod: core_v1.Pod, name: str, containers: list[Container], *, previous: bool) -> Container:
    """The container whose log is meant. Raises HTTPNotFound or HTTPBadRequest with upstream's words."""
    pod_name = pod.metadata.name
    if find_container(pod, name) is None:
        raise web.HTTPNotFound(text=f'container "{name}" not found in pod "{pod_name}"\n')
    found = newest(containers, name)
    if previous:
        before = newest([c for c in containers if found is not None and c.attempt < found.attempt], name)
        if before is None and found is not None and found.exited and found.attempt == 0:
            before = found
        if before is None:
            raise web.HTTPBadRequest(text=f'previous terminated container "{name}" in pod "{pod_name}" not found\n')
        return before
    if found is None:
        statuses = [
            *(pod.status.init_container_statuses or ()),
            *(pod.status.container_statuses or ()),
            *(pod.status.ephemeral_container_statuses or ()),
        ]
        state = next((s.state for s in statuses if s.name == name), None)
        reason = (state.waiting.reason if state is not None and state.waiting is not None else "") or "ContainerCreating"
        if reason in ("ErrImagePull", "ImagePullBackOff"):
            text = "trying and failing to pull image" if reason == "ImagePullBackOff" else "image can't be pulled"
            reason = text
        raise web.HTTPBadRequest(text=f'container "{name}" in pod "{pod_name}" is waiting to start: {reason}\n')
    return found


async def lines(docker: Docker, container: Container, options: LogOptions) -> AsyncIterator[bytes]:
    """The log's bytes, up to the limit."""
    left = options.limit_bytes
    wanted = {"All": (1, 2), "Stdout": (1,), "Stderr": (2,)}.get(options.stream, (1, 2))
    async with aclosing(docker.logs(container.id, tty=container.tty, **options.docker)) as pieces:  # type: ignore[type-var]  # a generator
        async for number, data in pieces:
            if number not in wanted:
                continue
            if left is not None:
                data = data[:left]
                left -= len(data)
            yield data
            if left is not None and left <= 0:
                return


async def serve(request: web.Request, docker: Docker, container: Container, options: LogOptions) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8"})
    response.enable_chunked_encoding()
    # A follower is told at once that there is a log, though nothing may be in it yet.
    began = "follow" in options.docker
    try:
        if began:
            await response.prepare(request)
        async for data in lines(docker, container, options):
            if not began:
                began = True
                await response.prepare(request)
            await response.write(data)
        if not began:
            await response.prepare(request)
        await response.write_eof()
    except DockerError as error:
        if not began:
            raise web.HTTPInternalServerError(text=f"the log can't be read: {error}\n") from error
        response.force_close()
    except ConnectionError:
        # The reader has gone.
        response.force_close()
    return response
