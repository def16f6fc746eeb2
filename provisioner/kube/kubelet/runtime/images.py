"""Images for containers: by the pull policy, with the pod's pull secrets, and with a back-off for those that don't come.

Reasons and events are upstream's: ErrImagePull, ImagePullBackOff, ErrImageNeverPull, InvalidImageName.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Mapping, Sequence

import msgspec

from provisioner.kube.api._generated import core_v1
from provisioner.kube.client.clock import Clock
from provisioner.kube.client.events import EventRecorder
from provisioner.kube.kubelet.errors import ContainerRefused, DockerError
from provisioner.kube.kubelet.pod.restart import Backoff
from provisioner.kube.kubelet.runtime.docker import Docker
from provisioner.kube.kubelet.runtime.docker_types import Image

# Guess: more at once only fight for the same link.
PARALLEL_PULLS = 3
# The grammar of image references (distribution/reference): [host[:port]/]path[:tag][@digest].
_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::\d+)?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(rf"^(?:{_HOST}/)?{_PART}(?:/{_PART})*(?::\w[\w.-]{{0,127}})?(?:@[a-zA-Z][a-zA-Z0-9]*:[0-9a-fA-F]{{32,}})?$")
HUB = "https://index.docker.io/v1/"


class Images:
    """Pulls are shared: two containers that want one image wait for the same pull."""

    def __init__(self, docker: Docker, recorder: EventRecorder, clock: Clock) -> None:
        self._docker, self._recorder, self._clock = docker, recorder, clock
        self._backoff = Backoff()
        self._failed: dict[str, str] = {}
        self._slots = asyncio.Semaphore(PARALLEL_PULLS)
        self._pulling: dict[str, asyncio.Lock] = {}

    async def ensure(
        self, about: core_v1.ObjectReference, reference: str, policy: str | None, credentials: Sequence[Mapping[str, str]]
    ) -> Image:
        """The image as Docker has it. Raises ContainerRefused with the reason; `retry_s` tells when a pull makes sense again."""
        if not _REFERENCE.match(reference):
            message = f'Failed to apply default image tag "{reference}": couldn\'t parse image name'
            self._recorder.event(about, "Warning", "InspectFailed", message)
            raise self._refused(about, "InvalidImageName", message)
        policy = policy or default_policy(reference)
        try:
            there = await self._docker.image(reference)
        except DockerError as error:
            message = f'Failed to inspect image "{reference}": {error.message}'
            self._recorder.event(about, "Warning", "InspectFailed", message)
            raise self._refused(about, "ImageInspectError", message) from error
        if there is not None and policy != "Always":
            text = f'Container image "{reference}" already present on machine and can be accessed by the pod'
            self._recorder.event(about, "Normal", "Pulled", text)
            return there
        if policy == "Never":
            message = f'Container image "{reference}" is not present with pull policy of Never'
            self._recorder.event(about, "Warning", "ErrImageNeverPull", message)
            raise self._refused(about, "ErrImageNeverPull", message)
        if self.retry_s(reference) > 0:
            message = f'Back-off pulling image "{reference}"'
            self._recorder.event(about, "Normal", "BackOff", message)
            raise self._refused(about, "ImagePullBackOff", f"{message}: {self._failed.get(reference, '')}")
        return await self._pull(about, reference, credentials)

    def _refused(self, about: core_v1.ObjectReference, reason: str, message: str) -> ContainerRefused:
        self._recorder.event(about, "Warning", "Failed", f"Error: {reason}")
        return ContainerRefused(reason, message)

    def retry_s(self, reference: str) -> float:
        """How long until a failed image is pulled again."""
        now = self._clock.now()
        since = self._backoff.since(reference)
        return self._backoff.remaining_s(reference, since, now) if since is not None else 0.0

    async def _pull(self, about: core_v1.ObjectReference, reference: str, credentials: Sequence[Mapping[str, str]]) -> Image:
        lock = self._pulling.setdefault(reference, asyncio.Lock())
        asked = self._clock.monotonic()
        try:
            async with lock, self._slots:
                began = self._clock.monotonic()
                self._recorder.event(about, "Normal", "Pulling", f'Pulling image "{reference}"')
                await self._try_each(reference, credentials)
                image = await self._docker.image(reference)
        except DockerError as error:
            self._backoff.next(reference, self._clock.now())
            self._failed[reference] = f"ErrImagePull: {error.message}"
            self._recorder.event(about, "Warning", "Failed", f'Failed to pull image "{reference}": {error.message}')
            raise self._refused(about, "ErrImagePull", error.message) from error
        finally:
            if not lock.locked():
                self._pulling.pop(reference, None)
        if image is None:
            raise ContainerRefused("ErrImagePull", f"image {reference} is gone right after its pull")
        self._backoff.forget(reference)
        now = self._clock.monotonic()
        text = f'Successfully pulled image "{reference}" in {now - began:.3f}s ({now - asked:.3f}s including waiting).'
        self._recorder.event(about, "Normal", "Pulled", f"{text} Image size: {image.size} bytes.")
        return image

    async def _try_each(self, reference: str, credentials: Sequence[Mapping[str, str]]) -> None:
        fitting = [c for c in credentials if c["serveraddress"] == registry_of(reference)]
        for number, auth in enumerate(fitting or [None]):
            try:
                await self._docker.pull(reference, auth)
                return
            except DockerError:
                if number >= len(fitting) - 1:
                    raise


def default_policy(reference: str) -> str:
    """Always for `:latest` (or no tag), else IfNotPresent."""
    tail = reference.rpartition("/")[2]
    if "@" in tail:
        return "IfNotPresent"
    return "Always" if tail.partition(":")[2] in ("", "latest") else "IfNotPresent"


def registry_of(reference: str) -> str:
    """The registry's host[:port], as Docker finds it in a reference; Docker Hub where there is none."""
    first, slash, _ = reference.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else HUB


def credentials_of(secret: core_v1.Secret) -> list[dict[str, str]]:
    """Docker's auth configurations in a pull secret of either type; none in one that can't be read."""
    data = secret.data or {}
    raw = data.get(".dockerconfigjson") or data.get(".dockercfg")
    if not raw:
        return []
    try:
        document = msgspec.json.decode(base64.b64decode(raw))
    except (ValueError, msgspec.DecodeError):
        return []
    entries = document.get("auths", {}) if ".dockerconfigjson" in data else document
    found = []
    for server, entry in entries.items():
        user, password = entry.get("username", ""), entry.get("password", "")
        if not user and entry.get("auth"):
            user, _, password = base64.b64decode(entry["auth"]).decode(errors="replace").partition(":")
        host = server if server == HUB else server.removeprefix("https://").removeprefix("http://").partition("/")[0]
        found.append({"username": user, "password": password, "serveraddress": HUB if host == "docker.io" else host})
    return found
