"""Proves who goes with whom: dependents without owners, foreground deletions, and circles of owners that wait for each other."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from provisioner.kube.api._generated import meta_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.client.tasks import stop
from provisioner.kube.controllers.garbage import GarbageCollector, Graph, Metadata, Node
from tests.unit.kube.controllers.cluster import Cluster
from tests.unit.kube.controllers.objects import made

WHERE = "/api/v1/namespaces/{namespace}/configmaps"


class Objects(Cluster):
    """ConfigMaps by name (which are their uids too), as a server with finalizers keeps them, told to the collector at each change."""

    def __init__(self) -> None:
        super().__init__()
        self.there: dict[str, dict[str, Any]] = {}
        self.collector = GarbageCollector(self.parts())

    def add(self, name: str, *owners: str, **more: Any) -> None:
        references = [{"apiVersion": "v1", "kind": "ConfigMap", "name": o, "uid": o, "blockOwnerDeletion": True} for o in owners]
        self.there[name] = {"name": name, "namespace": "ns", "uid": name, "ownerReferences": references, **more}
        self.tell(name)

    def tell(self, name: str) -> None:
        metadata = self.there[name]
        if metadata.get("deletionTimestamp") and not metadata.get("finalizers"):
            del self.there[name]
            self.collector._removed(name)  # what a watch does
        else:
            self.collector._put(WHERE, made(Metadata, metadata))

    async def raw(self, method: str, path: str, *, body: bytes = b"", **_: Any) -> bytes:
        name = path.rpartition("/")[2]
        if name not in self.there:
            raise StatusError(404, "NotFound", name)
        if method == "GET":
            return msgspec.json.encode({"metadata": self.there[name]})
        sent = msgspec.json.decode(body)
        if method == "PATCH":
            self.there[name] = {**self.there[name], **sent["metadata"]}
        elif not self.there[name].get("deletionTimestamp"):
            holding = {"Foreground": ["foregroundDeletion"], "Orphan": ["orphan"]}.get(sent["propagationPolicy"], [])
            self.there[name] = {**self.there[name], "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": holding}
        self.tell(name)
        return b"{}"

    async def delete_as(self, name: str, policy: str) -> list[str]:
        """Somebody deletes it so; what is left in the end."""
        await self.raw("DELETE", f"/x/{name}", body=msgspec.json.encode({"propagationPolicy": policy}))
        await self.settle(self.collector)
        return sorted(self.there)


def objects(*edges: tuple[str, ...]) -> Objects:
    """(name, its owners…) of each."""
    made_ = Objects()
    made_.collector._paths["v1", "ConfigMap"] = WHERE  # what discovery finds
    for name, *owners in edges:
        made_.add(name, *owners)
    return made_


@pytest.mark.parametrize(
    ("edges", "policy", "left"),
    [
        ([("a",), ("b", "a"), ("c", "b")], "Background", []),
        ([("a",), ("b", "a"), ("c", "b")], "Foreground", []),
        ([("a",), ("b", "a")], "Orphan", ["b"]),
        ([("a",), ("z",), ("b", "a", "z")], "Background", ["b", "z"]),
        ([("a",), ("z",), ("b", "a", "z")], "Foreground", ["b", "z"]),
        ([("a", "c"), ("b", "a"), ("c", "b")], "Foreground", []),
        ([("a", "b"), ("b", "a")], "Foreground", []),
    ],
    ids=["background", "foreground", "orphan", "another-owner", "another-owner-foreground", "circle", "pair"],
)
async def test_who_goes(edges: list[tuple[str, ...]], policy: str, left: list[str]) -> None:
    assert await objects(*edges).delete_as("a", policy) == left


async def test_an_orphan_and_one_of_several_owners_lose_their_reference() -> None:
    found = objects(("a",), ("z",), ("b", "a", "z"))
    await found.delete_as("a", "Background")
    assert [o["name"] for o in found.there["b"]["ownerReferences"]] == ["z"]


async def test_an_owner_that_never_was_is_as_good_as_gone() -> None:
    found = objects(("b", "never"))
    await found.settle(found.collector)
    assert found.there == {}


def resource(name: str, kind: str, *verbs: str) -> dict[str, Any]:
    return {"resource": name, "responseKind": {"kind": kind}, "scope": "Namespaced", "verbs": ["get", "list", "watch", *verbs]}


class Discovered(Objects):
    """A server that tells what it serves, and whose watches are of no interest."""

    def __init__(self) -> None:
        super().__init__()
        self.groups: dict[str, list[dict[str, Any]]] = {"/api": [], "/apis": []}

    async def raw(self, method: str, path: str, *, body: bytes = b"", **more: Any) -> bytes:
        if path in self.groups:
            return msgspec.json.encode({"items": self.groups[path]})
        return await super().raw(method, path, body=body, **more)


async def test_the_owner_of_a_kind_that_discovery_meets_later_was_deleted_meanwhile() -> None:
    server = Discovered()
    owner = {"apiVersion": "example.com/v1", "kind": "Box", "name": "gone", "uid": "gone"}
    server.there["b"] = {"name": "b", "namespace": "ns", "uid": "b", "ownerReferences": [owner]}
    server.collector._paths["v1", "ConfigMap"] = WHERE
    server.tell("b")
    await server.settle(server.collector)
    assert sorted(server.there) == ["b"]  # nobody knows a Box
    boxes = [resource("boxes", "Box", "delete")]
    server.groups["/apis"] = [{"metadata": {"name": "example.com"}, "versions": [{"version": "v1", "resources": boxes}]}]
    await server.collector._discover()
    await server.settle(server.collector)
    assert not server.there


async def test_each_kind_is_watched_in_one_version_and_known_in_all() -> None:
    server = Discovered()
    old, new = resource("as", "A", "delete"), resource("bs", "B", "delete")
    versions = [{"version": "v2", "resources": [new, resource("reviews", "Review")]}, {"version": "v1", "resources": [old, new]}]
    parts_only = {"resource": "cs", "scope": "Namespaced", "subresources": []}
    server.groups["/apis"] = [{"metadata": {"name": "x.io"}, "versions": versions}]
    server.groups["/api"] = [{"metadata": {}, "versions": [{"version": "v1", "resources": [resource("ds", "D", "delete"), parts_only]}]}]
    await server.collector._discover()
    assert sorted(server.collector._monitors) == ["/api/v1/ds", "/apis/x.io/v1/as", "/apis/x.io/v2/bs"]
    assert sorted(server.collector._paths) == [("v1", "D"), ("x.io/v1", "A"), ("x.io/v1", "B"), ("x.io/v2", "B"), ("x.io/v2", "Review")]
    await stop(*server.collector._monitors.values())


def test_dependents_are_known_before_their_owner() -> None:
    graph = Graph()
    graph.put("b", Node(WHERE, "ns", "b", (meta_v1.OwnerReference(uid="a"),)))
    assert graph.waiting == {"a": {"b"}}
    graph.put("a", Node(WHERE, "ns", "a"))
    assert graph.nodes["a"].dependents == {"b"} and graph.waiting == {}
    assert graph.remove("a") == {"b"}
