"""Proves a StatefulSet's life against the real server: order, names, claims, rolling back and forth, partitions, scaling down."""

from __future__ import annotations

from typing import Any


def stateful(tools: Any, **spec: Any) -> dict[str, Any]:
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
    return {
        "metadata": {"name": "db"},
        "spec": {
            "serviceName": "db",
            "selector": {"matchLabels": {"app": "db"}},
            "template": tools.template({"app": "db"}),
            "volumeClaimTemplates": [claim],
            **spec,
        },
    }


def names(cluster: Any) -> list[str]:
    return sorted(p["metadata"]["name"] for p in cluster.pods())


def status(cluster: Any, name: str = "db") -> dict[str, Any]:
    found: dict[str, Any] = cluster.get("statefulsets", name)["status"]
    return found


def test_pods_come_one_after_the_other_with_their_claims(cluster: Any, tools: Any) -> None:
    cluster.create("statefulsets", stateful(tools, replicas=2))
    tools.eventually(lambda: names(cluster) == ["db-0"])
    pod = cluster.get("pods", "db-0")
    assert pod["spec"]["hostname"] == "db-0"
    assert pod["spec"]["subdomain"] == "db"
    revision = status(cluster)["updateRevision"]
    labels = pod["metadata"]["labels"]
    assert labels["statefulset.kubernetes.io/pod-name"] == "db-0"
    assert labels["apps.kubernetes.io/pod-index"] == "0"
    assert labels["controller-revision-hash"] == revision
    data = next(v for v in pod["spec"]["volumes"] if v["name"] == "data")
    assert data["persistentVolumeClaim"]["claimName"] == "data-db-0"
    assert cluster.get("persistentvolumeclaims", "data-db-0")["metadata"]["labels"] == {"app": "db"}
    assert names(cluster) == ["db-0"], "the second pod waits for the first to be ready"
    cluster.run_pod(pod)
    tools.eventually(lambda: names(cluster) == ["db-0", "db-1"])
    cluster.settled(lambda: status(cluster).get("availableReplicas") == 2)
    found = status(cluster)
    assert (found["replicas"], found["readyReplicas"], found["currentReplicas"], found["updatedReplicas"]) == (2, 2, 2, 2)
    assert found["currentRevision"] == found["updateRevision"]
    tools.eventually(lambda: ("SuccessfulCreate", "create Pod db-1 in StatefulSet db successful") in cluster.events("db"))
    assert ("SuccessfulCreate", "create Claim data-db-0 Pod db-0 in StatefulSet db success") in cluster.events("db")


def test_rolling_update_goes_down_to_the_partition_and_back(cluster: Any, tools: Any) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
    cluster.create("statefulsets", stateful(tools, replicas=3, podManagementPolicy="Parallel", updateStrategy=strategy))
    tools.eventually(lambda: names(cluster) == ["db-0", "db-1", "db-2"], "all at once, since they are Parallel")
    cluster.settled(lambda: status(cluster).get("availableReplicas") == 3)
    first = status(cluster)["currentRevision"]
    cluster.patch("statefulsets", "db", {"spec": {"template": tools.template({"app": "db"}, "registry.test/app:2")}})

    def images() -> dict[str, str]:
        return {p["metadata"]["name"]: p["spec"]["containers"][0]["image"] for p in cluster.pods()}

    new, old = "registry.test/app:2", "registry.test/app:1"
    cluster.settled(lambda: images() == {"db-0": old, "db-1": new, "db-2": new} and status(cluster).get("availableReplicas") == 3)
    found = status(cluster)
    assert (found["currentReplicas"], found["updatedReplicas"]) == (1, 2)
    assert found["currentRevision"] == first != found["updateRevision"]
    cluster.patch("statefulsets", "db", {"spec": {"updateStrategy": {"rollingUpdate": {"partition": 0}}}})
    cluster.settled(lambda: status(cluster)["currentRevision"] == found["updateRevision"] and set(images().values()) == {new})
    cluster.patch("statefulsets", "db", {"spec": {"template": tools.template({"app": "db"})}})
    cluster.settled(lambda: status(cluster)["currentRevision"] == first and set(images().values()) == {old})
    assert sorted(r["revision"] for r in cluster.list("controllerrevisions")) == [2, 3], "the first template's revision is used again"


def test_scaling_down_takes_the_highest_first_and_keeps_claims(cluster: Any, tools: Any) -> None:
    cluster.create("statefulsets", stateful(tools, replicas=3))
    cluster.settled(lambda: status(cluster).get("availableReplicas") == 3)
    cluster.patch("statefulsets", "db", {"spec": {"replicas": 1}}, "scale")
    cluster.settled(lambda: names(cluster) == ["db-0"] and status(cluster)["replicas"] == 1)
    assert len(cluster.list("persistentvolumeclaims")) == 3
    texts = {f"delete Pod db-{number} in StatefulSet db successful" for number in (1, 2)}
    tools.eventually(lambda: {text for reason, text in cluster.events("db") if reason == "SuccessfulDelete"} == texts)


def test_claims_go_where_they_are_told_to(cluster: Any, tools: Any) -> None:
    policy = {"whenDeleted": "Delete", "whenScaled": "Delete"}
    cluster.create("statefulsets", stateful(tools, replicas=2, persistentVolumeClaimRetentionPolicy=policy))
    cluster.settled(lambda: status(cluster).get("availableReplicas") == 2)
    cluster.patch("statefulsets", "db", {"spec": {"replicas": 1}}, "scale")
    cluster.settled(lambda: [c["metadata"]["name"] for c in cluster.list("persistentvolumeclaims")] == ["data-db-0"])
    cluster.delete("statefulsets", "db")
    cluster.settled(lambda: not cluster.list("persistentvolumeclaims") and not cluster.list("pods"))


def test_ended_pod_is_made_again(cluster: Any, tools: Any) -> None:
    cluster.create("statefulsets", stateful(tools, replicas=1))
    first = tools.eventually(lambda: cluster.pods())[0]
    cluster.end_pod(first, code=1)
    tools.eventually(lambda: [p["metadata"]["uid"] for p in cluster.pods()] not in ([], [first["metadata"]["uid"]]))
    text = f"StatefulSet {cluster.namespace}/db is recreating Failed Pod db-0"
    tools.eventually(lambda: ("RecreatingFailedPod", text) in cluster.events("db"))
