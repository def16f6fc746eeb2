"""Proves the pull policies, the back-off of what can't be pulled, and which credentials go to which registry."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from provisioner.kube.api._generated import core_v1
from provisioner.kube.client.clock import FakeClock
from provisioner.kube.kubelet.errors import ContainerRefused, DockerError
from provisioner.kube.kubelet.runtime.docker_types import Image
from provisioner.kube.kubelet.runtime.images import HUB, Images, credentials_of, default_policy, registry_of


class FakeDocker:
    def __init__(self, *there: str, pullable: bool = True) -> None:
        self.there, self.pullable = set(there), pullable
        self.pulls: list[Any] = []

    async def image(self, reference: str) -> Image | None:
        return Image(id=reference, size=7) if reference in self.there else None

    async def pull(self, reference: str, auth: Mapping[str, str] | None) -> None:
        self.pulls.append(auth["username"] if auth else None)
        if not self.pullable:
            raise DockerError(500, "denied")
        self.there.add(reference)


class Recorder:
    def __init__(self) -> None:
        self.reasons: list[str] = []

    def event(self, _: object, __: str, reason: str, message: str) -> None:
        self.reasons.append(reason + (message.removeprefix("Error") if message.startswith("Error: ") else ""))


ABOUT = core_v1.ObjectReference(name="p")


def images(docker: FakeDocker) -> tuple[Images, Recorder, FakeClock]:
    recorder, clock = Recorder(), FakeClock()
    return Images(docker, recorder, clock), recorder, clock  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reference", "policy", "there", "pulls"),
    [("a:1", None, True, 0), ("a:1", None, False, 1), ("a", None, True, 1), ("a:1", "Always", True, 1), ("a:1", "Never", True, 0)],
)
async def test_policies(reference: str, policy: str | None, there: bool, pulls: int) -> None:
    docker = FakeDocker(*([reference] if there else []))
    await images(docker)[0].ensure(ABOUT, reference, policy, ())
    assert len(docker.pulls) == pulls


async def reason(found: Images, reference: str, policy: str | None = None) -> str:
    with pytest.raises(ContainerRefused) as refused:
        await found.ensure(ABOUT, reference, policy, ())
    return refused.value.reason


async def test_what_is_never_pulled_and_what_is_no_name() -> None:
    found, _, _ = images(FakeDocker())
    assert await reason(found, "a:1", "Never") == "ErrImageNeverPull"
    assert await reason(found, "Bad Name") == "InvalidImageName"


async def test_a_failed_pull_waits_before_the_next() -> None:
    docker = FakeDocker(pullable=False)
    found, recorder, clock = images(docker)
    assert await reason(found, "a:1") == "ErrImagePull"
    assert await reason(found, "a:1") == "ImagePullBackOff" and found.retry_s("a:1") == 10
    await clock.advance(10)
    assert await reason(found, "a:1") == "ErrImagePull" and found.retry_s("a:1") == 20
    assert len(docker.pulls) == 2
    assert recorder.reasons[:5] == ["Pulling", "Failed", "Failed: ErrImagePull", "BackOff", "Failed: ImagePullBackOff"]
    await clock.advance(20)
    docker.pullable = True
    assert (await found.ensure(ABOUT, "a:1", None, ())).id == "a:1" and found.retry_s("a:1") == 0


@pytest.mark.parametrize(
    ("reference", "good"),
    [
        ("busybox", True),
        ("h.io:5000/a/b_c.d-e:V1.0", True),
        ("a@sha256:" + "0" * 64, True),
        ("a:1@sha256:" + "0" * 64, True),
        ("Busybox", False),
        ("h.io/Upper/x", False),
        ("a:", False),
        ("a b", False),
        ("a@sha256:12", False),
        ("", False),
    ],
)
async def test_names_of_images(reference: str, good: bool) -> None:
    found, recorder, _ = images(FakeDocker(reference))
    if good:
        await found.ensure(ABOUT, reference, "IfNotPresent", ())
    else:
        assert await reason(found, reference) == "InvalidImageName"
        assert recorder.reasons == ["InspectFailed", "Failed: InvalidImageName"]


def test_default_policy_and_registry() -> None:
    assert [default_policy(r) for r in ("a", "a:latest", "a:1", "h:5000/a", "a@sha256:1")] == ["Always"] * 2 + [
        "IfNotPresent",
        "Always",
        "IfNotPresent",
    ]
    assert [registry_of(r) for r in ("a", "lib/a:1", "localhost/a", "h:5000/a", "h.io/x/a")] == [HUB, HUB, "localhost", "h:5000", "h.io"]


def secret(key: str, document: Any) -> core_v1.Secret:
    encoded = base64.b64encode(msgspec.json.encode(document)).decode()
    return msgspec.convert({"data": {key: encoded}}, core_v1.Secret)


def test_both_kinds_of_pull_secrets() -> None:
    auth = base64.b64encode(b"user:pass:word").decode()
    new = credentials_of(
        secret(".dockerconfigjson", {"auths": {"https://h.io/v2/": {"auth": auth}, HUB: {"username": "u", "password": "p"}}})
    )
    assert new == [
        {"username": "user", "password": "pass:word", "serveraddress": "h.io"},
        {"username": "u", "password": "p", "serveraddress": HUB},
    ]
    old = credentials_of(secret(".dockercfg", {"h.io": {"auth": auth}}))
    assert old[0]["serveraddress"] == "h.io"
    assert credentials_of(core_v1.Secret()) == []


async def test_only_fitting_credentials_are_sent() -> None:
    docker = FakeDocker()
    mine = {"username": "me", "password": "", "serveraddress": "h.io"}
    other = {"username": "other", "password": "", "serveraddress": "x.io"}
    await images(docker)[0].ensure(ABOUT, "h.io/a:1", None, [other, mine])
    await images(docker)[0].ensure(ABOUT, "b:1", None, [other, mine])
    assert docker.pulls == ["me", None]
