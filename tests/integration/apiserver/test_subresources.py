"""Proves that parts of objects are read, applied and refused through their subresources as upstream does."""

from __future__ import annotations

from typing import Any

import pytest

APPLY = {"Content-Type": "application/apply-patch+yaml"}
MERGE = {"Content-Type": "application/merge-patch+json"}
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


def pod(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"app": name}}, "spec": {"containers": [{"name": "c", "image": "i"}], **spec}}


def deployment(name: str) -> dict[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    return {"metadata": {"name": name}, "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}}


def test_a_scale_has_a_table_and_owners_of_its_own(server: Any, namespace: str) -> None:
    base = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    server.call("POST", base, deployment("web"))
    code, table = server.call("GET", f"{base}/web/scale", headers=TABLE)
    assert code == 200 and [c["name"] for c in table["columnDefinitions"]] == ["Name", "Desired", "Available", "Age"]
    assert table["rows"][0]["cells"][:3] == ["web", 1, 0]
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web"}, "spec": {"replicas": 3}}
    code, found = server.call("PATCH", f"{base}/web/scale?fieldManager=a&force=true", scale, headers=APPLY)
    assert (code, found["spec"]) == (200, {"replicas": 3})
    scale["spec"] = {"replicas": 4}
    code, found = server.call("PATCH", f"{base}/web/scale?fieldManager=b", scale, headers=APPLY)
    assert code == 409 and 'conflict with "a" with subresource "scale": .spec.replicas' in found["message"]
    code, found = server.call("PUT", f"{base}/web/scale?fieldValidation=Strict", {**scale, "spec": {"replicas": 1, "more": 1}})
    assert code == 400 and 'unknown field "spec.more"' in found["message"]
    assert server.call("PUT", f"{base}/web/scale", {**scale, "spec": {"replicas": -1}})[0] == 422


def test_components_have_a_table(server: Any) -> None:
    code, table = server.call("GET", "/api/v1/componentstatuses", headers=TABLE)
    assert code == 200 and [c["name"] for c in table["columnDefinitions"]] == ["Name", "Status", "Message", "Error"]
    assert table["rows"][0]["cells"] == ["etcd-0", "Healthy", "ok", ""]


def test_a_binding_is_for_nodes_and_for_pods_without_gates(server: Any, namespace: str) -> None:
    base = f"/api/v1/namespaces/{namespace}/pods"
    server.call("POST", base, pod("gated", schedulingGates=[{"name": "example.com/x"}]))
    wanted = {"metadata": {"name": "gated"}, "target": {"kind": "Node", "name": "n"}}
    code, refused = server.call("POST", f"{base}/gated/binding", wanted)
    assert code == 409 and "has non-empty .spec.schedulingGates" in refused["message"]
    code, refused = server.call("POST", f"{base}/gated/binding", {**wanted, "target": {"kind": "Pod", "name": "n"}})
    assert code == 422 and refused["details"]["causes"][0]["field"] == "target.kind"


def test_a_pods_place_comes_from_its_node(server: Any, namespace: str) -> None:
    base = f"/api/v1/namespaces/{namespace}/pods"
    labels = {"topology.kubernetes.io/zone": "z1", "topology.kubernetes.io/region": "r1", "other": "x"}
    server.call("POST", "/api/v1/nodes", {"metadata": {"name": f"{namespace}-node", "labels": labels}})
    server.call("POST", base, pod("placed"))
    promised = {"status": {"nominatedNodeName": "another"}}
    assert server.call("PATCH", f"{base}/placed/status", promised, headers=MERGE)[1]["status"]["nominatedNodeName"] == "another"
    wanted = {"metadata": {"name": "placed"}, "target": {"kind": "Node", "name": f"{namespace}-node"}}
    assert server.call("POST", f"{base}/placed/binding", wanted)[0] == 201
    placed = server.call("GET", f"{base}/placed")[1]
    assert "nominatedNodeName" not in placed["status"]
    assert placed["metadata"]["labels"] == {"app": "placed", "topology.kubernetes.io/zone": "z1", "topology.kubernetes.io/region": "r1"}


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"metadata": {}}, 400, "was undeterminable: name must be provided"),
        ({"metadata": {"name": "other"}}, 400, "the name of the object (other) does not match the name on the URL (default)"),
        (
            {"metadata": {"name": "default"}, "spec": {"finalizers": ["kubernetes", "odd"]}},
            422,
            'spec.finalizers[1]: Invalid value: "odd": name is neither a standard finalizer name nor is it fully qualified',
        ),
    ],
)
def test_what_finalizes_no_namespace(server: Any, body: dict[str, Any], code: int, message: str) -> None:
    status, refused = server.call("PUT", "/api/v1/namespaces/default/finalize", body)
    assert status == code and refused["message"].endswith(message)


def test_a_pod_that_is_to_go_is_of_a_new_generation(server: Any, namespace: str) -> None:
    pods = f"/api/v1/namespaces/{namespace}/pods"
    spec = {"nodeName": "nowhere", "containers": [{"name": "c", "image": "i"}]}
    assert server.call("POST", pods, {"metadata": {"name": "leaving", "generation": 100}, "spec": spec})[1]["metadata"]["generation"] == 1
    for grace_s in (30, 5):
        code, marked = server.call("DELETE", f"{pods}/leaving?gracePeriodSeconds={grace_s}")
        assert code == 200 and marked["metadata"]["generation"] == 2 and marked["metadata"]["deletionGracePeriodSeconds"] == grace_s
    assert server.call("DELETE", f"{pods}/leaving?gracePeriodSeconds=0")[0] == 200


def test_a_namespace_that_is_to_go_has_no_grace_period(server: Any) -> None:
    server.call("POST", "/api/v1/namespaces", {"metadata": {"name": "leaving"}})
    code, marked = server.call("DELETE", "/api/v1/namespaces/leaving")
    assert code == 200 and marked["metadata"]["deletionTimestamp"] and "deletionGracePeriodSeconds" not in marked["metadata"]
    assert server.call("PUT", "/api/v1/namespaces/leaving/finalize", marked | {"spec": {}})[0] == 200


def test_an_eviction_waits_for_the_budget(server: Any, namespace: str) -> None:
    base, budgets = f"/api/v1/namespaces/{namespace}/pods", f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets"
    server.call("POST", budgets, {"metadata": {"name": "b"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "p"}}}})
    server.call("POST", base, pod("p"))
    ready = {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}
    assert server.call("PATCH", f"{base}/p/status", ready, headers=MERGE)[0] == 200
    wanted = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}
    code, refused = server.call("POST", f"{base}/p/eviction", wanted)
    assert code == 429 and "still being processed" in refused["details"]["causes"][0]["message"]
    counted = {"observedGeneration": 1, "disruptionsAllowed": 1, "currentHealthy": 2, "desiredHealthy": 1, "expectedPods": 2}
    assert server.call("PATCH", f"{budgets}/b/status", {"status": counted}, headers=MERGE)[0] == 200
    assert server.call("POST", f"{base}/p/eviction", {**wanted, "metadata": {"name": "q"}})[0] == 400
    assert server.call("POST", f"{base}/p/eviction?dryRun=All", wanted)[0] == 201
    assert server.call("GET", f"{base}/p")[0] == 200
    assert server.call("POST", f"{base}/p/eviction", wanted)[0] == 201
    assert server.call("GET", f"{base}/p")[0] == 404
    spent = server.call("GET", f"{budgets}/b")[1]["status"]
    assert spent["disruptionsAllowed"] == 0 and list(spent["disruptedPods"]) == ["p"]


def test_ephemeral_containers_are_applied(server: Any, namespace: str) -> None:
    base = f"/api/v1/namespaces/{namespace}/pods"
    server.call("POST", base, pod("p"))
    wanted = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"ephemeralContainers": [{"name": "debug", "image": "busybox"}]},
    }
    code, found = server.call("PATCH", f"{base}/p/ephemeralcontainers?fieldManager=m", wanted, headers=APPLY)
    assert code == 200 and found["metadata"]["managedFields"][0]["subresource"] == "ephemeralcontainers"
    assert [c["name"] for c in found["spec"]["ephemeralContainers"]] == ["debug"]


def test_metadata_comes_along_with_a_status(server: Any, namespace: str) -> None:
    services = f"/api/v1/namespaces/{namespace}/services"
    server.call("POST", services, {"metadata": {"name": "s"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}})
    wanted = {
        "metadata": {"annotations": {"patchedstatus": "true"}, "finalizers": ["service.kubernetes.io/load-balancer-cleanup"]},
        "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}},
    }
    code, found = server.call("PATCH", f"{services}/s/status?fieldManager=m", wanted, headers=MERGE)
    assert code == 200 and found["metadata"]["annotations"] == {"patchedstatus": "true"} and "finalizers" in found["metadata"]
    owned = next(e["fieldsV1"] for e in found["metadata"]["managedFields"] if e.get("subresource") == "status")
    assert set(owned) == {"f:metadata", "f:status"}
    assert server.call("PATCH", f"{services}/s", {"metadata": {"finalizers": None}}, headers=MERGE)[0] == 200


@pytest.mark.parametrize(
    "media", ["application/merge-patch+json", "application/strategic-merge-patch+json", "application/apply-patch+yaml"]
)
def test_a_patch_for_an_object_of_another_uid_changes_nothing(server: Any, namespace: str, media: str) -> None:
    """A kubelet's last word about a pod is not about the pod that has its name by now."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    spec = {"containers": [{"name": "c", "image": "i"}]}
    made = server.call("POST", path, {"metadata": {"name": "again"}, "spec": spec})[1]
    patch = {"apiVersion": "v1", "kind": "Pod", "metadata": {"uid": "another"}, "status": {"phase": "Failed"}}
    item = f"{path}/again/status?fieldManager=kubelet{'&force=true' if 'apply' in media else ''}"
    code, refused = server.call("PATCH", item, patch, headers={"Content-Type": media})
    assert code == 422 and refused["details"]["causes"][0]["field"] == "metadata.uid"
    patch["metadata"] = {"uid": made["metadata"]["uid"]}
    code, changed = server.call("PATCH", item, patch, headers={"Content-Type": media})
    assert code == 200 and changed["status"]["phase"] == "Failed"
