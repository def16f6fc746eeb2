"""Proves that kubectl's verbs work against the server as they do against upstream's."""

from __future__ import annotations

import json
from typing import Any

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1"}]}
"""


def test_version_and_resources(server: Any) -> None:
    assert json.loads(server.kubectl("version", "-o", "json"))["serverVersion"]["minor"] == "36"
    listed = server.kubectl("api-resources", "--no-headers")
    assert "deployments" in listed and "customresourcedefinitions" in listed
    assert "apps/v1" in server.kubectl("api-versions")


def test_bootstrap_objects(server: Any) -> None:
    assert set(server.kubectl("get", "ns", "-o", "name").split()) >= {
        f"namespace/{n}" for n in ("default", "kube-system", "kube-public", "kube-node-lease")
    }
    assert "10.96.0.1" in server.kubectl("get", "service", "kubernetes")
    assert f"10.99.0.1:{server.port}" in server.kubectl("get", "endpoints", "kubernetes")
    leases = ("get", "lease", "-n", "kube-system", "-l", "apiserver.kubernetes.io/identity=kube-apiserver", "-o")
    assert server.kubectl(*leases, "jsonpath={.items[*].spec.leaseDurationSeconds}") == "3600"
    roles = server.kubectl("get", "clusterroles", "-o", "name")
    for name in ("cluster-admin", "admin", "edit", "view", "system:node-proxier", "system:controller:replicaset-controller"):
        assert f"/{name}\n" in roles


def test_apply_twice_changes_nothing_then_changes_what_changed(server: Any, namespace: str) -> None:
    assert "created" in server.kubectl("apply", "-n", namespace, "-f", "-", stdin=DEPLOYMENT)
    assert "unchanged" in server.kubectl("apply", "-n", namespace, "-f", "-", stdin=DEPLOYMENT)
    changed = DEPLOYMENT.replace("replicas: 2", "replicas: 5")
    assert "configured" in server.kubectl("apply", "-n", namespace, "-f", "-", stdin=changed)
    found = json.loads(server.kubectl("get", "-n", namespace, "deploy", "web", "-o", "json"))
    assert found["spec"]["replicas"] == 5 and found["metadata"]["generation"] == 2
    assert found["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": "25%", "maxUnavailable": "25%"}


def test_unknown_fields_are_told(server: Any, namespace: str) -> None:
    wrong = DEPLOYMENT.replace("replicas: 2", "replcas: 2")
    assert 'unknown field "spec.replcas"' in server.kubectl("apply", "-n", namespace, "-f", "-", stdin=wrong, fails=True)


def test_edit_scale_label_annotate_patch(server: Any, namespace: str) -> None:
    server.kubectl("create", "-n", namespace, "-f", "-", stdin=DEPLOYMENT)
    server.kubectl("scale", "-n", namespace, "deploy/web", "--replicas=4")
    server.kubectl("label", "-n", namespace, "deploy/web", "tier=front")
    server.kubectl("annotate", "-n", namespace, "deploy/web", "note=x")
    server.kubectl(
        "patch", "-n", namespace, "deploy/web", "-p", '{"spec":{"template":{"spec":{"containers":[{"name":"web","tty":true}]}}}}'
    )
    server.kubectl("patch", "-n", namespace, "deploy/web", "--type=json", "-p", '[{"op":"remove","path":"/metadata/annotations/note"}]')
    server.kubectl("set", "image", "-n", namespace, "deploy/web", "web=nginx:2")
    found = json.loads(server.kubectl("get", "-n", namespace, "deploy", "web", "-o", "json"))
    assert found["spec"]["replicas"] == 4 and found["metadata"]["labels"]["tier"] == "front"
    assert "note" not in found["metadata"].get("annotations", {})
    container = found["spec"]["template"]["spec"]["containers"][0]
    assert (container["image"], container["tty"]) == ("nginx:2", True)


def test_get_by_selectors_and_wide(server: Any, namespace: str) -> None:
    for name, label in (("a", "x=1"), ("b", "x=2"), ("c", "y=1")):
        server.kubectl("create", "configmap", name, "-n", namespace)
        server.kubectl("label", "configmap", name, "-n", namespace, label)

    def names(*args: str) -> list[str]:
        return server.kubectl("get", "cm", "-n", namespace, "-o", "name", *args).split()  # type: ignore[no-any-return]

    assert names("-l", "x=1") == ["configmap/a"]
    assert names("-l", "x in (1,2)") == ["configmap/a", "configmap/b"]
    assert names("-l", "!x") == ["configmap/c"]
    assert names("--field-selector", "metadata.name=b") == ["configmap/b"]
    assert "DATA" in server.kubectl("get", "cm", "-n", namespace)


def test_run_and_delete_pod(server: Any, namespace: str) -> None:
    server.kubectl("run", "p", "-n", namespace, "--image=busybox", "--", "sleep", "1")
    pod = json.loads(server.kubectl("get", "pod", "p", "-n", namespace, "-o", "json"))
    assert pod["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    assert pod["spec"]["serviceAccountName"] == "default"
    assert pod["spec"]["volumes"][0]["name"].startswith("kube-api-access-")
    assert "Pending" in server.kubectl("get", "pods", "-n", namespace)
    assert "Name:" in server.kubectl("describe", "pod", "p", "-n", namespace)
    server.kubectl("delete", "pod", "p", "-n", namespace, "--wait=true")
    assert "not found" in server.kubectl("get", "pod", "p", "-n", namespace, fails=True)


def test_expose_gives_addresses_and_ports(server: Any, namespace: str) -> None:
    server.kubectl("create", "-n", namespace, "-f", "-", stdin=DEPLOYMENT)
    server.kubectl("expose", "-n", namespace, "deploy/web", "--port=80", "--type=NodePort")
    service = json.loads(server.kubectl("get", "-n", namespace, "svc", "web", "-o", "json"))
    assert service["spec"]["clusterIP"].startswith("10.96.") and 30000 <= service["spec"]["ports"][0]["nodePort"] <= 32767
    second = server.kubectl(
        "create", "-n", namespace, "-f", "-", fails=True, stdin=json.dumps({**service, "metadata": {"name": "other"}, "status": {}})
    )
    assert "provided IP is already allocated" in second


def test_explain_and_server_side_dry_run(server: Any, namespace: str) -> None:
    assert "restartPolicy" in server.kubectl("explain", "pod.spec")
    server.kubectl("create", "configmap", "dry", "-n", namespace, "--dry-run=server")
    assert "not found" in server.kubectl("get", "cm", "dry", "-n", namespace, fails=True)


def test_who_may_what(server: Any, namespace: str) -> None:
    assert "alice" in server.kubectl("auth", "whoami", user="alice")
    assert 'cannot list resource "pods"' in server.kubectl("get", "pods", "-n", namespace, user="alice", fails=True)
    server.kubectl("create", "rolebinding", "a", "--clusterrole=view", "--user=alice", "-n", namespace)
    server.kubectl("get", "pods", "-n", namespace, user="alice")
    assert "forbidden" in server.kubectl("delete", "pod", "any", "-n", namespace, user="alice", fails=True)
    assert server.kubectl("auth", "can-i", "list", "pods", "-n", namespace, "--as=alice").strip() == "yes"


def test_token_of_a_service_account(server: Any, namespace: str) -> None:
    token = server.kubectl("create", "token", "default", "-n", namespace).strip()
    code, review = server.call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": token}})
    assert code == 201 and review["status"]["user"]["username"] == f"system:serviceaccount:{namespace}:default"
    code, me = server.call(
        "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {}, user="", headers={"Authorization": f"Bearer {token}"}
    )
    assert code == 201 and me["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:default"
    code, _ = server.call("GET", "/api/v1/namespaces", user="", headers={"Authorization": f"Bearer {token[:-4]}AAAA"})
    assert code == 401


def test_wait_and_watch(server: Any, namespace: str) -> None:
    server.kubectl("create", "-n", namespace, "-f", "-", stdin=DEPLOYMENT)
    server.kubectl("wait", "-n", namespace, "deploy/web", "--for=jsonpath={.spec.replicas}=2", "--timeout=5s")


def test_replace_and_namespace_finalization(server: Any) -> None:
    server.kubectl("create", "namespace", "ending")
    server.kubectl("delete", "namespace", "ending", "--wait=false")
    code, found = server.call("GET", "/api/v1/namespaces/ending")
    assert code == 200 and found["status"]["phase"] == "Terminating"
    assert "being terminated" in server.kubectl("create", "configmap", "x", "-n", "ending", fails=True)
    found["spec"]["finalizers"] = []
    assert server.call("PUT", "/api/v1/namespaces/ending/finalize", found)[0] == 200
    assert server.call("GET", "/api/v1/namespaces/ending")[0] == 404


def test_server_side_apply_takes_over_from_client_side_apply(server: Any, namespace: str) -> None:
    def config(value: str) -> str:
        return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "moved"}, "data": {"k": value}})

    server.kubectl("apply", "-n", namespace, "-f", "-", stdin=config("1"))
    server.kubectl("apply", "-n", namespace, "--server-side", "-f", "-", stdin=config("2"))
    found = json.loads(server.kubectl("get", "-n", namespace, "cm", "moved", "-o", "json", "--show-managed-fields"))
    assert found["data"] == {"k": "2"}
    assert '"k":"2"' in found["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"]
    assert [(m["manager"], m["operation"]) for m in found["metadata"]["managedFields"]] == [
        ("kubectl", "Apply"),
        ("kubectl-last-applied", "Apply"),
    ]


def test_what_is_read_may_be_replaced(server: Any, namespace: str) -> None:
    """Lists are checked by kubectl itself, by what our OpenAPI says is required."""
    stateful = DEPLOYMENT.replace("kind: Deployment", "kind: StatefulSet").replace("  replicas: 2\n", "  serviceName: web\n")
    daemons = DEPLOYMENT.replace("kind: Deployment", "kind: DaemonSet").replace("  replicas: 2\n", "")
    scaler = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, maxReplicas: 3}
"""
    server.kubectl("create", "-n", namespace, "-f", "-", stdin="---".join((DEPLOYMENT, stateful, daemons, scaler)))
    read = server.kubectl("get", "-n", namespace, "deploy,sts,ds,hpa", "-o", "yaml")
    assert server.kubectl("replace", "-n", namespace, "-f", "-", stdin=read).count("replaced") == 4


def test_who_creates_owns_what_was_asked_for_and_not_what_the_server_adds(server: Any, namespace: str) -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    service = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}
    for plural, document, added in (("pods", pod, {"volumes", "tolerations", "serviceAccountName"}), ("services", service, {"clusterIP"})):
        _, made = server.call("POST", f"/api/v1/namespaces/{namespace}/{plural}", document)
        (entry,) = made["metadata"]["managedFields"]
        assert added <= set(made["spec"]) and not {f"f:{name}" for name in added} & set(entry["fieldsV1"]["f:spec"])
