"""Proves that the series have upstream's names and labels, and count what they say."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from provisioner.kube.apiserver.metrics import Metrics, StoredObjects
from provisioner.kube.apiserver.requests import Target

PODS = Target("list", "/api/v1/namespaces/a/pods", "", "v1", "pods", "a")


def lines(metrics: Metrics, name: str) -> list[str]:
    return [line for line in metrics.text()[0].decode().splitlines() if line.startswith(name)]


def samples(metrics: Metrics, name: str) -> list[tuple[dict[str, str], float]]:
    """Of one series, as whoever scrapes reads them: (labels, value)."""
    families = text_string_to_metric_families(metrics.text()[0].decode())
    return [(dict(sample.labels), sample.value) for family in families for sample in family.samples if sample.name == name]


def test_requests_are_counted_and_timed() -> None:
    metrics = Metrics()
    for _ in range(2):
        metrics.request(PODS, 200, 0.01)
    asked = {
        "component": "apiserver",
        "group": "",
        "resource": "pods",
        "scope": "namespace",
        "subresource": "",
        "verb": "LIST",
        "version": "v1",
    }
    assert samples(metrics, "apiserver_request_total") == [({**asked, "dry_run": "", "code": "200"}, 2.0)]
    assert samples(metrics, "apiserver_request_duration_seconds_count") == [({**asked, "dry_run": ""}, 2.0)]
    assert samples(metrics, "apiserver_request_duration_seconds_sum") == [({**asked, "dry_run": ""}, 0.02)]
    buckets = {labels.pop("le"): (labels, value) for labels, value in samples(metrics, "apiserver_request_sli_duration_seconds_bucket")}
    assert buckets["0.005"] == (asked, 0.0) and len(buckets) == 15
    assert [buckets[le][1] for le in ("0.025", "1", "5", "30", "+Inf")] == [2.0] * 5


@pytest.mark.parametrize(
    ("verb", "how", "shown"),
    [("create", {}, "POST"), ("update", {}, "PUT"), ("patch", {}, "PATCH"), ("patch", {"applies": True}, "APPLY"), ("watch", {}, "WATCH")],
)
def test_verbs_are_upstreams(verb: str, how: dict[str, bool], shown: str) -> None:
    metrics = Metrics()
    metrics.request(Target(verb, "/", "", "v1", "pods", "a"), 200, 0.01, **how)
    assert samples(metrics, "apiserver_request_total")[0][0]["verb"] == shown
    assert bool(samples(metrics, "apiserver_request_duration_seconds_count")) is (verb != "watch")


def test_answers_of_reads_have_a_size_and_dry_runs_are_told_apart() -> None:
    metrics = Metrics()
    metrics.request(PODS, 200, 0.01, size=70_000)
    metrics.request(Target("create", "/", "", "v1", "pods", "a"), 201, 0.01, size=70_000, dry_run=True)
    found = {labels["le"]: value for labels, value in samples(metrics, "apiserver_response_sizes_bucket")}
    assert found == {"1000": 0, "10000": 0, "100000": 1, "1e+06": 1, "1e+07": 1, "1e+08": 1, "1e+09": 1, "+Inf": 1}
    assert [labels["dry_run"] for labels, _ in samples(metrics, "apiserver_request_total")] == ["", "All"]
    assert [labels["verb"] for labels, _ in samples(metrics, "apiserver_request_sli_duration_seconds_count")] == ["LIST"]


def test_what_clients_send_breaks_no_line() -> None:
    metrics = Metrics()
    metrics.request(Target("get", "/", "", "v1", 'a"b\\c\nd', "x"), 404, 0.01)
    assert samples(metrics, "apiserver_request_total")[0][0]["resource"] == 'a"b\\c\nd'


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
