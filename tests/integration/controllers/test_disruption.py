"""Proves that budgets are counted as pods come, get ready and are evicted, and that eviction keeps to them."""

from __future__ import annotations

from typing import Any


def setup(cluster: Any, tools: Any, replicas: int, **budget: Any) -> None:
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": tools.template({"app": "web"})}
    cluster.create("replicasets", {"metadata": {"name": "web"}, "spec": spec})
    body = {"metadata": {"name": "web"}, "spec": {"selector": {"matchLabels": {"app": "web"}}, **budget}}
    cluster.create("poddisruptionbudgets", body)


def status(cluster: Any) -> dict[str, Any]:
    found: dict[str, Any] = cluster.get("poddisruptionbudgets", "web")["status"]
    return found


def evict(cluster: Any, pod: str) -> int:
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": cluster.namespace}}
    return int(cluster.server.call("POST", cluster.path("pods", pod, "eviction"), body)[0])


def test_min_available_is_kept(cluster: Any, tools: Any) -> None:
    setup(cluster, tools, 3, minAvailable=2)
    tools.eventually(lambda: status(cluster).get("expectedPods") == 3)
    assert status(cluster)["disruptionsAllowed"] == 0, "no pod is healthy yet"
    condition = status(cluster)["conditions"][0]
    assert (condition["type"], condition["status"], condition["reason"]) == ("DisruptionAllowed", "False", "InsufficientPods")
    cluster.settled(lambda: status(cluster)["disruptionsAllowed"] == 1)
    found = status(cluster)
    assert (found["currentHealthy"], found["desiredHealthy"], found["expectedPods"]) == (3, 2, 3)
    assert found["conditions"][0]["reason"] == "SufficientPods"
    pods = [p["metadata"]["name"] for p in cluster.pods()]
    assert evict(cluster, pods[0]) == 201
    assert evict(cluster, pods[1]) == 429
    cluster.settled(lambda: status(cluster)["disruptionsAllowed"] == 1 and not status(cluster).get("disruptedPods"))


def test_percentages_are_of_what_the_controller_wants(cluster: Any, tools: Any) -> None:
    setup(cluster, tools, 4, maxUnavailable="50%")
    cluster.settled(lambda: status(cluster).get("disruptionsAllowed") == 2)
    assert (status(cluster)["desiredHealthy"], status(cluster)["expectedPods"]) == (2, 4)


def test_pods_of_nobody_are_not_expected(cluster: Any, tools: Any) -> None:
    cluster.create("pods", {"metadata": {"name": "alone", "labels": {"app": "alone"}}, "spec": tools.template({})["spec"]})
    both = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "alone"]}]}
    setup(cluster, tools, 2, maxUnavailable=1, selector=both)
    cluster.settled(lambda: status(cluster).get("expectedPods") == 2 and status(cluster)["currentHealthy"] == 3)
    assert (status(cluster)["desiredHealthy"], status(cluster)["disruptionsAllowed"]) == (1, 2)
    assert any(reason == "UnmanagedPods" for reason, _ in tools.eventually(lambda: cluster.events("web")))


def test_replication_controller_keeps_its_pods(cluster: Any, tools: Any) -> None:
    spec = {"replicas": 2, "selector": {"app": "rc"}, "template": tools.template({"app": "rc"})}
    cluster.create("replicationcontrollers", {"metadata": {"name": "rc"}, "spec": spec})
    cluster.settled(lambda: cluster.get("replicationcontrollers", "rc")["status"].get("availableReplicas") == 2)
    assert {p["metadata"]["ownerReferences"][0]["kind"] for p in cluster.pods()} == {"ReplicationController"}
    cluster.patch("replicationcontrollers", "rc", {"spec": {"replicas": 1}})
    cluster.settled(lambda: cluster.get("replicationcontrollers", "rc")["status"]["replicas"] == 1)
