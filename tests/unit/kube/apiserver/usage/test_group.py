"""Proves what metrics.k8s.io answers of what has been read, in which forms, and that an installed metrics server takes its place."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.aggregation.services import STORED_AS, Services
from provisioner.kube.apiserver.context import LOOPBACK, Call
from provisioner.kube.apiserver.requests import target_of
from provisioner.kube.apiserver.usage.group import ResourceMetrics
from provisioner.kube.apiserver.usage.samples import NODE, Usage
from provisioner.kube.client.clock import FakeClock

NODES = "/apis/metrics.k8s.io/v1beta1/nodes"
PODS = "/apis/metrics.k8s.io/v1beta1/namespaces/ns/pods"


class Cache:
    def __init__(self) -> None:
        self.entries: dict[str, dict[str, Any]] = {
            "core/nodes": {"n": SimpleNamespace(labels={"l": "1"}), "silent": SimpleNamespace(labels={})},
            "core/pods": {
                "ns/p": SimpleNamespace(labels={"app": "a"}),
                "ns/q": SimpleNamespace(labels={}),
                "other/p": SimpleNamespace(labels={}),
            },
        }
        self.collections: dict[str, Any] = {}

    def collection(self, name: str) -> Any:
        return self.collections.setdefault(name, SimpleNamespace(entries=self.entries.get(name, {}), listeners=[]))


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch) -> ResourceMetrics:
    made = ResourceMetrics(Cache(), FakeClock(), lambda _: None)  # type: ignore[arg-type,return-value]

    async def at_once() -> None:
        return None

    monkeypatch.setattr(made._scraper, "wanted", at_once)
    made._scraper.usages["n"] = {
        NODE: Usage(1_500_000_000, 4096 * 1024, 1e9, 15.0),
        ("ns", "p", "a"): Usage(250_000_000, 1024, 1e9, 15.0),
        ("ns", "p", "b"): Usage(0, 2048, 1e9 + 1, 15.0),
        ("ns", "q", "a"): Usage(1, 1024, 1e9, 15.0),
        ("ns", "gone", "a"): Usage(1, 1024, 1e9, 15.0),
        ("other", "p", "a"): Usage(1, 1024, 1e9, 15.0),
    }
    return made


async def ask(metrics: ResourceMetrics, path: str, method: str = "GET", accept: str = "application/json") -> Any:
    request = make_mocked_request(method, path, headers={"Accept": accept})
    answer = await metrics.answer(request, Call(LOOPBACK, target_of(method, request.path, request.query), request.query))
    return json.loads(answer.body)  # type: ignore[attr-defined]


async def test_nodes(metrics: ResourceMetrics) -> None:
    (only,) = (await ask(metrics, NODES))["items"]
    assert only == await ask(metrics, f"{NODES}/n")
    assert only["metadata"] == {"name": "n", "creationTimestamp": "2001-09-09T01:46:40Z", "labels": {"l": "1"}}
    assert (only["kind"], only["window"], only["usage"]) == ("NodeMetrics", "15.000s", {"cpu": "1500000000n", "memory": "4096Ki"})


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (PODS, ["p", "q"]),
        (f"{PODS}?labelSelector=app%3Da", ["p"]),
        (f"{PODS}?fieldSelector=metadata.name%3Dq", ["q"]),
        ("/apis/metrics.k8s.io/v1beta1/pods", ["p", "q", "p"]),
    ],
)
async def test_pods(metrics: ResourceMetrics, path: str, names: list[str]) -> None:
    listed = await ask(metrics, path)
    assert listed["kind"] == "PodMetricsList" and [i["metadata"]["name"] for i in listed["items"]] == names


async def test_a_pods_containers(metrics: ResourceMetrics) -> None:
    found = await ask(metrics, f"{PODS}/p")
    assert found["containers"] == [
        {"name": "a", "usage": {"cpu": "250000000n", "memory": "1Ki"}},
        {"name": "b", "usage": {"cpu": "0", "memory": "2Ki"}},
    ]
    assert found["timestamp"] == "2001-09-09T01:46:40Z"


async def test_a_table(metrics: ResourceMetrics) -> None:
    table = await ask(metrics, f"{PODS}/p", accept="application/json;as=Table;v=v1;g=meta.k8s.io,application/json")
    assert table["kind"] == "Table" and table["rows"][0]["cells"] == ["p", "250000000n", "3Ki", "15.000s"]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/apis/metrics.k8s.io/v1beta1/namespaces/a/nodes", 404),
        ("GET", f"{NODES}/silent", 404),
        ("GET", f"{PODS}/gone", 404),
        ("DELETE", f"{NODES}/n", 405),
        ("GET", "/apis/metrics.k8s.io/v1beta1/services", 404),
    ],
)
async def test_what_is_not_there(metrics: ResourceMetrics, method: str, path: str, code: int) -> None:
    with pytest.raises(StatusError) as caught:
        await ask(metrics, path, method)
    assert caught.value.code == code


async def test_discovery(metrics: ResourceMetrics) -> None:
    listed = await ask(metrics, "/apis/metrics.k8s.io/v1beta1/")
    assert [(r["name"], r["kind"], r["namespaced"]) for r in listed["resources"]] == [
        ("nodes", "NodeMetrics", False),
        ("pods", "PodMetrics", True),
    ]


async def test_a_metrics_server_takes_its_place_and_gives_it_back(metrics: ResourceMetrics) -> None:
    cache = Cache()
    services = Services(cache, FakeClock(), lambda *_: ("", 0), ("", ""))  # type: ignore[arg-type]
    own = metrics.remote()
    services.add_built_in(own)
    (follow,) = cache.collection(STORED_AS).listeners

    def entry(service: bool) -> Any:
        spec = {"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100}
        if service:
            spec["service"] = {"name": "metrics-server", "namespace": "kube-system"}
        return SimpleNamespace(key=own.name, data=json.dumps({"metadata": {"name": own.name}, "spec": spec}).encode())

    def served() -> Any:
        return services.remotes[("metrics.k8s.io", "v1beta1")].answer

    follow(SimpleNamespace(new=entry(False), old=None))
    assert served() is not None
    follow(SimpleNamespace(new=entry(True), old=entry(False)))
    assert served() is None
    follow(SimpleNamespace(new=None, old=entry(True)))
    assert served() is not None
