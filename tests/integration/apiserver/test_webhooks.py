"""Proves that admission webhooks are asked, change and refuse, and that their failure counts as their policy says; and that nobody grants
what they don't have."""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest


class Hook(BaseHTTPRequestHandler):
    """/mutate labels what it gets, /validate refuses what is labelled bad."""

    asked: list[dict[str, Any]] = []

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        request = review["request"]
        Hook.asked.append(request)
        response: dict[str, Any] = {"uid": request["uid"], "allowed": True}
        about = request["object"] or request["oldObject"]
        if self.path.startswith("/mutate"):
            patch = [{"op": "add", "path": "/metadata/labels", "value": {**about["metadata"].get("labels", {}), "seen": "yes"}}]
            response |= {
                "patchType": "JSONPatch",
                "patch": base64.b64encode(json.dumps(patch).encode()).decode(),
                "warnings": ["mind this"],
            }
        elif about["metadata"].get("labels", {}).get("bad"):
            response |= {"allowed": False, "status": {"message": "it is bad", "code": 403}}
        body = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def hooks(server: Any) -> Iterator[str]:
    listening = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.pki.path("server.crt"), server.pki.path("server.key"))
    listening.socket = context.wrap_socket(listening.socket, server_side=True)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    yield f"https://127.0.0.1:{listening.server_port}"
    listening.shutdown()
    listening.server_close()
    thread.join()


def configure(server: Any, kind: str, name: str, namespace: str, url: str, **more: Any) -> str:
    bundle = base64.b64encode(Path(server.pki.path("ca.crt")).read_bytes()).decode()
    hook = {
        "name": f"{name}.example.com",
        "clientConfig": {"url": url, "caBundle": bundle},
        "rules": [{"operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        **more,
    }
    path = f"/apis/admissionregistration.k8s.io/v1/{kind}webhookconfigurations"
    assert server.call("POST", path, {"metadata": {"name": name}, "webhooks": [hook]})[0] == 201
    return f"{path}/{name}"


def test_change_refuse_and_delete(server: Any, namespace: str, hooks: str) -> None:
    made = [
        configure(server, "mutating", "m", namespace, f"{hooks}/mutate"),
        configure(server, "validating", "v", namespace, f"{hooks}/validate"),
    ]
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    try:
        code, found = server.call("POST", path, {"metadata": {"name": "a"}})
        assert code == 201 and found["metadata"]["labels"] == {"seen": "yes"}
        code, status = server.call("POST", path, {"metadata": {"name": "b", "labels": {"bad": "1"}}})
        assert code == 403 and status["message"] == 'admission webhook "v.example.com" denied the request: it is bad'
        assert server.call("DELETE", f"{path}/a")[0] == 200
        assert [r["operation"] for r in Hook.asked if r["name"] == "a"] == ["CREATE", "CREATE", "DELETE", "DELETE"]
        assert Hook.asked[0]["userInfo"]["username"] == "admin"
        done = server.kubectl("create", "configmap", "c", "-n", namespace, "-o", "name")
        assert done.strip() == "configmap/c"
    finally:
        for configuration in made:
            server.call("DELETE", configuration)


def test_failure_policy(server: Any, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    for policy, code in (("Fail", 500), ("Ignore", 201)):
        made = configure(server, "validating", f"gone-{policy.lower()}", namespace, "https://127.0.0.1:9/", failurePolicy=policy)
        try:
            status, answer = server.call("POST", path, {"metadata": {"name": f"x-{policy.lower()}"}})
            assert status == code
            told = 'failed to call webhook: Post "https://127.0.0.1:9/?timeout=10s": dial tcp 127.0.0.1:9: connect: connection refused'
            assert code == 201 or answer["message"].endswith(told)
        finally:
            server.call("DELETE", made)


def test_nobody_grants_what_they_do_not_have(server: Any, namespace: str) -> None:
    server.kubectl("create", "role", "granter", "-n", namespace, "--verb=create,get", "--resource=roles,rolebindings")
    server.kubectl("create", "rolebinding", "granter", "-n", namespace, "--role=granter", "--user=alice")
    refused = server.kubectl("create", "role", "more", "-n", namespace, "--verb=get", "--resource=secrets", user="alice", fails=True)
    assert "attempting to grant RBAC permissions not currently held" in refused and '"secrets"' in refused
    bound = server.kubectl("create", "rolebinding", "b", "-n", namespace, "--clusterrole=admin", "--user=alice", user="alice", fails=True)
    assert "not currently held" in bound
    server.kubectl("create", "role", "same", "-n", namespace, "--verb=get", "--resource=roles", user="alice")


def test_our_own_plugins_look_again_at_what_a_webhook_added(server: Any, serve: Any, namespace: str) -> None:
    """A container that a webhook puts in gets the service account's volume and the defaults of the namespace, like the others."""
    limits = [{"type": "Container", "default": {"cpu": "200m"}, "defaultRequest": {"cpu": "100m"}}]
    ranges = {"metadata": {"name": "l"}, "spec": {"limits": limits}}
    assert server.call("POST", f"/api/v1/namespaces/{namespace}/limitranges", ranges)[0] == 201
    patch = base64.b64encode(
        json.dumps([{"op": "add", "path": "/spec/containers/-", "value": {"name": "side", "image": "s"}}]).encode()
    ).decode()

    def answer(method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        uid = json.loads(body)["request"]["uid"]
        response = {"uid": uid, "allowed": True, "patchType": "JSONPatch", "patch": patch}
        return 200, {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}

    rules = [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}]
    path = configure(server, "mutating", "sidecar", namespace, serve(answer).url, rules=rules)
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "main", "image": "m"}]}}
    status, made = server.call("POST", f"/api/v1/namespaces/{namespace}/pods", pod)
    assert status == 201, made
    assert server.call("DELETE", path)[0] == 200
    main, side = made["spec"]["containers"]
    assert side["volumeMounts"] == main["volumeMounts"] and side["imagePullPolicy"] == "Always"
    assert len([v for v in made["spec"]["volumes"] if v["name"].startswith("kube-api-access-")]) == 1
    assert side["resources"] == main["resources"] == {"limits": {"cpu": "200m"}, "requests": {"cpu": "100m"}}
    assert len(made["spec"]["tolerations"]) == 2


def test_what_reviews_say_of_the_request(server: Any, serve: Any, namespace: str) -> None:
    """Its options, the time that there is, and a name only where the client gave one."""

    def answer(method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        response = {"uid": json.loads(body)["request"]["uid"], "allowed": True}
        return 200, {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}

    peer = serve(answer)
    paths = [configure(server, kind, f"told-{kind}", namespace, peer.url, timeoutSeconds=7) for kind in ("mutating", "validating")]
    maps = f"/api/v1/namespaces/{namespace}/configmaps"
    made = server.call("POST", f"{maps}?fieldManager=me&fieldValidation=Strict", {"metadata": {"generateName": "told-"}})[1]
    name = made["metadata"]["name"]
    server.call("DELETE", f"{maps}/{name}", {"propagationPolicy": "Background", "gracePeriodSeconds": 3})
    for path in paths:
        server.call("DELETE", path)
    changing, judging, *removing = [json.loads(body)["request"] for *_, body in peer.asked]
    options = {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1", "fieldManager": "me", "fieldValidation": "Strict"}
    assert changing["options"] == judging["options"] == options
    assert (changing["name"], changing["object"]["metadata"].get("name")) == ("", None)
    assert (judging["name"], judging["object"]["metadata"]["name"]) == ("", name)
    removal = {"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1", "propagationPolicy": "Background", "gracePeriodSeconds": 3}
    assert [(one["name"], one["options"]) for one in removing] == [(name, removal)] * 2
    assert {path for _, path, *_ in peer.asked} == {"/?timeout=7s"}


def autoscaler(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "d"}}}


def test_a_webhook_for_one_version_sees_the_others_in_its_own(server: Any, namespace: str, hooks: str) -> None:
    rules = [{"operations": ["CREATE"], "apiGroups": ["autoscaling"], "apiVersions": ["v1"], "resources": ["horizontalpodautoscalers"]}]
    path = configure(server, "mutating", "versions", namespace, f"{hooks}/mutate", rules=rules)
    scalers = f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers"
    Hook.asked.clear()
    metrics = [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}]
    wanted = autoscaler("a")
    wanted["spec"]["metrics"] = metrics
    code, made = server.call("POST", scalers, wanted)
    assert code == 201 and made["apiVersion"] == "autoscaling/v2" and made["metadata"]["labels"] == {"seen": "yes"}
    assert made["spec"]["metrics"] == metrics
    (asked,) = Hook.asked
    assert asked["kind"]["version"] == asked["resource"]["version"] == "v1"
    assert asked["requestKind"]["version"] == asked["requestResource"]["version"] == "v2"
    assert asked["object"]["apiVersion"] == "autoscaling/v1" and asked["object"]["spec"]["targetCPUUtilizationPercentage"] == 50
    server.call("DELETE", path)
    path = configure(server, "mutating", "versions", namespace, f"{hooks}/mutate", rules=rules, matchPolicy="Exact")
    assert "labels" not in server.call("POST", scalers, autoscaler("b"))[1]["metadata"]
    server.call("DELETE", path)


def test_webhooks_see_bindings_and_evictions(server: Any, namespace: str, hooks: str) -> None:
    rules = [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods/binding", "pods/eviction"]}]
    path = configure(server, "validating", "parts", namespace, f"{hooks}/validate", rules=rules)
    pods = f"/api/v1/namespaces/{namespace}/pods"
    server.call("POST", pods, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}})
    Hook.asked.clear()
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p", "labels": {"bad": "1"}}}
    assert server.call("POST", f"{pods}/p/binding", binding)[0] == 201
    assert server.call("POST", f"{pods}/p/eviction", eviction)[0] == 403
    seen = [(a["kind"]["kind"], a["resource"]["resource"], a["subResource"], a["object"]["kind"]) for a in Hook.asked]
    assert seen == [("Binding", "pods", "binding", "Binding"), ("Eviction", "pods", "eviction", "Eviction")]
    server.call("DELETE", path)
