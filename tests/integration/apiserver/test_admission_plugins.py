"""Proves what each optional admission plug-in does where it is enabled, what is asked about streams, and that numbers of services are repaired."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

MERGE = {"Content-Type": "application/merge-patch+json"}
ON = "AlwaysPullImages,DenyServiceExternalIPs,ExtendedResourceToleration,NamespaceAutoProvision,PodNodeSelector,PodTolerationRestriction"
ON += ",LimitPodHardAntiAffinityTopology,OwnerReferencesPermissionEnforcement"


@pytest.fixture(scope="module")
def strict(make_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("admission")
    security = {"apiVersion": "pod-security.admission.config.k8s.io/v1", "kind": "PodSecurityConfiguration"}
    security |= {"defaults": {"enforce": "baseline"}, "exemptions": {"namespaces": ["kube-system"]}}  # type: ignore[dict-item]
    config = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AdmissionConfiguration"}
    config["plugins"] = [{"name": "PodSecurity", "configuration": security}]  # type: ignore[assignment]
    (folder / "admission.json").write_text(json.dumps(config))
    return make_server(
        f"--enable-admission-plugins={ON}",
        "--disable-admission-plugins=ServiceAccount",
        f"--admission-control-config-file={folder / 'admission.json'}",
        "--event-ttl=1s",
    )


def pod(name: str, container: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "i", **(container or {})}], **spec}}


def namespaced(server: Any, name: str, **annotations: str) -> str:
    keys = {"selector": "scheduler.alpha.kubernetes.io/node-selector", "defaults": "scheduler.alpha.kubernetes.io/defaultTolerations"}
    keys["allowed"] = "scheduler.alpha.kubernetes.io/tolerationsWhitelist"
    metadata = {"name": name, "annotations": {keys[k]: v for k, v in annotations.items()}}
    assert server.call("POST", "/api/v1/namespaces", {"metadata": metadata})[0] == 201
    return f"/api/v1/namespaces/{name}/pods"


def test_pods_are_changed(strict: Any) -> None:
    toleration = {"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}
    allowed = [toleration, {"operator": "Exists", "effect": "NoExecute"}, {"key": "example.com/gpu", "operator": "Exists"}]
    path = namespaced(strict, "team", selector="zone=a", defaults=json.dumps([toleration]), allowed=json.dumps(allowed))
    wanted = {"imagePullPolicy": "IfNotPresent", "resources": {"limits": {"example.com/gpu": "1"}}}
    status, made = strict.call("POST", path, pod("a", wanted))
    assert status == 201, made
    spec = made["spec"]
    assert spec["containers"][0]["imagePullPolicy"] == "Always" and spec["nodeSelector"] == {"zone": "a"}
    assert toleration in spec["tolerations"]
    assert {"key": "example.com/gpu", "operator": "Exists", "effect": "NoSchedule"} in spec["tolerations"]
    status, found = strict.call("POST", path, pod("b", nodeSelector={"zone": "b"}))
    assert status == 403 and "conflicts with its namespace node label selector" in found["message"]
    status, found = strict.call("POST", path, pod("c", tolerations=[{"key": "other", "operator": "Exists"}]))
    assert status == 403 and "whitelist" in found["message"]


def test_what_is_refused(strict: Any) -> None:
    term = {"labelSelector": {}, "topologyKey": "topology.kubernetes.io/zone"}
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    status, found = strict.call("POST", "/api/v1/namespaces/default/pods", pod("far", affinity=affinity))
    assert status == 403 and "only key kubernetes.io/hostname is allowed" in found["message"]
    service = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}], "externalIPs": ["192.0.2.7"]}}
    status, found = strict.call("POST", "/api/v1/namespaces/default/services", service)
    assert status == 403 and "Use of external IPs is denied" in found["message"]
    # Without a word in the namespace the configured level holds; an exempt namespace has none.
    status, found = strict.call("POST", "/api/v1/namespaces/default/pods", pod("p", hostNetwork=True))
    assert status == 403 and 'violates PodSecurity "baseline:latest"' in found["message"]
    assert strict.call("POST", "/api/v1/namespaces/kube-system/pods", pod("p", hostNetwork=True))[0] == 201


def test_a_namespace_is_made_when_it_is_needed(strict: Any) -> None:
    assert strict.call("POST", "/api/v1/namespaces/fresh/configmaps", {"metadata": {"name": "c"}})[0] == 201
    status, found = strict.call("GET", "/api/v1/namespaces/fresh")
    assert status == 200 and found["status"]["phase"] == "Active" and found["spec"]["finalizers"] == ["kubernetes"]


def test_owners_are_for_those_who_may(strict: Any) -> None:
    owner = strict.call("POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": "owner"}})[1]["metadata"]
    role = {"metadata": {"name": "maker"}, "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create"]}]}
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    assert strict.call("POST", f"{rbac}/clusterroles", role)[0] == 201
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "maker"}
    binding = {"metadata": {"name": "maker"}, "roleRef": reference, "subjects": [{"kind": "User", "name": "alice"}]}
    assert strict.call("POST", f"{rbac}/clusterrolebindings", binding)[0] == 201
    owned = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["uid"]}
    path = "/api/v1/namespaces/default/configmaps"
    body = {"metadata": {"name": "owned", "ownerReferences": [owned]}}
    assert strict.call("POST", path, body, user="alice")[0] == 201
    body = {"metadata": {"name": "blocks", "ownerReferences": [{**owned, "blockOwnerDeletion": True}]}}
    status, found = strict.call("POST", path, body, user="alice")
    assert status == 403 and "cannot set blockOwnerDeletion" in found["message"]


def test_events_end_with_their_lease(strict: Any) -> None:
    import time

    event = {"metadata": {"name": "e"}, "involvedObject": {"namespace": "default"}, "reason": "R", "type": "Normal"}
    assert strict.call("POST", "/api/v1/namespaces/default/events", event)[0] == 201
    deadline = time.monotonic() + 20
    while strict.call("GET", "/api/v1/namespaces/default/events/e")[0] != 404:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_claims_are_kept_while_they_are_used(server: Any, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    status, made = server.call("POST", path, {"metadata": {"name": "c"}, "spec": spec})
    assert status == 201 and made["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    status, found = server.call("PATCH", f"{path}/c", {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}, headers=MERGE)
    assert status in (403, 422), found


def test_a_namespace_that_gets_stricter_warns(server: Any, namespace: str) -> None:
    for name in ("one", "two"):
        assert server.call("POST", f"/api/v1/namespaces/{namespace}/pods", pod(name, hostNetwork=True))[0] == 201
    label = "pod-security.kubernetes.io/enforce"
    patch = json.dumps({"metadata": {"labels": {label: "baseline"}}})
    import subprocess

    environment = {"KUBECONFIG": str(server.kubeconfig()), "PATH": "/usr/bin:/bin", "HOME": str(server.folder)}
    done = subprocess.run(
        ["kubectl", "patch", "ns", namespace, "-p", patch], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert f'existing pods in namespace "{namespace}" violate the new PodSecurity enforce level "baseline:latest"' in done.stderr
    assert "one (and 1 other pod): host namespaces" in done.stderr
    status, found = server.call("PATCH", f"/api/v1/namespaces/{namespace}", {"metadata": {"labels": {label: "strict"}}}, headers=MERGE)
    assert status == 422 and "must be one of privileged, baseline, restricted" in found["message"]


def test_streams_are_asked_about(server: Any, serve: Any, namespace: str) -> None:
    def answer(method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        request = json.loads(body)["request"]
        response = {"uid": request["uid"], "allowed": False, "status": {"message": f"no {request['subResource']} here"}}
        return 200, {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}

    peer = serve(answer)
    bundle = base64.b64encode(Path(server.pki.path("ca.crt")).read_bytes()).decode()
    hook = {
        "name": "streams.example.com",
        "clientConfig": {"url": peer.url, "caBundle": bundle},
        "rules": [{"operations": ["CONNECT"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods/attach", "pods/exec"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
    }
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    assert server.call("POST", path, {"metadata": {"name": "streams"}, "webhooks": [hook]})[0] == 201
    assert server.call("POST", f"/api/v1/namespaces/{namespace}/pods", pod("p"))[0] == 201
    status, found = server.call("POST", f"/api/v1/namespaces/{namespace}/pods/p/exec?command=ls&command=-l&stdout=1&container=c")
    assert status == 400, found["message"]
    assert status == 400 and found["message"] == 'admission webhook "streams.example.com" denied the request: no exec here'
    request = json.loads(peer.asked[-1][3])["request"]
    assert request["operation"] == "CONNECT" and request["subResource"] == "exec" and request["kind"]["kind"] == "PodExecOptions"
    assert request["object"]["command"] == ["ls", "-l"] and request["object"]["stdout"] is True and request["name"] == "p"
    assert server.call("GET", f"/api/v1/namespaces/{namespace}/pods/p/log", raw=True) == (204, b""), "a log is read, not connected to"
    assert server.call("DELETE", f"{path}/streams")[0] == 200


def test_unknown_plugins_and_files(pki: Any, tmp_path: Path) -> None:
    import subprocess
    import sys

    (tmp_path / "x.yaml").write_text(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins: [{name: Priority, path: /x}]\n"
    )
    argv = [sys.executable, "-m", "provisioner.kube.apiserver", "--enable-admission-plugins=NodeRestricton"]
    done = subprocess.run([*argv, "--encryption-provider-config=/nowhere"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and "--encryption-provider-config=/nowhere: there is no such file" in done.stderr
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and "NodeRestricton: unknown plug-in; did you mean NodeRestriction?" in done.stderr
    assert "Traceback" not in done.stderr


def test_quotas_and_limit_ranges_hold_when_pods_are_resized(server: Any, namespace: str) -> None:
    base = f"/api/v1/namespaces/{namespace}"
    hard = {"requests.cpu": "800m"}
    quota = server.call("POST", f"{base}/resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": hard}})[1]
    quota["status"] = {"hard": hard, "used": {"requests.cpu": "0"}}
    assert server.call("PUT", f"{base}/resourcequotas/q/status", quota)[0] == 200
    container = {"name": "c", "image": "i", "resources": {"requests": {"cpu": "300m"}}}
    assert server.call("POST", f"{base}/pods", {"metadata": {"name": "p"}, "spec": {"containers": [container]}})[0] == 201
    limits = [{"type": "Container", "max": {"cpu": "700m"}}]
    assert server.call("POST", f"{base}/limitranges", {"metadata": {"name": "l"}, "spec": {"limits": limits}})[0] == 201

    def resized(cpu: str, limit: str) -> tuple[int, dict[str, Any]]:
        pod = server.call("GET", f"{base}/pods/p")[1]
        pod["spec"]["containers"][0]["resources"] = {"requests": {"cpu": cpu}, "limits": {"cpu": limit}}
        found: tuple[int, dict[str, Any]] = server.call("PUT", f"{base}/pods/p/resize", pod)
        return found

    assert resized("500m", "600m")[0] == 200
    assert server.call("GET", f"{base}/resourcequotas/q")[1]["status"]["used"]["requests.cpu"] == "500m"
    status, found = resized("600m", "900m")
    assert status == 403 and "maximum cpu usage per Container is 700m, but limit is 900m" in found["message"]
    assert server.call("DELETE", f"{base}/limitranges/l")[0] == 200
    status, found = resized("900m", "1")
    assert (
        status == 403
        and "exceeded quota: q, requested: requests.cpu=400m, used: requests.cpu=500m, limited: requests.cpu=800m" in found["message"]
    )


def test_quotas_hold_when_objects_grow(server: Any, namespace: str) -> None:
    base = f"/api/v1/namespaces/{namespace}"
    hard = {"services.nodeports": "2", "requests.storage": "10Gi"}
    quota = server.call("POST", f"{base}/resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": hard}})[1]
    quota["status"] = {"hard": hard, "used": {"services.nodeports": "0", "requests.storage": "0"}}
    assert server.call("PUT", f"{base}/resourcequotas/q/status", quota)[0] == 200
    service = {"metadata": {"name": "s"}, "spec": {"type": "NodePort", "ports": [{"name": "a", "port": 1}]}}
    status, made = server.call("POST", f"{base}/services", service)
    assert status == 201, made
    more = [{"name": name, "port": port} for name, port in (("a", 1), ("b", 2), ("c", 3))]
    status, found = server.call("PATCH", f"{base}/services/s", {"spec": {"ports": more}}, headers=MERGE)
    assert status == 403 and "exceeded quota: q, requested: services.nodeports=2, used: services.nodeports=1" in found["message"]
    assert server.call("PATCH", f"{base}/services/s", {"spec": {"ports": more[:2]}}, headers=MERGE)[0] == 200
    assert server.call("GET", f"{base}/resourcequotas/q")[1]["status"]["used"]["services.nodeports"] == "2"
