"""Proves that the series have upstream's names and labels, and count what they say."""

from __future__ import annotations

from provisioner.kube.apiserver.metrics import Metrics, StoredObjects
from provisioner.kube.apiserver.requests import Target

PODS = Target("list", "/api/v1/namespaces/a/pods", "", "v1", "pods", "a")


def lines(metrics: Metrics, name: str) -> list[str]:
    return [line for line in metrics.text()[0].decode().splitlines() if line.startswith(name)]


def test_requests_are_counted_and_timed() -> None:
    metrics = Metrics()
    for _ in range(2):
        metrics.request(PODS, 200, 0.01)
    labels = 'group="",resource="pods",scope="namespace",subresource="",verb="LIST",version="v1"'
    assert lines(metrics, "apiserver_request_total{") == [f'apiserver_request_total{{code="200",{labels}}} 2.0']
    assert f"apiserver_request_duration_seconds_count{{{labels}}} 2.0" in lines(metrics, "apiserver_request_duration_seconds_count")


def test_what_is_under_way() -> None:
    metrics = Metrics()
    first, second = metrics.began(PODS), metrics.began(Target("create", "/", "", "v1", "pods", "a"))
    assert metrics.began(Target("watch", "/", "", "v1", "pods")) == ""
    found = lines(metrics, "apiserver_current_inflight_requests{")
    assert found == [f'apiserver_current_inflight_requests{{request_kind="{kind}"}} 1.0' for kind in ("readOnly", "mutating")]
    for one in (first, second, ""):
        metrics.ended(one)
    assert all(line.endswith(" 0.0") for line in lines(metrics, "apiserver_current_inflight_requests{"))
    with metrics.watching(PODS):
        assert lines(metrics, "apiserver_longrunning_requests{")[0].endswith(" 1.0")
    assert lines(metrics, "apiserver_longrunning_requests{")[0].endswith(" 0.0")


def test_objects_etcd_and_the_process() -> None:
    metrics = Metrics()
    metrics.add(StoredObjects(lambda: {"core/pods": 3, "apps/deployments": 2}))
    metrics.etcd_answered("range", 0.002)
    assert lines(metrics, "apiserver_storage_objects{") == [
        'apiserver_storage_objects{resource="deployments.apps"} 2.0',
        'apiserver_storage_objects{resource="pods"} 3.0',
    ]
    assert 'apiserver_resource_objects{group="apps",resource="deployments"} 2.0' in lines(metrics, "apiserver_resource_objects{")
    assert 'etcd_request_duration_seconds_count{operation="range"} 1.0' in lines(metrics, "etcd_request_duration_seconds_count")
    assert lines(metrics, "process_resident_memory_bytes") and lines(metrics, "kubernetes_build_info{")
