"""Proves that another server's API is reached through ours: with our certificate and the user's name, in discovery, and only while it is there."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import pytest

SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
GROUP, VERSION = "wardle.example.com", "v1alpha1"
RESOURCES = {
    "kind": "APIResourceList",
    "apiVersion": "v1",
    "groupVersion": f"{GROUP}/{VERSION}",
    "resources": [{"name": "flunders", "singularName": "flunder", "namespaced": True, "kind": "Flunder", "verbs": ["get", "list"]}],
}


@pytest.fixture(scope="module")
def front(make_server: Any, pki: Any) -> Any:
    pki.issue("front", "front-proxy-client")
    return make_server(f"--proxy-client-cert-file={pki.path('front.crt')}", f"--proxy-client-key-file={pki.path('front.key')}")


def test_local_services(front: Any) -> None:
    _until(lambda: front.call("GET", f"{SERVICES}/v1.apps")[0] == 200)
    found = {i["metadata"]["name"]: i for i in front.call("GET", SERVICES)[1]["items"]}
    assert {"v1.", "v1.apps", "v2.autoscaling", "v1.rbac.authorization.k8s.io"} <= set(found)
    assert found["v1.apps"]["metadata"]["labels"] == {"kube-aggregator.kubernetes.io/automanaged": "onstart"}
    condition = found["v1.apps"]["status"]["conditions"][0]
    assert (condition["type"], condition["status"], condition["reason"]) == ("Available", "True", "Local")
    assert front.kubectl("get", "apiservices", "v1.apps").split()[-3:-1] == ["Local", "True"]


def _until(check: Any, within_s: float = 15.0) -> None:
    deadline = time.monotonic() + within_s
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _condition(server: Any, name: str = f"{VERSION}.{GROUP}") -> tuple[str, str]:
    found = server.call("GET", f"{SERVICES}/{name}")[1]
    return next(((c["status"], c["reason"]) for c in found.get("status", {}).get("conditions", ()) if c["type"] == "Available"), ("", ""))


def _is_condition(server: Any, name: str, expected: tuple[str, str]) -> bool:
    return _condition(server, name) == expected


def test_another_server(front: Any, serve: Any) -> None:
    def answer(method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        if path == f"/apis/{GROUP}/{VERSION}":
            return 200, RESOURCES
        if path == "/openapi/v2":
            listed = {"get": {"operationId": "listFlunder", "parameters": [], "responses": {"200": {"description": "OK"}}}}
            return 200, {"swagger": "2.0", "paths": {f"/apis/{GROUP}/{VERSION}/flunders": listed}, "definitions": {}}
        if path.startswith("/openapi/v3"):
            return 200, {"openapi": "3.0.0", "info": {"title": "wardle"}, "paths": {}}
        if path.endswith("/flunders?limit=3"):
            return 200, {"kind": "FlunderList", "items": []}
        return 404, {"kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound", "message": "no such flunder"}

    peer = serve(answer, certificates=True)
    spec: dict[str, Any] = {"group": GROUP, "version": VERSION, "groupPriorityMinimum": 2000, "versionPriority": 200}
    spec |= {"insecureSkipTLSVerify": True, "service": {"name": "wardle", "namespace": "default", "port": peer.port}}
    assert front.call("POST", SERVICES, {"metadata": {"name": f"{VERSION}.{GROUP}"}, "spec": spec})[0] == 201
    _until(lambda: _condition(front) == ("False", "ServiceNotFound"))
    assert front.call("GET", f"/apis/{GROUP}/{VERSION}/flunders")[0] == 503
    gone = f'aggregator_unavailable_apiservice{{name="{VERSION}.{GROUP}"}}'
    assert f"{gone} 1.0".encode() in front.call("GET", "/metrics", raw=True)[1]
    assert GROUP not in [g["name"] for g in front.call("GET", "/apis")[1]["groups"]]
    service = {"metadata": {"name": "wardle"}, "spec": {"ports": [{"port": peer.port}]}}
    assert front.call("POST", "/api/v1/namespaces/default/services", service)[0] == 201
    _until(lambda: _condition(front) == ("False", "MissingEndpoints"))
    # The other server listens on loopback, which no endpoint may have for its address; a name may.
    outside = {"metadata": {"name": "wardle"}, "spec": {"type": "ExternalName", "externalName": "localhost"}}
    assert front.call("DELETE", "/api/v1/namespaces/default/services/wardle")[0] == 200
    assert front.call("POST", "/api/v1/namespaces/default/services", outside)[0] == 201
    _until(lambda: _condition(front) == ("True", "Passed"))
    assert f"{gone} 0.0".encode() in front.call("GET", "/metrics", raw=True)[1]

    headers = {"X-Remote-User": "root", "X-Remote-Group": "system:masters", "Authorization": "Bearer x", "Impersonate-User": "carol"}
    headers |= {"Impersonate-Group": "devs", "Impersonate-Extra-Team": "a"}
    reader = {"metadata": {"name": "flunders"}, "rules": [{"apiGroups": [GROUP], "resources": ["*"], "verbs": ["*"]}]}
    assert front.call("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", reader)[0] == 201
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "flunders"}
    binding = {"metadata": {"name": "flunders"}, "roleRef": reference, "subjects": [{"kind": "User", "name": "carol"}]}
    assert front.call("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)[0] == 201
    status, found = front.call("GET", f"/apis/{GROUP}/{VERSION}/namespaces/default/flunders?limit=3", headers=headers)
    assert (status, found) == (200, {"kind": "FlunderList", "items": []})
    _, path, sent, _ = peer.asked[-1]
    given = [(k.lower(), v) for k, v in sent]
    assert path == f"/apis/{GROUP}/{VERSION}/namespaces/default/flunders?limit=3"
    assert [v for k, v in given if k == "x-remote-user"] == ["carol"]
    assert [v for k, v in given if k == "x-remote-group"] == ["devs", "system:authenticated"]
    assert ("x-remote-extra-team", "a") in given
    assert not [k for k, _ in given if k == "authorization" or k.startswith("impersonate-")]
    assert "front-proxy-client" in dict(given)["peer"]
    # Who may not, is refused here already; what the other server says of a name comes through.
    assert front.call("GET", f"/apis/{GROUP}/{VERSION}/namespaces/default/flunders?limit=3", user="alice")[0] == 403
    status, found = front.call("GET", f"/apis/{GROUP}/{VERSION}/namespaces/default/flunders/x")
    assert status == 404 and found["message"] == "no such flunder"
    _in_discovery(front)
    for name, condition in ((f"{VERSION}.{GROUP}", ("True", "Passed")), ("v1.apps", ("True", "Local"))):
        service = front.call("GET", f"{SERVICES}/{name}")[1]
        service["status"] = {"conditions": [{"type": "Available", "status": "False", "reason": "Mine"}, {"type": "Odd", "status": "True"}]}
        assert front.call("PUT", f"{SERVICES}/{name}/status", service)[0] == 200
        # At once, not at the next round of checks; what else was written stays.
        _until(partial(_is_condition, front, name, condition))
        assert [c["type"] for c in front.call("GET", f"{SERVICES}/{name}")[1]["status"]["conditions"]] == ["Odd", "Available"]
    assert front.call("DELETE", f"{SERVICES}/{VERSION}.{GROUP}")[0] == 200
    _until(lambda: front.call("GET", f"/apis/{GROUP}/{VERSION}")[0] == 404)


def _in_discovery(front: Any) -> None:
    assert front.call("GET", f"/apis/{GROUP}")[1]["preferredVersion"]["version"] == VERSION
    assert front.call("GET", f"/apis/{GROUP}/{VERSION}")[1]["resources"][0]["name"] == "flunders"
    accept = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}
    listed = front.call("GET", "/apis", headers=accept)[1]
    (item,) = [i for i in listed["items"] if i["metadata"]["name"] == GROUP]
    assert item["versions"][0]["freshness"] == "Current" and item["versions"][0]["resources"][0]["scope"] == "Namespaced"
    index = front.call("GET", "/openapi/v3")[1]
    url = index["paths"][f"apis/{GROUP}/{VERSION}"]["serverRelativeURL"]
    assert front.call("GET", url)[1]["info"] == {"title": "wardle"}
    paths = front.call("GET", "/openapi/v2", headers={"Accept": "application/json"})[1]["paths"]
    assert paths[f"/apis/{GROUP}/{VERSION}/flunders"]["get"]["operationId"] == "listFlunder" and "/api/v1/namespaces" in paths
    assert "flunders" in front.kubectl("api-resources", f"--api-group={GROUP}")


def test_custom_groups_have_one_too(front: Any) -> None:
    schema = {"openAPIV3Schema": {"type": "object"}}
    definition = {
        "metadata": {"name": "things.example.org"},
        "spec": {
            "group": "example.org",
            "scope": "Namespaced",
            "names": {"plural": "things", "kind": "Thing"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert front.call("POST", path, definition)[0] == 201
    _until(lambda: front.call("GET", f"{SERVICES}/v1.example.org")[0] == 200)
    assert front.call("DELETE", f"{path}/things.example.org")[0] == 200
    _until(lambda: front.call("GET", f"{SERVICES}/v1.example.org")[0] == 404)
