"""Proves in which order a namespace is emptied, and what it says is in the way."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import msgspec
import pytest

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import StatusError, unavailable
from provisioner.kube.controllers.namespaces import Namespaces, Remains, conditions_of
from tests.unit.kube.controllers.cluster import Cluster
from tests.unit.kube.controllers.objects import at, made

RESOURCES = {
    "/api/v1": [("pods", True), ("configmaps", True), ("nodes", False)],
    "/apis/apps/v1": [("deployments", True)],
}


class Content(Cluster):
    """Answers discovery and collections; `left` are the objects' finalizers by collection, which a deletion leaves as they are."""

    def __init__(self) -> None:
        super().__init__()
        self.left: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []
        self.finalized: list[list[str]] = []
        # paths that are answered with 503
        self.away: set[str] = set()

    async def raw(self, method: str, path: str, **_: Any) -> bytes:
        if path in self.away:
            raise unavailable("the server is currently unable to handle the request")
        if path == "/apis":
            return msgspec.json.encode({"groups": [{"preferredVersion": {"groupVersion": "apps/v1"}}]})
        if path in RESOURCES:
            verbs = ["list", "deletecollection"]
            return msgspec.json.encode({"resources": [{"name": n, "namespaced": scoped, "verbs": verbs} for n, scoped in RESOURCES[path]]})
        plural = path.rpartition("/")[2]
        if method == "DELETE":
            self.asked.append(plural)
            self.left[plural] = [finalizers for finalizers in self.left.get(plural, []) if finalizers]
        return msgspec.json.encode({"items": [{"metadata": {"finalizers": f}} for f in self.left.get(plural, [])]})

    async def update(self, obj: Any, *, subresource: str | None = None) -> Any:
        self.finalized.append(obj.spec.finalizers)
        return self.put(obj)


async def ending(*away: str, others: tuple[str, ...] = (), **left: list[list[str]]) -> tuple[Content, Namespaces]:
    content = Content()
    content.left = left
    content.away = set(away)
    controller = Namespaces(content.parts())
    metadata = {"name": "ns", "deletionTimestamp": at(0), "finalizers": ["hold"]}
    content.put(made(core_v1.Namespace, {"metadata": metadata, "spec": {"finalizers": ["kubernetes", *others]}}))
    with pytest.raises(StatusError) if away else nullcontext():
        await content.settle(controller)
    return content, controller


async def test_pods_go_first_and_the_rest_when_they_are_gone() -> None:
    content, controller = await ending(pods=[["x/y"]], configmaps=[[]])
    assert set(content.asked) == {"pods"} and content.left["configmaps"] == [[]]
    states = {c.type: (c.status, c.reason) for c in content.all(core_v1.Namespace)[0].status.conditions or ()}
    assert states["NamespaceContentRemaining"] == ("True", "SomeResourcesRemain")
    assert states["NamespaceFinalizersRemaining"] == ("True", "SomeFinalizersRemain")
    assert states["NamespaceDeletionContentFailure"] == ("False", "ContentDeleted")
    content.left["pods"] = []
    controller.queue.add("ns")
    await content.settle(controller)
    assert {"configmaps", "deployments"} <= set(content.asked) and "nodes" not in content.asked
    assert content.finalized == [[]]


_AWAY = "the server is currently unable to handle the request"


@pytest.mark.parametrize(
    ("away", "type_", "reason", "message"),
    [
        (
            "/apis/apps/v1",
            "NamespaceDeletionDiscoveryFailure",
            "DiscoveryFailed",
            f"Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: apps/v1: {_AWAY}",
        ),
        (
            "/apis/apps/v1/namespaces/ns/deployments",
            "NamespaceDeletionContentFailure",
            "ContentDeletionFailed",
            f"Failed to delete all resource types, 1 remaining: {_AWAY}",
        ),
    ],
)
async def test_what_fails_is_told_and_stops_nothing_else(away: str, type_: str, reason: str, message: str) -> None:
    content, _ = await ending(away, configmaps=[[]])
    assert "configmaps" in content.asked and content.left["configmaps"] == [] and content.finalized == []
    told = [(c.type, c.reason, c.message) for c in content.all(core_v1.Namespace)[0].status.conditions or () if c.status == "True"]
    assert told == [(type_, reason, message)]


async def test_one_that_stays_for_others_says_that_nothing_is_left() -> None:
    content, _ = await ending(others=("x/y",))
    assert content.finalized == [["x/y"]]
    conditions = content.all(core_v1.Namespace)[0].status.conditions or []
    assert len(conditions) == 5 and not any(c.status == "True" for c in conditions)


def test_what_is_in_the_way_is_named() -> None:
    remains = Remains({"pods.": 1, "deployments.apps": 2})
    remains.finalizers.update(["x/y", "x/y"])
    messages = {type_: message for type_, holds, _, message in conditions_of(remains) if holds}
    assert messages == {
        "NamespaceContentRemaining": "Some resources are remaining: deployments.apps has 2 resource instances, pods. has 1 resource instances",
        "NamespaceFinalizersRemaining": "Some content in the namespace has finalizers remaining: x/y in 2 resource instances",
    }
    assert not any(holds for _, holds, _, _ in conditions_of(Remains()))
