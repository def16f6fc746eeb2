"""Proves that a folder's manifests run, follow their files, and are shown in the API by mirrors that come back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provisioner.kube.api._generated import core_v1, meta_v1
from provisioner.kube.client.clock import FakeClock
from provisioner.kube.kubelet.pod.pods import MIRROR
from provisioner.kube.kubelet.pod.static import HASH, StaticPods, mirror_of, read_manifest

WEB: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "Web"},
    "spec": {"containers": [{"name": "c", "image": "a:1"}]},
}


class World:
    """Pods, statuses and API at once, as far as static pods see them."""

    def __init__(self, folder: Path) -> None:
        self.running: dict[str, core_v1.Pod] = {}
        self.known_as: dict[str, str | None] = {}
        self.objects: dict[str, core_v1.Pod] = {}
        self.made = 0
        self.static = StaticPods(folder, "node-1", self, self, self, FakeClock())  # type: ignore[arg-type]

    def find(self, namespace: str, name: str) -> core_v1.Pod | None:
        return next((p for p in self.running.values() if p.metadata.name == name), None)

    def added(self, pod: core_v1.Pod, *, static: bool) -> None:
        assert static
        self.running[pod.metadata.uid or ""] = pod

    def deleted(self, pod: core_v1.Pod) -> None:
        self.ending = pod

    def mirrored(self, uid: str, mirror: str | None = None) -> None:
        self.known_as[uid] = mirror

    async def get(self, *_: Any) -> core_v1.Node:
        return core_v1.Node(metadata=meta_v1.ObjectMeta(name="node-1", uid="node-uid"))

    async def create(self, pod: core_v1.Pod) -> core_v1.Pod:
        self.made += 1
        pod.metadata.uid = f"mirror-{self.made}"
        self.objects[pod.metadata.name or ""] = pod
        return pod

    async def delete(self, _: Any, name: str, namespace: str, *, grace_period_s: int, uid: str) -> None:
        assert grace_period_s == 0
        self.objects.pop(name, None)

    async def sync(self) -> None:
        self.static.check()
        await self.static._sync_mirrors()


def test_a_manifest_becomes_a_pod_of_this_node(tmp_path: Path) -> None:
    path = tmp_path / "web.json"
    path.write_text(json.dumps(WEB))
    pod = read_manifest(path, "node-1", "2026-01-01T00:00:00Z")
    assert (pod.metadata.name, pod.metadata.namespace, pod.spec.node_name) == ("web-node-1", "default", "node-1")
    assert (pod.metadata.annotations or {})[HASH] == pod.metadata.uid
    assert pod.spec.restart_policy == "Always"
    assert core_v1.Toleration(operator="Exists", effect="NoExecute") in (pod.spec.tolerations or [])
    mirror = mirror_of(pod, None)
    assert (mirror.metadata.annotations or {})[MIRROR] == pod.metadata.uid
    assert mirror.metadata.uid is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "not YAML"),
        ("kind: Deployment", "expected a v1 Pod"),
        ("kind: Pod\napiVersion: v1\nmetadata: {name: a}", "spec.containers are required"),
        ("kind: Pod\napiVersion: v1\nmetadata: {name: 5}\nspec: {containers: 7}", "containers|name"),
    ],
)
def test_what_is_no_pod(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_manifest(path, "n", "now")


async def test_files_come_change_and_go(tmp_path: Path) -> None:
    world = World(tmp_path)
    (tmp_path / ".hidden.yaml").write_text("a: [")
    (tmp_path / "broken.yaml").write_text("a: [")
    await world.sync()
    assert world.running == {}
    (tmp_path / "web.json").write_text(json.dumps(WEB))
    await world.sync()
    ((first, pod),) = world.running.items()
    assert world.known_as == {first: "mirror-1"}
    (tmp_path / "web.json").write_text(json.dumps({**WEB, "spec": {"containers": [{"name": "c", "image": "b:22"}]}}))
    await world.sync()
    assert world.ending is pod
    assert list(world.running) == [first]
    del world.running[first]
    await world.sync()
    ((second, _),) = world.running.items()
    assert second != first
    assert world.known_as[second] == "mirror-2"
    (tmp_path / "web.json").unlink()
    await world.sync()
    assert world.objects == {}
    assert world.ending.metadata.uid == second


async def test_a_mirror_that_is_deleted_comes_back(tmp_path: Path) -> None:
    world = World(tmp_path)
    (tmp_path / "web.json").write_text(json.dumps(WEB))
    await world.sync()
    mirror = world.objects["web-node-1"]
    mirror.metadata.deletion_timestamp = "2026-01-01T00:00:00Z"
    world.static.observe(mirror)
    await world.sync()
    assert world.objects["web-node-1"].metadata.uid == "mirror-2"
    world.static.gone(world.objects.pop("web-node-1"))
    await world.sync()
    assert world.objects["web-node-1"].metadata.uid == "mirror-3"


async def test_a_mirror_of_an_earlier_life_goes(tmp_path: Path) -> None:
    world = World(tmp_path)
    stale = core_v1.Pod(metadata=meta_v1.ObjectMeta(name="old-node-1", namespace="default", uid="u", annotations={MIRROR: "x"}))
    ordinary = core_v1.Pod(metadata=meta_v1.ObjectMeta(name="web", namespace="default", uid="w"))
    world.objects = {"old-node-1": stale, "web": ordinary}
    world.static.observe(stale)
    world.static.observe(ordinary)
    await world.sync()
    assert list(world.objects) == ["web"]
