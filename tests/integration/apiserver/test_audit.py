"""Proves that the audit log has what its policy asks for, nothing of secrets, and rotates."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- {level: None, users: ["system:apiserver"]}
- {level: None, nonResourceURLs: ["/readyz*", "/healthz"]}
- {level: RequestResponse, resources: [{group: "", resources: ["configmaps", "secrets"]}]}
- {level: Request, resources: [{group: "", resources: ["serviceaccounts"]}], omitStages: [ResponseComplete]}
- {level: Metadata}
"""


@pytest.fixture(scope="module")
def log_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("audit") / "audit.log"


@pytest.fixture(scope="module")
def audited(make_server: Any, log_path: Path) -> Any:
    policy = log_path.parent / "policy.yaml"
    policy.write_text(POLICY)
    return make_server(f"--audit-policy-file={policy}", f"--audit-log-path={log_path}")


def events(path: Path, count: int = 1, **wanted: str) -> list[dict[str, Any]]:
    """Those that have all of this; an answer may be here before its line is in the file, so `count` of them are waited for."""
    deadline = time.monotonic() + 10
    while True:
        whole = path.read_text().rpartition("\n")[0]
        made = [json.loads(line) for line in whole.splitlines()]
        found = [e for e in made if all(_of(e, k) == v for k, v in wanted.items())]
        if len(found) >= count or time.monotonic() > deadline:
            return found
        time.sleep(0.02)


def _of(event: dict[str, Any], key: str) -> Any:
    if key == "impersonated":
        return (event.get("impersonatedUser") or {}).get("username")
    return event.get(key, (event.get("objectRef") or {}).get(key))


def test_levels_and_bodies(audited: Any, log_path: Path) -> None:
    body = {"metadata": {"name": "seen"}, "data": {"key": "value"}}
    assert audited.call("POST", "/api/v1/namespaces/default/configmaps", body, headers={"Audit-Id": "mine", "User-Agent": "me"})[0] == 201
    (event,) = events(log_path, auditID="mine")
    assert (event["level"], event["stage"], event["verb"]) == ("RequestResponse", "ResponseComplete", "create")
    assert event["kind"] == "Event" and event["apiVersion"] == "audit.k8s.io/v1"
    (credential,) = event["user"].pop("extra")["authentication.kubernetes.io/credential-id"]
    assert event["user"] == {"username": "admin", "groups": ["system:masters", "system:authenticated"]}
    assert credential.startswith("X509SHA256=")
    assert event["requestURI"] == "/api/v1/namespaces/default/configmaps" and event["userAgent"] == "me"
    assert event["sourceIPs"] == ["127.0.0.1"] and event["responseStatus"] == {"metadata": {}, "code": 201}
    assert event["requestObject"]["data"] == {"key": "value"} and event["responseObject"]["metadata"]["name"] == "seen"
    assert "managedFields" not in event["responseObject"]["metadata"]
    assert event["annotations"]["authorization.k8s.io/decision"] == "allow"
    assert event["requestReceivedTimestamp"] <= event["stageTimestamp"]


def test_no_secrets(audited: Any, log_path: Path) -> None:
    body = {"metadata": {"name": "hidden"}, "stringData": {"password": "correct-horse"}}
    assert audited.call("POST", "/api/v1/namespaces/default/secrets", body)[0] == 201
    (event,) = events(log_path, resource="secrets", verb="create", stage="ResponseComplete")
    assert event["level"] == "Metadata" and "requestObject" not in event
    assert "correct-horse" not in log_path.read_text() and "Y29ycmVjdC1ob3JzZQ" not in log_path.read_text()


def test_refusals_and_omissions(audited: Any, log_path: Path) -> None:
    assert audited.call("GET", "/api/v1/nodes", user="alice")[0] == 403
    (event,) = events(log_path, resource="nodes")
    assert event["responseStatus"]["code"] == 403 and event["responseStatus"]["reason"] == "Forbidden"
    assert event["annotations"]["authorization.k8s.io/decision"] == "forbid"
    assert audited.call("GET", "/api/v1/namespaces/default/serviceaccounts")[0] == 200
    assert events(log_path, 0, resource="serviceaccounts") == []
    assert not [e for e in events(log_path) if e["requestURI"].startswith("/readyz") or e["stage"] == "RequestReceived"]
    assert audited.call("GET", "/api/v1/pods", user="", headers={"Authorization": "Bearer wrong"})[0] == 401
    (event,) = [e for e in events(log_path) if e.get("responseStatus", {}).get("code") == 401]
    assert event["user"] == {}


def test_impersonation_and_watches(audited: Any, log_path: Path) -> None:
    headers = {"Impersonate-User": "carol", "Impersonate-Group": "devs"}
    assert audited.call("GET", "/api/v1/namespaces/default/pods", headers=headers)[0] == 403
    (event,) = events(log_path, impersonated="carol")
    assert event["user"]["username"] == "admin" and event["impersonatedUser"]["username"] == "carol"
    path = "/api/v1/namespaces/default/pods?watch=1&timeoutSeconds=1&resourceVersion=0"
    assert audited.call("GET", path, raw=True)[0] == 200
    assert [e["stage"] for e in events(log_path, 2, verb="watch", resource="pods")] == ["ResponseStarted", "ResponseComplete"]


def test_bad_policy_ends_the_start(pki: Any, etcd_url: str, tmp_path: Path) -> None:
    import subprocess
    import sys

    policy = tmp_path / "policy.yaml"
    policy.write_text("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata, user: [x]}]\n")
    argv = [sys.executable, "-m", "provisioner.kube.apiserver", f"--audit-policy-file={policy}", f"--audit-log-path={tmp_path}/a.log"]
    done = subprocess.run([*argv, "--anonymos-auth=false"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and "--anonymos-auth: unknown flag; did you mean --anonymous-auth?" in done.stderr
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and "rules[0].user: unknown field; did you mean users?" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("mode", "code"), [("blocking", 200), ("blocking-strict", 500)])
def test_an_audit_server_that_is_away_stops_only_who_insists(make_server: Any, tmp_path: Path, mode: str, code: int) -> None:
    policy, config = tmp_path / "policy.yaml", tmp_path / "audit.kubeconfig"
    rule = '{level: Metadata, resources: [{group: "", resources: [configmaps]}]}'
    policy.write_text(f"apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{rule}, {{level: None}}]\n")
    context = "contexts: [{name: c, context: {cluster: c, user: u}}]\ncurrent-context: c\nusers: [{name: u, user: {}}]\n"
    config.write_text(f"apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:1/'}}}}]\n{context}")
    flags = (f"--audit-policy-file={policy}", f"--audit-webhook-config-file={config}", f"--audit-webhook-mode={mode}")
    server = make_server(*flags, "--audit-webhook-initial-backoff=1ms")
    assert server.call("GET", "/api/v1/namespaces")[0] == 200
    found, status = server.call("GET", "/api/v1/configmaps")
    assert found == code and (code == 200 or "failed to store audit event" in status["message"])
