"""Proves what admission fills in and refuses, in a namespace's words: limits, quotas, pod security, classes, priorities, nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def pod(name: str, **spec: Any) -> dict[str, Any]:
    container = {"name": "c", "image": "i", **spec.pop("container", {})}
    return {"metadata": {"name": name}, "spec": {"containers": [container], **spec}}


@pytest.fixture
def pods(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/pods"


def test_limit_range_fills_in_and_refuses(server: Any, namespace: str, pods: str) -> None:
    limits = [
        {"type": "Container", "default": {"cpu": "500m"}, "defaultRequest": {"cpu": "100m"}, "max": {"cpu": "1"}, "min": {"cpu": "50m"}}
    ]
    assert (
        server.call("POST", f"/api/v1/namespaces/{namespace}/limitranges", {"metadata": {"name": "l"}, "spec": {"limits": limits}})[0]
        == 201
    )
    code, made = server.call("POST", pods, pod("a"))
    assert code == 201 and made["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "500m"}, "requests": {"cpu": "100m"}}
    code, status = server.call("POST", pods, pod("b", container={"resources": {"limits": {"cpu": "2"}}}))
    assert code == 403 and "maximum cpu usage per Container is 1, but limit is 2" in status["message"]


def test_quota_counts_and_refuses(server: Any, namespace: str, pods: str) -> None:
    quotas = f"/api/v1/namespaces/{namespace}/resourcequotas"
    hard = {"pods": "1", "requests.memory": "1Gi"}
    code, quota = server.call("POST", quotas, {"metadata": {"name": "q"}, "spec": {"hard": hard}})
    assert code == 201
    quota["status"] = {"hard": hard, "used": {"pods": "0", "requests.memory": "0"}}
    assert server.call("PUT", f"{quotas}/q/status", quota)[0] == 200
    code, status = server.call("POST", pods, pod("a"))
    assert code == 403 and "must specify requests.memory for: c" in status["message"]
    asking = {"resources": {"requests": {"memory": "600Mi"}}}
    assert server.call("POST", pods, pod("a", container=asking))[0] == 201
    assert server.call("GET", f"{quotas}/q")[1]["status"]["used"] == {"pods": "1", "requests.memory": "600Mi"}
    code, status = server.call("POST", pods, pod("b", container=asking))
    assert code == 403 and "exceeded quota: q, requested: pods=1,requests.memory=600Mi" in status["message"]


def test_pod_security_enforces_and_warns(server: Any, namespace: str, pods: str) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "baseline", "pod-security.kubernetes.io/warn": "restricted"}
    path = f"/api/v1/namespaces/{namespace}"
    patch = {"Content-Type": "application/merge-patch+json"}
    assert server.call("PATCH", path, {"metadata": {"labels": labels}}, headers=patch)[0] == 200
    code, status = server.call("POST", pods, pod("a", hostNetwork=True, container={"securityContext": {"privileged": True}}))
    assert code == 403
    assert 'violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true), privileged (container "c"' in status["message"]
    warned = server.kubectl("run", "p", "--image=i", "-n", namespace, "--dry-run=server", "-o", "name")
    assert warned.strip() == "pod/p"


def test_priority_and_default_classes(server: Any, namespace: str, pods: str) -> None:
    code, made = server.call("POST", pods, pod("a", priorityClassName="system-cluster-critical"))
    assert code == 201 and made["spec"]["priority"] == 2_000_000_000
    code, status = server.call("POST", pods, pod("b", priorityClassName="nope"))
    assert code == 403 and "no PriorityClass with name nope was found" in status["message"]
    storage = {
        "metadata": {"name": f"s-{namespace}", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "x",
    }
    assert server.call("POST", "/apis/storage.k8s.io/v1/storageclasses", storage)[0] == 201
    claim = {"metadata": {"name": "c"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
    code, made = server.call("POST", f"/api/v1/namespaces/{namespace}/persistentvolumeclaims", claim)
    assert code == 201 and made["spec"]["storageClassName"] == f"s-{namespace}"


def test_a_kubelet_keeps_to_its_own(server: Any, namespace: str, pods: str) -> None:
    node = {"metadata": {"name": "node1"}}
    assert server.call("POST", "/api/v1/nodes", node, user="node1")[0] == 201
    assert server.call("POST", "/api/v1/nodes", {"metadata": {"name": "node2"}}, user="node1")[0] == 403
    assert server.call("GET", f"/api/v1/namespaces/{namespace}/secrets/s", user="node1")[0] == 403
    assert server.call("POST", f"/api/v1/namespaces/{namespace}/secrets", {"metadata": {"name": "s"}})[0] == 201
    made = pod("a", nodeName="node1", volumes=[{"name": "v", "secret": {"secretName": "s"}}])
    assert server.call("POST", pods, made)[0] == 201
    assert server.call("GET", f"/api/v1/namespaces/{namespace}/secrets/s", user="node1")[0] == 200
    selected = f"/api/v1/namespaces/{namespace}/secrets?fieldSelector=metadata.name%3Ds"
    assert server.call("GET", selected, user="node1")[0] == 200
    patch = {"Content-Type": "application/strategic-merge-patch+json"}
    assert server.call("PATCH", f"{pods}/a/status", {"status": {"phase": "Running"}}, user="node1", headers=patch)[0] == 200
    assert server.call("POST", pods, pod("b"))[0] == 201
    assert server.call("PATCH", f"{pods}/b/status", {"status": {"phase": "Running"}}, user="node1", headers=patch)[0] == 403
    lease = {"metadata": {"name": "node1"}, "spec": {"holderIdentity": "node1", "leaseDurationSeconds": 40}}
    assert server.call("POST", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases", lease, user="node1")[0] == 201
    assert server.call("DELETE", f"{pods}/a?gracePeriodSeconds=0", user="node1")[0] == 200
    assert server.call("GET", f"{pods}/a")[0] == 404


def test_who_says_what_a_signers_anchors_are_may_attest_for_it(server: Any) -> None:
    bundles = "/apis/certificates.k8s.io/v1beta1/clustertrustbundles"
    rules = [{"apiGroups": ["certificates.k8s.io"], "resources": ["clustertrustbundles"], "verbs": ["*"]}]
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    subjects = [{"kind": "User", "name": "alice", "apiGroup": "rbac.authorization.k8s.io"}]

    def grant(name: str, rules: list[dict[str, Any]]) -> None:
        assert server.call("POST", f"{rbac}/clusterroles", {"metadata": {"name": name}, "rules": rules})[0] == 201
        reference = {"kind": "ClusterRole", "name": name, "apiGroup": "rbac.authorization.k8s.io"}
        binding = {"metadata": {"name": name}, "roleRef": reference, "subjects": subjects}
        assert server.call("POST", f"{rbac}/clusterrolebindings", binding)[0] == 201

    grant("bundles", rules)
    anchors = Path(server.pki.path("ca.crt")).read_text()
    made = {"metadata": {"name": "example.com:s:a"}, "spec": {"signerName": "example.com/s", "trustBundle": anchors}}
    code, refused = server.call("POST", bundles, made, user="alice")
    assert code == 403 and 'user not permitted to attest for signerName "example.com/s"' in refused["message"]
    assert server.call("POST", bundles, {"metadata": {"name": "nobodys"}, "spec": {"trustBundle": anchors}}, user="alice")[0] == 201
    names = {"resourceNames": ["example.com/*"], "verbs": ["attest"]}
    grant("attest", [{"apiGroups": ["certificates.k8s.io"], "resources": ["signers"], **names}])
    assert server.call("POST", bundles, made, user="alice")[0] == 201
