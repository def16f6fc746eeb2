"""The real controller manager and scheduler, as processes, on a real API server and etcd; tests play the kubelets.

Periods are short, by the flags that anybody may set, so that what takes minutes in a cluster takes seconds here.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

WAIT_S = 20.0
T = TypeVar("T")


def _processes() -> Any:
    """What the API server's own tests start it with."""
    path = Path(__file__).parent.parent / "apiserver" / "conftest.py"
    spec = importlib.util.spec_from_file_location("apiserver_processes", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


processes = _processes()
pki, etcd_url, server = processes.pki, processes.etcd_url, processes.server


def eventually(look: Callable[[], T], what: str = "", within_s: float = WAIT_S) -> T:
    """What `look` returns as soon as that is true; a failed assertion inside counts as not yet."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            if found := look():
                return found
            problem = f"still {found!r}"
        except AssertionError as error:
            problem = str(error)
        if time.monotonic() > deadline:
            raise AssertionError(f"{what or 'it'} did not become true in {within_s} s: {problem}")
        time.sleep(0.05)


GROUPS = {
    "deployments": "apis/apps/v1",
    "replicasets": "apis/apps/v1",
    "daemonsets": "apis/apps/v1",
    "statefulsets": "apis/apps/v1",
    "controllerrevisions": "apis/apps/v1",
    "jobs": "apis/batch/v1",
    "cronjobs": "apis/batch/v1",
    "endpointslices": "apis/discovery.k8s.io/v1",
    "leases": "apis/coordination.k8s.io/v1",
    "poddisruptionbudgets": "apis/policy/v1",
    "horizontalpodautoscalers": "apis/autoscaling/v2",
    "certificatesigningrequests": "apis/certificates.k8s.io/v1",
    "clusterroles": "apis/rbac.authorization.k8s.io/v1",
    "storageclasses": "apis/storage.k8s.io/v1",
    "priorityclasses": "apis/scheduling.k8s.io/v1",
}


@dataclass
class Cluster:
    """One namespace of the cluster under test (None: cluster-scoped); each method is one request."""

    server: Any
    namespace: str | None

    def path(self, plural: str, name: str = "", sub: str = "") -> str:
        where = f"/namespaces/{self.namespace}" if self.namespace else ""
        return f"/{GROUPS.get(plural, 'api/v1')}{where}/{plural}" + (f"/{name}" if name else "") + (f"/{sub}" if sub else "")

    def create(self, plural: str, document: dict[str, Any], sub: str = "", name: str = "") -> dict[str, Any]:
        code, made = self.server.call("POST", self.path(plural, name, sub), document)
        assert code in (200, 201), made
        return dict(made)

    def get(self, plural: str, name: str) -> dict[str, Any]:
        code, found = self.server.call("GET", self.path(plural, name))
        assert code == 200, found
        return dict(found)

    def gone(self, plural: str, name: str) -> bool:
        return bool(self.server.call("GET", self.path(plural, name))[0] == 404)

    def list(self, plural: str, selector: str = "") -> list[dict[str, Any]]:
        code, found = self.server.call("GET", self.path(plural) + (f"?labelSelector={selector}" if selector else ""))
        assert code == 200, found
        return list(found["items"])

    def patch(self, plural: str, name: str, body: Any, sub: str = "", kind: str = "merge") -> dict[str, Any]:
        headers = {"Content-Type": {"merge": "application/merge-patch+json", "strategic": "application/strategic-merge-patch+json"}[kind]}
        code, found = self.server.call("PATCH", self.path(plural, name, sub), body, headers=headers)
        assert code == 200, found
        return dict(found)

    def update(self, plural: str, document: dict[str, Any], sub: str = "") -> dict[str, Any]:
        code, found = self.server.call("PUT", self.path(plural, document["metadata"]["name"], sub), document)
        assert code == 200, found
        return dict(found)

    def delete(self, plural: str, name: str, **options: Any) -> None:
        code, found = self.server.call("DELETE", self.path(plural, name), options or None)
        assert code in (200, 202, 404), found

    def pods(self, selector: str = "") -> list[dict[str, Any]]:
        """Those that are not on their way out."""
        return [p for p in self.list("pods", selector) if "deletionTimestamp" not in p["metadata"]]

    # -- what a kubelet would do --------------------------------------------------------------------------------------

    def run_pod(self, pod: dict[str, Any], ready: bool = True, ip: str | None = None) -> None:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        condition = {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": now}
        status: dict[str, Any] = {"phase": "Running", "conditions": [condition], "startTime": now}
        if ip:
            status |= {"podIP": ip, "podIPs": [{"ip": ip}]}
        self.patch("pods", pod["metadata"]["name"], {"status": status}, "status", "strategic")

    def end_pod(self, pod: dict[str, Any], code: int = 0) -> None:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        ended = {"terminated": {"exitCode": code, "finishedAt": now, "startedAt": now, "reason": "Completed" if code == 0 else "Error"}}
        statuses = [
            {"name": c["name"], "image": c["image"], "imageID": "", "ready": False, "restartCount": 0, "state": ended}
            for c in pod["spec"]["containers"]
        ]
        status = {"phase": "Failed" if code else "Succeeded", "containerStatuses": statuses}
        self.patch("pods", pod["metadata"]["name"], {"status": status}, "status", "strategic")

    def run_all(self, selector: str = "") -> bool:
        """One round of all kubelets: what isn't ready becomes so, what ends is gone. True."""
        for pod in self.list("pods", selector):
            if "deletionTimestamp" in pod["metadata"]:
                self.delete("pods", pod["metadata"]["name"], gracePeriodSeconds=0)
            elif not is_ready(pod) and pod.get("status", {}).get("phase") not in ("Succeeded", "Failed"):
                code, found = 200, None
                try:
                    self.run_pod(pod)
                except AssertionError:
                    code, found = self.server.call("GET", self.path("pods", pod["metadata"]["name"]))
                    assert code == 404, found
        return True

    def settled(self, look: Callable[[], Any], what: str = "") -> Any:
        """`look`'s truth while kubelets do their work."""
        return eventually(lambda: self.run_all() and look(), what)

    def events(self, name: str) -> list[tuple[str, str]]:
        """(reason, message) about the object of that name."""
        return [(e["reason"], e["message"]) for e in self.list("events") if e["involvedObject"]["name"] == name]


def is_ready(pod: dict[str, Any]) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod.get("status", {}).get("conditions", ()))


def template(labels: dict[str, str], image: str = "registry.test/app:1", **spec: Any) -> dict[str, Any]:
    containers = [{"name": "app", "image": image}]
    return {"metadata": {"labels": labels}, "spec": {"containers": containers, "terminationGracePeriodSeconds": 0, **spec}}


@pytest.fixture(scope="session")
def controllers(server: Any, pki: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("controllers")
    # With no more rights than the bootstrapped roles give it and its controllers' accounts.
    pki.issue("controllers", "system:kube-controller-manager")
    kubeconfig = server.kubeconfig("controllers")
    argv = [sys.executable, "-m", "provisioner.kube.controllers", f"--kubeconfig={kubeconfig}", "--leader-elect=false"]
    argv += ["--use-service-account-credentials"]
    argv += ["--secure-port=0", "--allocate-node-cidrs", "--cluster-cidr=10.244.0.0/16", f"--root-ca-file={pki.path('ca.crt')}"]
    argv += ["--node-monitor-period=0.2s", "--node-monitor-grace-period=1.5s", "--node-startup-grace-period=2s"]
    argv += [f"--cluster-signing-cert-file={pki.path('ca.crt')}", f"--cluster-signing-key-file={pki.path('ca.key')}"]
    argv += [f"--service-account-private-key-file={pki.path('sa.key')}"]
    process = processes.Process(argv, folder / "controllers.log")
    process.start()
    yield process
    assert process.stop() == 0, process.log.read_text()[-4000:]
    crashes = [line for line in process.log.read_text().splitlines() if "crashed" in line or "is forbidden: User" in line]
    assert not crashes, crashes[:5]


@pytest.fixture(scope="session")
def scheduler(server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("scheduler")
    argv = [sys.executable, "-m", "provisioner.kube.scheduler", f"--kubeconfig={server.kubeconfig()}", "--leader-elect=false"]
    process = processes.Process([*argv, "--secure-port=0"], folder / "scheduler.log")
    process.start()
    yield process
    assert process.stop() == 0, process.log.read_text()[-4000:]


@pytest.fixture
def everywhere(server: Any, controllers: Any) -> Cluster:
    """Cluster-scoped objects."""
    return Cluster(server, None)


@pytest.fixture
def cluster(everywhere: Cluster, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A namespace of the test's own, once its default service account is there."""
    name = f"t{abs(hash(request.node.nodeid)) % 10**9}"
    everywhere.create("namespaces", {"metadata": {"name": name}})
    made = Cluster(everywhere.server, name)
    eventually(lambda: not made.gone("serviceaccounts", "default"), "the default service account")
    yield made
    everywhere.delete("namespaces", name)


@pytest.fixture
def make_node(everywhere: Cluster) -> Iterator[Callable[..., dict[str, Any]]]:
    """(name, cpu=…, labels=…) -> a node that is ready; its lease is renewed by nobody, but its status never ages within a test."""
    made: list[str] = []

    def make(name: str, cpu: str = "4", pods: str = "110", labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
        labels = {"kubernetes.io/hostname": name, **(labels or {})}
        everywhere.create("nodes", {"metadata": {"name": name, "labels": labels}, "spec": spec})
        made.append(name)
        resources = {"cpu": cpu, "memory": "8Gi", "pods": pods, "ephemeral-storage": "100Gi"}
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": now, "lastTransitionTime": now}
        status = {"capacity": resources, "allocatable": resources, "conditions": [ready]}
        return everywhere.patch("nodes", name, {"status": status}, "status")

    yield make
    for name in made:
        everywhere.delete("nodes", name)


@dataclass
class Tools:
    """The functions that tests share."""

    eventually: Callable[..., Any] = eventually
    template: Callable[..., dict[str, Any]] = template
    is_ready: Callable[[dict[str, Any]], bool] = is_ready


@pytest.fixture
def tools() -> Tools:
    return Tools()
