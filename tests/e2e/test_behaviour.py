"""Proves documented behaviour of controllers, scheduler and kubelet that only real pods show. Everything is applied at once, then looked at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.lab import WORKERS, Cluster, eventually
from tests.e2e.manifests import BUSYBOX, pod

SPACE = "behaviour"
SLEEP = "sleep 3600"


def one(command: str = SLEEP, **container: Any) -> dict[str, Any]:
    return {"name": "main", "image": BUSYBOX, "command": ["sh", "-c", command], **container}


def job(name: str, command: str, **spec: Any) -> dict[str, Any]:
    template = {"spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [one(command)]}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {**spec, "template": template}}


def pods_of(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    container = spec.pop("container", one())
    template = {"metadata": {"labels": {"app": name}}, "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]}}
    whole = {"selector": {"matchLabels": {"app": name}}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": whole}


EXIT_42 = {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}]}
INDEXED = {"completions": 4, "parallelism": 4, "completionMode": "Indexed"}
JOBS = [
    job("by-index", "exit $((JOB_COMPLETION_INDEX % 2))", **INDEXED, backoffLimitPerIndex=0),
    job("given-up", "exit 42", podFailurePolicy=EXIT_42),
    job("enough", f"[ $JOB_COMPLETION_INDEX = 0 ] || {SLEEP}", **INDEXED, successPolicy={"rules": [{"succeededIndexes": "0"}]}),
]
SURGING = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
HERE = {"key": "kubernetes.io/hostname", "operator": "In", "values": [WORKERS[1]]}
STORAGE = [
    {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "behaviour-late"},
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
    },
    {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "behaviour"},
        "spec": {
            "capacity": {"storage": "1Mi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "behaviour-late",
            "hostPath": {"path": "/tmp/behaviour", "type": "DirectoryOrCreate"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [HERE]}]}},
        },
    },
]
CLAIM = {"accessModes": ["ReadWriteOnce"], "storageClassName": "behaviour-late", "resources": {"requests": {"storage": "1Mi"}}}
STATEFUL = pods_of(
    "StatefulSet",
    "stateful",
    replicas=1,
    serviceName="stateful",
    container=one(volumeMounts=[{"name": "data", "mountPath": "/data"}]),
    volumeClaimTemplates=[{"metadata": {"name": "data"}, "spec": CLAIM}],
)


def near(name: str) -> dict[str, Any]:
    """A pod that must be where the StatefulSet's is, whose namespace it names by a label only."""
    term = {
        "topologyKey": "kubernetes.io/hostname",
        "labelSelector": {"matchLabels": {"app": "stateful"}},
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": SPACE}},
    }
    made = pod(name, SLEEP)
    made["metadata"]["namespace"] = "default"
    made["spec"]["affinity"] = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    return made


@pytest.fixture(scope="module")
def space(cluster: Cluster) -> Iterator[Cluster]:
    cluster.kubectl("create", "namespace", SPACE).ok()
    eventually(lambda: cluster.kubectl("get", "-n", SPACE, "serviceaccount/default").code == 0, 20, "the namespace has its account")
    sized = pod("sized", SLEEP, resources={"requests": {"cpu": "50m"}, "limits": {"cpu": "100m"}})
    inside = [*JOBS, pods_of("DaemonSet", "surging", updateStrategy=SURGING), STATEFUL, sized]
    for document in inside:
        document["metadata"]["namespace"] = SPACE
    cluster.apply(*STORAGE, *inside, near("near"))
    yield cluster
    cluster.kubectl("delete", "pod/near", "persistentvolume/behaviour", "storageclass/behaviour-late", "--wait=false")
    cluster.kubectl("delete", "namespace", SPACE, "--wait=false")


def ended(cluster: Cluster, name: str) -> dict[str, Any]:
    """The status of a job once it is over, with the reason of its last condition."""

    def look() -> dict[str, Any]:
        status: dict[str, Any] = cluster.json("get", "-n", SPACE, f"job/{name}")["status"]
        last = [c["reason"] for c in status.get("conditions", ()) if c["type"] in ("Complete", "Failed")]
        return {**status, "reason": last[0]} if last else {}

    return eventually(look, 60, f"job {name} ends")


def test_jobs_end_by_their_policies(space: Cluster) -> None:
    by_index = ended(space, "by-index")
    assert (by_index["completedIndexes"], by_index["failedIndexes"], by_index["reason"]) == ("0,2", "1,3", "FailedIndexes")
    assert ended(space, "given-up")["reason"] == "PodFailurePolicy"
    enough = ended(space, "enough")
    assert (enough["succeeded"], enough["reason"]) == (1, "SuccessPolicy")
    left = space.json("get", "pods", "-n", SPACE, "-l", "batch.kubernetes.io/job-name")["items"]
    assert not any(one["metadata"].get("finalizers") for one in left), "every pod was counted"


def test_a_pod_goes_where_its_claim_and_its_neighbours_are(space: Cluster) -> None:
    for name, namespace in (("stateful-0", SPACE), ("near", "default")):
        space.kubectl("wait", "-n", namespace, "--for=condition=Ready", f"pod/{name}", "--timeout=60s", timeout_s=70).ok()
        assert space.json("get", "-n", namespace, f"pod/{name}")["spec"]["nodeName"] == WORKERS[1]
    assert space.json("get", "persistentvolume/behaviour")["status"]["phase"] == "Bound"


def test_a_daemon_set_surges_and_goes_back(space: Cluster) -> None:
    def rolled(*words: str) -> set[str]:
        space.kubectl("rollout", *words, "-n", SPACE, "daemonset/surging").ok()
        space.kubectl("rollout", "status", "-n", SPACE, "daemonset/surging", "--timeout=60s", timeout_s=70).ok()
        return {one["metadata"]["labels"]["controller-revision-hash"] for one in space.ready_pods("app=surging", SPACE)}

    first = rolled("status")
    second = rolled("restart")
    assert first != second and rolled("undo") == first
    reasons = {event["reason"] for event in space.json("get", "events", "-n", SPACE)["items"]}
    assert "SuccessfulCreate" in reasons and "FailedDaemonPod" not in reasons


def test_a_running_container_is_resized(space: Cluster) -> None:
    space.kubectl("wait", "-n", SPACE, "--for=condition=Ready", "pod/sized", "--timeout=60s", timeout_s=70).ok()
    change = {"spec": {"containers": [{"name": "main", "resources": {"requests": {"cpu": "80m"}, "limits": {"cpu": "200m"}}}]}}
    path = f"/api/v1/namespaces/{SPACE}/pods/sized"
    whole = space.json("get", "-n", SPACE, "pod/sized")
    whole["spec"]["containers"][0]["resources"] = change["spec"]["containers"][0]["resources"]
    space.kubectl("replace", "--raw", f"{path}/resize", "-f", "-", stdin=json.dumps(whole)).ok()

    def limit() -> bool:
        (status,) = space.json("get", "-n", SPACE, "pod/sized")["status"]["containerStatuses"]
        return bool(
            status["resources"]["limits"]["cpu"] == "200m" and status["allocatedResources"]["cpu"] == "80m" and not status["restartCount"]
        )

    eventually(limit, 20, "the container has its new limit without a restart")
