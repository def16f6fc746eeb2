"""Proves what of an aggregated server's OpenAPI v2 comes into ours, and that it is asked once a minute at most."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api._generated import apiregistration_v1 as registration
from provisioner.kube.api._generated import meta_v1
from provisioner.kube.apiserver.aggregation.openapi_v2 import KEPT_S, ForeignDocuments, merged
from provisioner.kube.apiserver.aggregation.services import Remote
from provisioner.kube.client.clock import FakeClock

THEIRS: dict[str, Any] = {
    "paths": {
        "/apis/a.io/v1/things": {"get": {"responses": {"200": {"schema": {"$ref": "#/definitions/a.ThingList"}}}}},
        "/apis/a.io/v10/things": {"get": {}},
        "/version": {"get": {}},
    },
    "definitions": {
        "a.ThingList": {"properties": {"items": {"items": {"$ref": "#/definitions/a.Thing"}}}},
        "a.Thing": {"properties": {"self": {"$ref": "#/definitions/a.Thing"}, "metadata": {"$ref": "#/definitions/Meta"}}},
        "a.Unused": {},
        "Meta": {"description": "theirs"},
    },
}


def test_paths_of_the_group_and_what_they_need() -> None:
    own = {"swagger": "2.0", "paths": {"/api/v1/pods": {}}, "definitions": {"Meta": {"description": "ours"}}}
    found = merged(own, [(("a.io", "v1"), THEIRS)])
    assert set(found["paths"]) == {"/api/v1/pods", "/apis/a.io/v1/things"}
    assert set(found["definitions"]) == {"Meta", "a.ThingList", "a.Thing"} and found["definitions"]["Meta"] == {"description": "ours"}
    assert own["paths"] == {"/api/v1/pods": {}} and merged(own, []) == own


class Services:
    def __init__(self, *remotes: Remote) -> None:
        self.remotes = {remote.group_version: remote for remote in remotes}
        self.asked: list[str] = []

    def upstream(self, remote: Remote) -> Any:
        return remote.name

    async def fetch(self, upstream: Any, path: str) -> Any:
        self.asked.append(f"{upstream}{path}")
        if upstream == "v1.broken.io":
            raise ValueError("bad status")
        return THEIRS


def remote(group: str, *, available: bool = True) -> Remote:
    spec = registration.APIServiceSpec(group=group, version="v1", group_priority_minimum=1, version_priority=1)
    return Remote(registration.APIService(metadata=meta_v1.ObjectMeta(name=f"v1.{group}"), spec=spec), available)


async def test_documents_are_kept_for_a_minute() -> None:
    clock, services = FakeClock(), Services(remote("a.io"), remote("broken.io"), remote("away.io", available=False))
    documents = ForeignDocuments(services, clock)  # type: ignore[arg-type]
    for _ in range(2):
        assert await documents.all() == [(("a.io", "v1"), THEIRS)]
    assert services.asked == ["v1.a.io/openapi/v2", "v1.broken.io/openapi/v2"]
    await clock.advance(KEPT_S)
    await documents.all()
    assert len(services.asked) == 4
    services.remotes.clear()
    assert await documents.all() == []
