"""Proves that a short node gives back what nobody needs first, evicts one pod at a time, and tells when its conditions change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.client.clock import FakeClock
from provisioner.kube.kubelet.node.eviction import Evictor, directory_bytes, observe
from provisioner.kube.kubelet.node.pressure import Observation, Usage, threshold

MI = 1024**2
NODE = core_v1.ObjectReference(kind="Node", name="n", uid="n")


def pod(name: str, **spec: Any) -> core_v1.Pod:
    return codec.decode_dict(core_v1.Pod, {"metadata": {"name": name, "uid": name}, "spec": {"containers": [{"name": "main"}], **spec}})


class World:
    """The node, its pods, and whatever is done to them."""

    def __init__(self, *pods: core_v1.Pod) -> None:
        self.pods = list(pods)
        self.seen = {"memory.available": Observation(500 * MI, 1000 * MI), "imagefs.available": Observation(50, 100)}
        self.evicted: list[tuple[str, str, int]] = []
        self.reclaimed_to: Observation | None = None
        self.reclaims = self.changes = 0
        self.events: list[str] = []
        self.used: Mapping[str, tuple[Usage, Mapping[str, int]]] = {}
        self.clock = FakeClock()
        thresholds = [threshold("memory.available", "100Mi"), threshold("imagefs.available", "15%")]
        recorder: Any = self
        self.evictor = Evictor(thresholds, 300.0, self.watch, self, self, self.reclaim, recorder, NODE, self.clock, changed=self.change)

    def watch(self) -> dict[str, Observation]:
        return self.seen

    def all(self) -> Iterable[core_v1.Pod]:
        return self.pods

    def evict(self, uid: str, message: str, grace_s: int) -> None:
        self.evicted.append((uid, message, grace_s))

    def event(self, _: Any, type_: str, reason: str, message: str) -> None:
        self.events.append(f"{type_} {reason} {message}")

    def change(self) -> None:
        self.changes += 1

    async def memory(self) -> Mapping[str, Mapping[str, int]]:
        return {"big": {"main": 400 * MI}, "small": {"main": 10 * MI}}

    async def storage(self, pods: Iterable[core_v1.Pod]) -> Mapping[str, tuple[Usage, Mapping[str, int]]]:
        return self.used

    async def reclaim(self) -> None:
        self.reclaims += 1
        if self.reclaimed_to is not None:
            self.seen["imagefs.available"] = self.reclaimed_to


async def test_a_well_node_evicts_nobody() -> None:
    world = World(pod("big"))
    await world.evictor.check()
    assert (world.evicted, world.events, world.evictor.conditions()) == ([], [], frozenset())


async def test_the_largest_goes_and_the_node_says_so() -> None:
    world = World(pod("small"), pod("big"))
    world.seen["memory.available"] = Observation(50 * MI, 1000 * MI)
    await world.evictor.check()
    ((uid, message, grace_s),) = world.evicted
    assert (uid, grace_s) == ("big", 0)
    assert message.startswith(
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. Container main was using 400Mi"
    )
    assert world.evictor.conditions() == {"MemoryPressure"}
    assert world.events == ["Warning EvictionThresholdMet Attempting to reclaim memory"]
    await world.evictor.check()
    assert world.changes == 1


async def test_images_go_before_pods() -> None:
    world = World(pod("big"))
    world.seen["imagefs.available"], world.reclaimed_to = Observation(5, 100), Observation(40, 100)
    await world.evictor.check()
    assert (world.reclaims, world.evicted) == (1, [])
    world.seen["imagefs.available"], world.reclaimed_to = Observation(5, 100), None
    await world.evictor.check()
    assert [uid for uid, *_ in world.evicted] == ["big"]


async def test_a_pod_over_its_own_storage_limit_goes_from_a_well_node() -> None:
    bounded = pod("full", volumes=[{"name": "cache", "emptyDir": {"sizeLimit": "1Mi"}}])
    world = World(bounded, pod("other"))
    world.used = {"full": (Usage(volumes=2 * MI), {"cache": 2 * MI})}
    await world.evictor.check()
    assert world.evicted == [("full", 'Usage of EmptyDir volume "cache" exceeds the limit "1Mi". ', 0)]


async def test_pods_that_end_already_are_left_alone() -> None:
    ending = pod("big")
    ending.metadata.deletion_timestamp = "2026-01-01T00:00:00Z"
    done = pod("small")
    done.status.phase = "Succeeded"
    world = World(ending, done)
    world.seen["memory.available"] = Observation(50 * MI, 1000 * MI)
    await world.evictor.check()
    assert world.evicted == []


async def test_what_is_seen_of_a_real_host(tmp_path: Path) -> None:
    seen = observe(tmp_path, tmp_path / "missing")
    assert {"memory.available", "pid.available", "nodefs.available"} <= set(seen)
    assert "imagefs.available" not in seen
    assert all(0 < one.available <= one.capacity for one in seen.values())
    (tmp_path / "a").write_bytes(b"x" * 10_000)
    assert await directory_bytes(tmp_path) >= 10_000
    assert await directory_bytes(tmp_path / "missing") == 0
