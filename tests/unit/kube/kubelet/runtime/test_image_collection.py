"""Proves which images are deleted when the disk is full: unused ones, longest unused first, as many as it takes."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api._generated import core_v1
from provisioner.kube.client.clock import FakeClock
from provisioner.kube.kubelet.errors import DockerError
from provisioner.kube.kubelet.runtime.docker_types import ImageSummary
from provisioner.kube.kubelet.runtime.image_collection import ImageCollector, Limits


class Node:
    """A disk of 100 bytes that holds what Docker has."""

    def __init__(self, limits: Limits = Limits(), **sizes: int) -> None:  # noqa: B008
        self.there = {name: ImageSummary(f"id-{name}", [f"{name}:1", f"{name}:latest"], None, size) for name, size in sizes.items()}
        self.in_use: set[str] = set()
        self.other_bytes = 0
        self.stuck: set[str] = set()
        self.events: list[str] = []
        self.clock = FakeClock()
        self.collector = ImageCollector(
            self,  # type: ignore[arg-type]
            limits,
            lambda: {f"id-{name}" for name in self.in_use},
            "pause:1",
            lambda: (sum(i.size for i in self.there.values()) + self.other_bytes, 100),
            self,  # type: ignore[arg-type]
            core_v1.ObjectReference(kind="Node", name="n"),
            self.clock,
        )

    async def images(self) -> list[ImageSummary]:
        return list(self.there.values())

    async def remove_image(self, name: str) -> None:
        image, _, tag = name.partition(":")
        if image in self.stuck:
            raise DockerError(409, "conflict")
        if tag == "latest":
            del self.there[image]

    def event(self, _: Any, type_: str, reason: str, message: str) -> None:
        self.events.append(f"{reason}: {message}")


async def test_nothing_goes_from_a_disk_with_room() -> None:
    node = Node(a=40, b=40)
    await node.collector.collect()
    await node.clock.advance(300)
    assert await node.collector.collect() == 0
    assert set(node.there) == {"a", "b"}


async def test_the_longest_unused_go_until_there_is_room() -> None:
    node = Node(a=20, b=20, used=20, pause=10)
    node.in_use = {"a", "used"}
    await node.collector.collect()
    await node.clock.advance(200)
    await node.collector.collect()
    node.in_use, node.other_bytes = {"used"}, 18
    assert await node.collector.collect() == 20
    assert set(node.there) == {"a", "used", "pause"}


async def test_young_images_stay_and_the_shortage_is_told() -> None:
    node = Node(young=90, pause=5)
    assert await node.collector.collect() == 0
    assert node.events == [
        "FreeDiskSpaceFailed: Failed to garbage collect required amount of images. Attempted to free 15 bytes, but only found 0 bytes eligible to free."
    ]
    await node.clock.advance(121)
    assert await node.collector.collect() == 90
    assert set(node.there) == {"pause"}


async def test_images_that_are_too_old_go_whatever_the_disk() -> None:
    node = Node(Limits(max_age_s=3600), old=1, used=1)
    node.in_use = {"used"}
    await node.collector.collect()
    await node.clock.advance(3601)
    assert await node.collector.collect() == 1
    assert set(node.there) == {"used"}


async def test_one_that_docker_keeps_stops_nothing() -> None:
    node = Node(a=10, b=10)
    node.stuck = {"a"}
    await node.collector.free_all()
    assert set(node.there) == {"a"}
