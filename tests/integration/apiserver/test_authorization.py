"""Proves who may what: roles with their reasons, kubelets, webhooks and their configuration file, and the reviews that tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

RBAC = "/apis/rbac.authorization.k8s.io/v1"


def review(server: Any, user: str, groups: tuple[str, ...] = (), path: str = "", **attributes: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"user": user, "groups": list(groups)}
    if path:
        spec["nonResourceAttributes"] = {"path": path, "verb": "get"}
    else:
        spec["resourceAttributes"] = attributes
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    status, found = server.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body)
    assert status == 201, found
    return dict(found["status"])


def bind(server: Any, namespace: str, name: str, role: str, *users: str) -> None:
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
    subjects = [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"} for user in users]
    document = {"metadata": {"name": name}, "roleRef": reference, "subjects": subjects}
    where = f"/namespaces/{namespace}/rolebindings" if namespace else "/clusterrolebindings"
    assert server.call("POST", RBAC + where, document)[0] == 201


def test_roles_and_their_reasons(server: Any, namespace: str) -> None:
    asked = {"verb": "list", "resource": "pods", "namespace": namespace}
    assert review(server, "kim", **asked) == {"allowed": False}
    bind(server, namespace, "kims", "view", "kim")
    assert review(server, "kim", **asked) == {
        "allowed": True,
        "reason": f'RBAC: allowed by RoleBinding "kims/{namespace}" of ClusterRole "view" to User "kim"',
    }
    assert not review(server, "kim", verb="list", resource="pods", namespace="default")["allowed"]
    assert not review(server, "kim", verb="list", resource="secrets", namespace=namespace)["allowed"]
    # A change counts at once, for answers that were kept too.
    assert server.call("DELETE", f"{RBAC}/namespaces/{namespace}/rolebindings/kims")[0] == 200
    assert not review(server, "kim", **asked)["allowed"]
    assert review(server, "x", ("system:authenticated",), path="/version")["allowed"]


def test_what_reviews_must_say(server: Any, namespace: str) -> None:
    body: dict[str, Any] = {"spec": {"user": "x"}}
    assert server.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body)[0] == 422
    body["spec"]["resourceAttributes"] = {"namespace": "other", "verb": "get", "resource": "pods"}
    both = {"spec": {**body["spec"], "nonResourceAttributes": {"path": "/", "verb": "get"}}}
    told = server.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", both)[1]["message"]
    assert told.endswith("cannot be specified in combination with resourceAttributes")
    path = f"/apis/authorization.k8s.io/v1/namespaces/{namespace}/localsubjectaccessreviews"
    assert server.call("POST", path, body)[0] == 400
    body["spec"]["resourceAttributes"]["namespace"] = namespace
    status, found = server.call("POST", path, body)
    assert status == 201 and found["status"]["allowed"] is False
    status, found = server.call(
        "POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", {"spec": {"namespace": namespace}}, user="alice"
    )
    assert status == 201 and any("selfsubjectreviews" in r.get("resources", ()) for r in found["status"]["resourceRules"])


def test_nobody_gathers_what_they_have_not(server: Any) -> None:
    """Who may write cluster roles, and no more, can't write one that gathers everything."""
    role = {"metadata": {"name": "writer-of-roles"}, "rules": [{"apiGroups": ["*"], "resources": ["clusterroles"], "verbs": ["create"]}]}
    assert server.call("POST", f"{RBAC}/clusterroles", role)[0] == 201
    bind(server, "", "writers-of-roles", "writer-of-roles", "alice")
    role = {"metadata": {"name": "mine"}, "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]}
    status, found = server.call("POST", f"{RBAC}/clusterroles", role, user="alice")
    assert status == 403 and 'user "alice" (groups=["devs" "system:authenticated"]) is attempting to grant' in found["message"]
    role = {"metadata": {"name": "mine"}, "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}}
    assert server.call("POST", f"{RBAC}/clusterroles", role, user="alice")[0] == 403


def test_kubelets(server: Any, namespace: str) -> None:
    server.pki.issue("kubelet7", "system:node:node7", ("system:nodes",))
    node = lambda method, path, body=None: server.call(method, path, body, user="kubelet7")[0]  # noqa: E731
    pod = {"metadata": {"name": "mine"}, "spec": {"nodeName": "node7", "containers": [{"name": "c", "image": "i"}]}}
    pod["spec"]["volumes"] = [{"name": "s", "secret": {"secretName": "needed"}}]  # type: ignore[index]
    assert server.call("POST", f"/api/v1/namespaces/{namespace}/pods", pod)[0] == 201
    for name in ("needed", "other"):
        assert server.call("POST", f"/api/v1/namespaces/{namespace}/secrets", {"metadata": {"name": name}})[0] == 201
    assert node("GET", f"/api/v1/namespaces/{namespace}/secrets/needed") == 200
    assert node("GET", f"/api/v1/namespaces/{namespace}/secrets/other") == 403
    assert node("GET", "/api/v1/pods") == 403
    assert node("GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dnode7") == 200
    assert node("GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dnode2") == 403
    assert node("POST", "/api/v1/nodes", {"metadata": {"name": "node2"}}) == 403
    label = "node-restriction.kubernetes.io/x"
    assert node("POST", "/api/v1/nodes", {"metadata": {"name": "node7", "labels": {label: "1"}}}) == 403
    labels = {"kubernetes.io/hostname": "node7", "node-role.kubernetes.io/worker": ""}
    taints = [{"key": "k", "effect": "NoSchedule"}]
    assert node("POST", "/api/v1/nodes", {"metadata": {"name": "node7", "labels": labels}, "spec": {"taints": taints}}) == 201
    assert node("GET", "/api/v1/nodes?fieldSelector=metadata.name%3Dnode7") == 200
    assert node("GET", "/api/v1/nodes") == 403
    patch = {"metadata": {"labels": {"node-role.kubernetes.io/control-plane": ""}}}
    headers = {"Content-Type": "application/merge-patch+json"}
    assert server.call("PATCH", "/api/v1/nodes/node7", patch, user="kubelet7", headers=headers)[0] == 403
    body = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    assert server.call("PATCH", "/api/v1/nodes/node7/status", body, user="kubelet7", headers=headers)[0] == 200
    assert server.call("PATCH", "/api/v1/nodes/node7", {"spec": {"taints": []}}, user="kubelet7", headers=headers)[0] == 403
    assert node("DELETE", "/api/v1/nodes/node7") == 403
    leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
    lease = {"metadata": {"name": "node7"}, "spec": {"holderIdentity": "node7"}}
    assert node("POST", leases, lease) == 201 and node("GET", f"{leases}/node7") == 200
    assert node("POST", leases, {"metadata": {"name": "node2"}}) == 403 and node("GET", leases) == 403
    path = f"/api/v1/namespaces/{namespace}/pods/mine"
    assert server.call("PATCH", f"{path}/status", {"status": {"phase": "Running"}}, user="kubelet7", headers=headers)[0] == 200
    assert node("GET", path) == 200 and node("DELETE", path) == 200
    event = {"metadata": {"name": "e"}, "involvedObject": {"namespace": namespace, "name": "mine"}, "type": "Normal"}
    assert node("POST", f"/api/v1/namespaces/{namespace}/events", event) == 201
    assert server.call("DELETE", "/api/v1/nodes/node7")[0] == 200


@pytest.fixture
def kubeconfig(pki: Any, tmp_path: Path) -> Any:
    def make(url: str) -> Path:
        path = tmp_path / "webhook.kubeconfig"
        cluster = {"server": url, "certificate-authority": pki.path("ca.crt")}
        user = {"client-certificate": pki.path("server.crt"), "client-key": pki.path("server.key")}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        }
        path.write_text(json.dumps({**document, "clusters": [{"name": "c", "cluster": cluster}], "users": [{"name": "u", "user": user}]}))
        return path

    return make


def test_webhook_by_configuration(make_server: Any, serve: Any, kubeconfig: Any, tmp_path: Path) -> None:
    """The webhook is asked after RBAC has no opinion, where its condition holds; its answers are kept; its failure denies."""
    answers = {"list": {"allowed": True, "reason": "so be it"}, "get": {"allowed": False, "denied": True, "reason": "never"}}

    def answer(method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        document = json.loads(body)
        verb = document["spec"]["resourceAttributes"]["verb"]
        return (500, {}) if verb == "watch" else (201, {**document, "status": answers[verb]})

    peer = serve(answer, certificates=True)
    webhook = {
        "timeout": "3s",
        "subjectAccessReviewVersion": "v1",
        "matchConditionSubjectAccessReviewVersion": "v1",
        "failurePolicy": "Deny",
        "connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": str(kubeconfig(f"{peer.url}/authorize"))},
        "matchConditions": [{"expression": "has(request.resourceAttributes)"}, {"expression": "request.user.startsWith('ali')"}],
    }
    config = {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthorizationConfiguration",
        "authorizers": [{"type": "RBAC"}, {"type": "Webhook", "name": "asked", "webhook": webhook}],
    }
    (tmp_path / "authz.json").write_text(json.dumps(config))
    server = make_server(f"--authorization-config={tmp_path / 'authz.json'}", without=("authorization-mode",))
    for _ in range(3):
        assert server.call("GET", "/api/v1/nodes", user="alice")[0] == 200
    status, found = server.call("GET", "/api/v1/nodes/x", user="alice")
    assert status == 403 and found["message"].endswith(": never")
    assert server.call("GET", "/api/v1/nodes?watch=1&timeoutSeconds=1", user="alice", raw=True)[0] == 403
    assert server.call("GET", "/api/v1/nodes", user="node1")[0] == 403
    assert server.call("GET", "/metrics", user="alice", raw=True)[0] == 403
    verbs = [json.loads(body)["spec"]["resourceAttributes"]["verb"] for _, _, _, body in peer.asked]
    assert verbs == ["list", "get", "watch"]
    asked = json.loads(peer.asked[0][3])
    assert asked["kind"] == "SubjectAccessReview" and asked["spec"]["user"] == "alice" and "devs" in asked["spec"]["groups"]


def test_a_stream_by_get_takes_the_right_to_create(server: Any, namespace: str) -> None:
    rule = {"apiGroups": [""], "resources": ["pods/exec", "configmaps"], "verbs": ["get", "patch"]}
    roles = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    server.call("POST", f"{roles}/roles", {"metadata": {"name": "looks"}, "rules": [rule]})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "looks"}
    subject = {"kind": "User", "name": "alice", "apiGroup": "rbac.authorization.k8s.io"}
    server.call("POST", f"{roles}/rolebindings", {"metadata": {"name": "looks"}, "roleRef": reference, "subjects": [subject]})
    code, status = server.call("GET", f"/api/v1/namespaces/{namespace}/pods/p/exec?command=ls", user="alice")
    assert code == 403 and 'cannot create resource "pods/exec"' in status["message"]
    path, body = f"/api/v1/namespaces/{namespace}/configmaps/c", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    media = {"Content-Type": "application/apply-patch+yaml"}
    code, status = server.call("PATCH", f"{path}?fieldManager=a", body, user="alice", headers=media)
    assert code == 403 and 'cannot create resource "configmaps"' in status["message"]
    assert server.call("PATCH", f"{path}?fieldManager=a", body, headers=media)[0] == 201
    assert server.call("PATCH", f"{path}?fieldManager=a", body, user="alice", headers=media)[0] == 200
