"""Proves when a node is short of something, for how long that is told, which pod goes first, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.kubelet.node.pressure import (
    Observation,
    Pressure,
    Usage,
    bounded_storage,
    eviction_message,
    may_go,
    rank,
    storage_problem,
    threshold,
)

MI = 1024**2
HARD = threshold("memory.available", "100Mi")
SOFT = threshold("memory.available", "300Mi", 30.0)
DISK = threshold("nodefs.available", "10%")


def pod(name: str, request: int = 0, priority: int = 0, **metadata: Any) -> core_v1.Pod:
    container = {"name": "main", "resources": {"requests": {"memory": str(request)}}}
    document = {"metadata": {"name": name, "uid": name, **metadata}, "spec": {"priority": priority, "containers": [container]}}
    return codec.decode_dict(core_v1.Pod, document)


@pytest.mark.parametrize(("signal", "text"), [("memory.free", "1Gi"), ("memory.available", "lots"), ("nodefs.available", "101%")])
def test_thresholds_that_make_no_sense(signal: str, text: str) -> None:
    with pytest.raises(ValueError):
        threshold(signal, text)


def test_a_soft_threshold_waits_and_starts_over() -> None:
    pressure = Pressure([HARD, SOFT])
    low = {"memory.available": Observation(200 * MI, 1000 * MI)}
    assert pressure.update(low, 0) == []
    assert pressure.update(low, 29) == []
    assert pressure.update(low, 30) == [SOFT]
    assert pressure.update({"memory.available": Observation(400 * MI, 1000 * MI)}, 40) == []
    assert pressure.update(low, 50) == []
    assert pressure.update({"memory.available": Observation(50 * MI, 1000 * MI)}, 90) == [HARD, SOFT]


def test_conditions_stay_for_the_transition() -> None:
    pressure = Pressure([DISK], transition_s=300)
    pressure.update({"nodefs.available": Observation(9, 100)}, 10)
    assert pressure.conditions(10) == {"DiskPressure"}
    pressure.update({"nodefs.available": Observation(11, 100)}, 20)
    assert pressure.conditions(309) == {"DiskPressure"}
    assert pressure.conditions(310) == frozenset()


def test_memory_comes_before_disks() -> None:
    seen = {"nodefs.available": Observation(1, 100), "memory.available": Observation(1, 1000 * MI)}
    assert Pressure([DISK, HARD]).update(seen, 0) == [HARD, DISK]


def test_those_over_their_request_go_first_then_low_priorities_then_the_largest() -> None:
    usage = {
        name: Usage(memory={"main": amount * MI})
        for name, amount in {"modest": 90, "greedy": 300, "greedier": 400, "important": 900}.items()
    }
    pods = [pod("modest", 100 * MI, -5), pod("important", 0, 10), pod("greedy"), pod("greedier"), pod("idle", 100 * MI)]
    assert [p.metadata.name for p in rank(pods, usage, "memory")] == ["greedier", "greedy", "important", "modest", "idle"]


def test_static_and_critical_pods_stay() -> None:
    assert not may_go(pod("s", annotations={"kubernetes.io/config.source": "file"}))
    assert not may_go(pod("c", priority=2_000_001_000))
    assert may_go(pod("p", priority=1_000_000_000))


def test_the_words() -> None:
    seen = Observation(50 * MI, 1000 * MI)
    message = eviction_message(HARD, seen, pod("p", 100 * MI), Usage(memory={"main": 250 * MI}))
    assert message == (
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. "
        "Container main was using 250Mi, request is 100Mi, has larger consumption of memory. "
    )
    assert eviction_message(DISK, Observation(5, 100), pod("p"), Usage()) == (
        "The node was low on resource: ephemeral-storage. Threshold quantity: 10, available: 5. "
    )


def stored(**limits: str) -> core_v1.Pod:
    containers = [{"name": name, "resources": {"limits": {"ephemeral-storage": limit}}} for name, limit in limits.items()]
    volumes = [{"name": "cache", "emptyDir": {"sizeLimit": "1Mi"}}, {"name": "ram", "emptyDir": {"medium": "Memory", "sizeLimit": "1"}}]
    return codec.decode_dict(
        core_v1.Pod, {"metadata": {"name": "p"}, "spec": {"containers": containers or [{"name": "c"}], "volumes": volumes}}
    )


def test_local_storage_has_limits() -> None:
    assert storage_problem(stored(), Usage(), {"cache": MI, "ram": 9}) is None
    assert storage_problem(stored(), Usage(), {"cache": MI + 1}) == 'Usage of EmptyDir volume "cache" exceeds the limit "1Mi". '
    assert storage_problem(stored(main="10Mi"), Usage(storage={"main": 11 * MI}), {}) == (
        'Container main exceeded its local ephemeral storage limit "10Mi". '
    )
    both = Usage(storage={"a": 10 * MI, "b": 10 * MI}, volumes=1)
    assert storage_problem(stored(a="10Mi", b="10Mi"), both, {}) == (
        "Pod ephemeral local storage usage exceeds the total limit of containers 20Mi. "
    )


def test_only_pods_with_limits_are_measured() -> None:
    assert bounded_storage(stored())
    assert not bounded_storage(pod("p"))
