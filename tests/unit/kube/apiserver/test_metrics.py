"""Proves that the series have upstream's names and labels, and count what they say."""

from __future__ import annotations

import pytest

from provisioner.kube.apiserver.metrics import Metrics, StoredObjects
from provisioner.kube.apiserver.requests import Target

PODS = Target("list", "/api/v1/namespaces/a/pods", "", "v1", "pods", "a")


def lines(metrics: Metrics, name: str) -> list[str]:
    return [line for line in metrics.text()[0].decode().splitlines() if line.startswith(name)]


def test_requests_are_counted_and_timed() -> None:
    metrics = Metrics()
    for _ in range(2):
        metrics.request(PODS, 200, 0.01)
    asked, verb = 'component="apiserver",group="",resource="pods",scope="namespace",subresource=""', 'verb="LIST",version="v1"'
    dry = asked.replace(",group", ',dry_run="",group')
    assert lines(metrics, "apiserver_request_total{") == [f'apiserver_request_total{{code="200",{dry},{verb}}} 2.0']
    assert lines(metrics, "apiserver_request_duration_seconds_count") == [f"apiserver_request_duration_seconds_count{{{dry},{verb}}} 2.0"]
    for le, count in (("0.005", 0), ("0.025", 2), ("1", 2), ("60", 2), ("+Inf", 2)):
        line = f'apiserver_request_sli_duration_seconds_bucket{{{asked.replace(",resource", f""",le="{le}",resource""")},{verb}}} {count}.0'
        assert line in lines(metrics, "apiserver_request_sli_duration_seconds_bucket")


@pytest.mark.parametrize(
    ("verb", "how", "shown"),
    [("create", {}, "POST"), ("update", {}, "PUT"), ("patch", {}, "PATCH"), ("patch", {"applies": True}, "APPLY"), ("watch", {}, "WATCH")],
)
def test_verbs_are_upstreams(verb: str, how: dict[str, bool], shown: str) -> None:
    metrics = Metrics()
    metrics.request(Target(verb, "/", "", "v1", "pods", "a"), 200, 0.01, **how)
    assert f'verb="{shown}"' in lines(metrics, "apiserver_request_total{")[0]
    assert bool(lines(metrics, "apiserver_request_duration_seconds_count{")) is (verb != "watch")


def test_answers_of_reads_have_a_size_and_dry_runs_are_told_apart() -> None:
    metrics = Metrics()
    metrics.request(PODS, 200, 0.01, size=70_000)
    metrics.request(Target("create", "/", "", "v1", "pods", "a"), 201, 0.01, size=70_000, dry_run=True)
    found = lines(metrics, "apiserver_response_sizes_bucket")
    assert len(found) == 8 and [line[-3:] for line in found] == ["0.0"] * 2 + ["1.0"] * 6 and 'le="100000"' in "".join(found)
    assert 'dry_run="All"' in lines(metrics, "apiserver_request_total{")[1]
    assert not any("POST" in line for line in lines(metrics, "apiserver_request_sli_duration_seconds"))


def test_deprecated_versions_are_told_once_somebody_asks() -> None:
    metrics = Metrics()
    metrics.follow_deprecated(lambda group, version, plural: "1.37" if plural == "ipaddresses" else None)
    for target in (PODS, Target("get", "/", "networking.k8s.io", "v1beta1", "ipaddresses", "", "a"), Target("get", "/version")):
        metrics.request(target, 200, 0.01)
    labels = 'group="networking.k8s.io",removed_release="1.37",resource="ipaddresses",subresource="",version="v1beta1"'
    assert lines(metrics, "apiserver_requested_deprecated_apis{") == [f"apiserver_requested_deprecated_apis{{{labels}}} 1.0"]


def test_what_is_under_way() -> None:
    metrics = Metrics()
    first, second = metrics.began(PODS), metrics.began(Target("create", "/", "", "v1", "pods", "a"))
    assert metrics.began(Target("watch", "/", "", "v1", "pods")) == ""
    found = lines(metrics, "apiserver_current_inflight_requests{")
    assert found == [f'apiserver_current_inflight_requests{{request_kind="{kind}"}} 1.0' for kind in ("readOnly", "mutating")]
    for one in (first, second, ""):
        metrics.ended(one)
    assert all(line.endswith(" 0.0") for line in lines(metrics, "apiserver_current_inflight_requests{"))
    with metrics.long_running(PODS):
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
