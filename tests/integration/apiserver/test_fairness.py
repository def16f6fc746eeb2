"""Proves that the flow control objects are there, take requests as they say, and that one noisy client does not starve the others."""

from __future__ import annotations

import re
import ssl
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

FLOW = "/apis/flowcontrol.apiserver.k8s.io/v1"


@pytest.fixture(scope="module")
def small(make_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server of 10 seats."""
    tokens = tmp_path_factory.mktemp("fairness") / "tokens.csv"
    tokens.write_text('noisy-token,noisy,1,"system:masters2"\nquiet-token,quiet,2,\n')
    return make_server(
        f"--token-auth-file={tokens}", "--max-requests-inflight=6", "--max-mutating-requests-inflight=4", "--request-timeout=4s"
    )


def headers_of(server: Any, path: str, token: str = "", method: str = "GET") -> tuple[int, Any]:
    context = ssl.create_default_context(cafile=server.pki.path("ca.crt"))
    request = urllib.request.Request(server.url + path, headers={"Authorization": f"Bearer {token}"} if token else {}, method=method)
    try:
        with urllib.request.urlopen(request, context=context, timeout=30) as answer:
            answer.read()
            return answer.status, answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/namespaces/default",
        "/api/v1/namespaces",
        "/healthz",
        "/metrics",
        "/openapi/v2",
        "/api/v1/namespaces?watch=1&timeoutSeconds=1",
    ],
)
def test_every_answer_says_which_flow_it_was(small: Any, path: str) -> None:
    """And none which library wrote it."""
    with urllib.request.urlopen(small.url + path, context=small.context(), timeout=30) as answer:
        answer.read()
        found = set(answer.headers)
    assert {"X-Kubernetes-PF-FlowSchema-UID", "X-Kubernetes-PF-PriorityLevel-UID", "Audit-Id", "Cache-Control"} <= found
    assert "Server" not in found


def test_a_refusal_says_it_too(small: Any) -> None:
    code, headers = headers_of(small, "/api/v1/secrets", "noisy-token")
    assert code == 403 and headers["X-Kubernetes-PF-FlowSchema-UID"] == uid(small, "flowschemas", "global-default")


def uid(server: Any, plural: str, name: str) -> str:
    return str(server.call("GET", f"{FLOW}/{plural}/{name}")[1]["metadata"]["uid"])


def make(server: Any, name: str, precedence: int, user: str, limited: dict[str, Any]) -> None:
    level = {"metadata": {"name": name}, "spec": {"type": "Limited", "limited": limited}}
    assert server.call("POST", f"{FLOW}/prioritylevelconfigurations", level)[0] == 201
    rule = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}
    paths = [{"verbs": ["*"], "nonResourceURLs": ["*"]}]
    subjects = [{"kind": "User", "user": {"name": user}}]
    spec = {
        "priorityLevelConfiguration": {"name": name},
        "matchingPrecedence": precedence,
        "distinguisherMethod": {"type": "ByUser"},
        "rules": [{"subjects": subjects, "resourceRules": [rule], "nonResourceRules": paths}],
    }
    assert server.call("POST", f"{FLOW}/flowschemas", {"metadata": {"name": name}, "spec": spec})[0] == 201


def test_the_objects_are_there(small: Any) -> None:
    def names(plural: str) -> set[str]:
        return {i["metadata"]["name"] for i in small.call("GET", f"{FLOW}/{plural}")[1]["items"]}

    wanted = {"exempt", "catch-all", "global-default", "leader-election", "node-high", "system", "workload-high", "workload-low"}
    _until(lambda: wanted <= names("prioritylevelconfigurations"))
    schemas = {"exempt", "probes", "system-nodes", "service-accounts", "global-default", "catch-all"}
    _until(lambda: schemas <= names("flowschemas"))
    _until(lambda: all(_dangling(s) == "False" for s in small.call("GET", f"{FLOW}/flowschemas")[1]["items"]))


def _dangling(schema: dict[str, Any]) -> str:
    return next((c["status"] for c in schema.get("status", {}).get("conditions", ()) if c["type"] == "Dangling"), "")


def _until(check: Any, within_s: float = 15.0) -> None:
    deadline = time.monotonic() + within_s
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_classification_shows_in_headers_and_metrics(small: Any) -> None:
    status, headers = headers_of(small, "/version", "quiet-token")
    assert status == 200 and headers["X-Kubernetes-PF-FlowSchema-UID"] == uid(small, "flowschemas", "global-default")
    assert headers["X-Kubernetes-PF-PriorityLevel-UID"] == uid(small, "prioritylevelconfigurations", "global-default")
    make(small, "special", 300, "quiet", {"nominalConcurrencyShares": 5, "limitResponse": {"type": "Reject"}})
    status, headers = headers_of(small, "/version", "quiet-token")
    assert headers["X-Kubernetes-PF-FlowSchema-UID"] == uid(small, "flowschemas", "special")
    metrics = small.call("GET", "/metrics", raw=True)[1].decode()
    assert re.search(r'apiserver_flowcontrol_nominal_limit_seats\{priority_level="special"\} 1\.0', metrics)
    assert re.search(r'apiserver_flowcontrol_dispatched_requests_total\{flow_schema="special",priority_level="special"\} [1-9]', metrics)
    assert small.call("DELETE", f"{FLOW}/prioritylevelconfigurations/special")[0] == 200
    _until(lambda: _dangling(small.call("GET", f"{FLOW}/flowschemas/special")[1]) == "True")
    assert headers_of(small, "/version", "quiet-token")[1]["X-Kubernetes-PF-FlowSchema-UID"] != uid(small, "flowschemas", "special")


def test_what_is_mandatory_comes_back(small: Any) -> None:
    headers = {"Content-Type": "application/merge-patch+json"}
    assert small.call("DELETE", f"{FLOW}/flowschemas/special")[0] in (200, 404)
    path = f"{FLOW}/prioritylevelconfigurations/workload-low"
    assert small.call("PATCH", path, {"spec": {"limited": {"nominalConcurrencyShares": 7}}}, headers=headers)[0] == 200
    assert (
        small.call("PATCH", path, {"metadata": {"annotations": {"apf.kubernetes.io/autoupdate-spec": "false"}}}, headers=headers)[0] == 200
    )
    small.stop()
    small.start()
    assert small.call("GET", path)[1]["spec"]["limited"]["nominalConcurrencyShares"] == 7
    assert small.call("DELETE", f"{FLOW}/flowschemas/catch-all")[0] == 200
    small.stop()
    small.start()
    _until(lambda: small.call("GET", f"{FLOW}/flowschemas/catch-all")[0] == 200)


def test_a_noisy_client_hurts_itself_alone(small: Any, serve: Any, tmp_path: Path) -> None:
    """Requests that hang hold their level's seats: that level refuses or queues, others answer at once."""
    gate = threading.Event()

    def answer(method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        import json

        gate.wait(20)
        request = json.loads(body)["request"]
        return 200, {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {"uid": request["uid"], "allowed": True}}

    import base64

    peer = serve(answer)
    queuing = {"type": "Queue", "queuing": {"queues": 4, "handSize": 2, "queueLengthLimit": 1}}
    limited = {"nominalConcurrencyShares": 1, "lendablePercent": 0, "borrowingLimitPercent": 0, "limitResponse": queuing}
    make(small, "noisy", 50, "noisy", limited)
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    subjects = [{"kind": "User", "name": name} for name in ("noisy", "quiet")]
    binding = {"metadata": {"name": "both"}, "roleRef": reference, "subjects": subjects}
    assert small.call("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)[0] == 201
    hook = {
        "name": "slow.example.com",
        "clientConfig": {"url": peer.url, "caBundle": base64.b64encode(Path(small.pki.path("ca.crt")).read_bytes()).decode()},
        "rules": [{"operations": ["DELETE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}],
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "timeoutSeconds": 20,
    }
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    assert small.call("POST", path, {"metadata": {"name": "slow"}, "webhooks": [hook]})[0] == 201
    for i in range(8):
        assert small.call("POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": f"n{i}"}})[0] == 201
    delete = lambda i: headers_of(small, f"/api/v1/namespaces/default/configmaps/n{i}", "noisy-token", "DELETE")  # noqa: E731
    with ThreadPoolExecutor(8) as pool:
        noise = [pool.submit(delete, i) for i in range(8)]
        _until(lambda: len(peer.asked) == 1 and sum(f.done() for f in noise) >= 5)
        started = time.monotonic()
        assert headers_of(small, "/api/v1/namespaces/default/configmaps", "quiet-token")[0] == 200
        assert time.monotonic() - started < 2.0
        refused = [f.result() for f in noise if f.done()]
        assert {status for status, _ in refused} == {429} and all(int(headers["Retry-After"]) >= 1 for _, headers in refused)
        metrics = small.call("GET", "/metrics", raw=True)[1].decode()
        assert re.search(r'rejected_requests_total\{priority_level="noisy",reason="queue-full"\} [1-9]', metrics)
        gate.set()
        # One had a seat; those that waited in a queue come after it, or have waited too long.
        statuses = [f.result()[0] for f in noise]
    assert statuses.count(200) >= 1 and set(statuses) <= {200, 429}
    assert small.call("DELETE", f"{path}/slow")[0] == 200
