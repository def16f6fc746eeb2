"""Proves the typed client on a real server: what it sends, what it tries again, and how it tells of failure."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from provisioner.kube.api._generated import core_v1, meta_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.client import client as module
from provisioner.kube.client import series
from provisioner.kube.client.client import Client, ConnectionFailed
from provisioner.kube.client.kubeconfig import ClusterAccess
from provisioner.kube.version import VERSION

POD = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a", "namespace": "ns", "resourceVersion": "7"}}
STATUS = {"kind": "Status", "status": "Failure", "reason": "Conflict", "message": "it changed", "code": 409}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_BACKOFF_S", 0.001)


async def test_get_and_list_are_typed(api: Any, client: Client) -> None:
    api.answers = [(200, POD), (200, {"metadata": {"resourceVersion": "9", "continue": "more"}, "items": [POD]}), (200, {"items": None})]
    assert (await client.get(core_v1.Pod, "a", "ns")).metadata.resource_version == "7"
    found = await client.list(core_v1.Pod, label_selector="a=b", limit=1)
    assert [p.metadata.name for p in found.items] == ["a"]
    assert (found.resource_version, found.continue_) == ("9", "more")
    assert (await client.list(core_v1.Pod, "ns")).items == []
    assert [path for _, path in api.asked] == [
        "/api/v1/namespaces/ns/pods/a",
        "/api/v1/pods?labelSelector=a%3Db&limit=1",
        "/api/v1/namespaces/ns/pods",
    ]
    assert api.requests[0].headers["User-Agent"] == f"test/{VERSION}"


async def test_answers_are_counted_under_client_gos_names(api: Any, client: Client) -> None:
    api.answers = [(200, POD), (404, {"kind": "Status", "code": 404, "reason": "NotFound"})]
    await client.get(core_v1.Pod, "a", "ns")
    with pytest.raises(StatusError):
        await client.get(core_v1.Pod, "b", "ns")
    host = client.access.server.partition("://")[2]
    lines = [line for line in series.text().splitlines() if host in line]
    assert f'rest_client_requests_total{{code="404",host="{host}",method="GET"}} 1' in lines
    assert f'rest_client_request_duration_seconds_count{{host="{host}",verb="GET"}} 2' in lines


async def test_writes_name_their_manager(api: Any, client: Client) -> None:
    api.answers = [(201, POD)]
    pod = core_v1.Pod(metadata=meta_v1.ObjectMeta(name="a", namespace="ns"))
    await client.create(pod)
    await client.update_status(pod)
    await client.patch(core_v1.Pod, "a", "ns", body={"x": 1}, patch_type="strategic", subresource="status")
    await client.delete(core_v1.Pod, "a", "ns", grace_period_s=0, uid="u1")
    assert api.asked == [
        ("POST", "/api/v1/namespaces/ns/pods?fieldManager=test"),
        ("PUT", "/api/v1/namespaces/ns/pods/a/status?fieldManager=test"),
        ("PATCH", "/api/v1/namespaces/ns/pods/a/status?fieldManager=test"),
        ("DELETE", "/api/v1/namespaces/ns/pods/a"),
    ]
    assert api.requests[2].content_type == "application/strategic-merge-patch+json"
    assert api.bodies[3]["gracePeriodSeconds"] == 0
    assert api.bodies[3]["preconditions"] == {"uid": "u1"}


async def test_a_status_is_an_error_and_a_conflict_is_not_tried_again(api: Any, client: Client) -> None:
    api.answers = [(409, STATUS)]
    with pytest.raises(StatusError) as caught:
        await client.update(core_v1.Pod(metadata=meta_v1.ObjectMeta(name="a", namespace="ns")))
    assert (caught.value.code, caught.value.reason, caught.value.message) == (409, "Conflict", "it changed")
    assert len(api.asked) == 1


async def test_a_proxys_bare_text_is_an_error_too(api: Any, client: Client) -> None:
    api.answers = [(502, "<html>bad gateway</html>")]
    with pytest.raises(StatusError, match="bad gateway"):
        await client.get(core_v1.Pod, "a", "ns")


@pytest.mark.parametrize(
    ("method", "answer", "tries"),
    [
        ("GET", (503, {"message": "starting"}), 3),
        ("GET", (429, {"message": "slow"}, {"Retry-After": "0"}), 3),
        ("POST", (429, {"message": "slow"}), 3),
        ("POST", (503, {"message": "starting"}), 1),
        ("GET", (500, {"message": "broken"}), 1),
    ],
)
async def test_what_is_tried_again(api: Any, client: Client, method: str, answer: Any, tries: int) -> None:
    api.answers = [answer, answer, (200, "{}")]
    if tries == 3:
        assert await client.raw(method, "/x", body=b"{}" if method == "POST" else None) == b"{}"
    else:
        with pytest.raises(StatusError):
            await client.raw(method, "/x", body=b"{}" if method == "POST" else None)
    assert len(api.asked) == tries


async def test_a_write_whose_fate_is_unknown_is_not_repeated(api: Any, client: Client) -> None:
    api.answers = [api.hang_up, (200, "{}")]
    with pytest.raises(ConnectionFailed):
        await client.raw("POST", "/x", body=b"{}")
    api.answers = [api.hang_up, (200, "{}")]
    assert await client.raw("GET", "/x") == b"{}"


async def test_nobody_there() -> None:
    async with Client(ClusterAccess(server="http://127.0.0.1:1")) as client:
        with pytest.raises(ConnectionFailed, match=r"GET http://127.0.0.1:1/x"):
            await client.raw("GET", "/x")


async def test_a_watch_gives_events_and_raises_its_error(api: Any, client: Client) -> None:
    gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
    api.answers = [api.streaming({"type": "ADDED", "object": POD}, {"type": "ERROR", "object": gone})]
    seen = []
    with pytest.raises(StatusError) as caught:
        async for event in client.watch(core_v1.Pod, "ns", resource_version="5", field_selector="spec.nodeName=n"):
            seen.append((event.type, event.object.metadata.name))
    assert seen == [("ADDED", "a")]
    assert caught.value.code == 410
    query = api.requests[0].query
    assert (query["watch"], query["resourceVersion"], query["allowWatchBookmarks"]) == ("true", "5", "true")


async def test_a_refused_watch_says_why(api: Any, client: Client) -> None:
    api.answers = [(403, {"kind": "Status", "code": 403, "message": "not you"})]
    with pytest.raises(StatusError, match="not you"):
        [event async for event in client.watch(core_v1.Pod, resource_version="5")]


async def test_a_silent_watch_ends(api: Any, client: Client) -> None:
    api.answers = [api.streaming({"type": "ADDED"})]
    began = time.monotonic()
    with pytest.raises(ConnectionFailed):
        [line async for line in client.lines("/x", params={}, silence_s=0.1)]
    assert time.monotonic() - began < 2


async def test_a_token_file_is_read_again_when_it_changes(api: Any, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("one\n")
    api.answers = [(200, "{}")]
    async with Client(ClusterAccess(server=api.url, token_file=token)) as client:
        await client.raw("GET", "/x")
        token.write_text("two\n")
        import os

        os.utime(token, (1, 1))
        await client.raw("GET", "/x")
    assert [r.headers["Authorization"] for r in api.requests] == ["Bearer one", "Bearer two"]


async def test_a_request_under_which_the_client_is_closed_has_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Daemons that stop close their client while workers still ask."""
    client = Client(ClusterAccess(server="http://127.0.0.1:1"))

    async def closed(*_: Any) -> bytes:
        raise RuntimeError("Session is closed")

    monkeypatch.setattr(client, "_once", closed)
    with pytest.raises(ConnectionFailed, match="the client is closed"):
        await client.raw("GET", "/api")
