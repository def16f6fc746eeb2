"""Is the cluster what was asked for? Nodes ready, and a small Deployment that comes up on it. Every wait has a deadline and says what for."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provisioner.cluster.api import Api, ApiError
from provisioner.cluster.errors import VerifyError

# A node is there a few seconds after its kubelet; emulated on a busy computer it was seen to take 100 s.
NODES_TIMEOUT_S = 600.0
# It ends as soon as the pods are there; on emulated machines of a busy computer a container alone takes half a minute.
SMOKE_TIMEOUT_S = 300.0
POLL_S = 0.25
SMOKE_NAMESPACE = "kube-system"
SMOKE_NAME = "provision-smoke"

Tell = Callable[[str], None]


@dataclass(frozen=True)
class NodeState:
    """One node as the API shows it. `why` is the Ready condition's message when it isn't ready."""

    name: str
    ready: bool
    why: str = ""
    version: str = ""
    runtime: str = ""


def nodes(answer: Mapping[str, Any]) -> dict[str, NodeState]:
    """From a NodeList."""
    found = {}
    for item in answer.get("items") or ():
        name = item["metadata"]["name"]
        status = item.get("status") or {}
        ready: Mapping[str, Any] = next((c for c in status.get("conditions") or () if c.get("type") == "Ready"), {})
        info = status.get("nodeInfo") or {}
        found[name] = NodeState(
            name,
            ready.get("status") == "True",
            "" if ready.get("status") == "True" else str(ready.get("message") or "no Ready condition yet"),
            str(info.get("kubeletVersion", "")),
            str(info.get("containerRuntimeVersion", "")),
        )
    return found


def wait_for_nodes(api: Api, wanted: Sequence[str], tell: Tell, *, timeout_s: float = NODES_TIMEOUT_S) -> dict[str, NodeState]:
    """Returns when all are ready. Raises VerifyError that names those that aren't, and why."""
    deadline = time.monotonic() + timeout_s
    told = ""
    problem = "the API server did not answer"
    while True:
        try:
            found = nodes(api.get("/api/v1/nodes"))
        except ApiError as e:
            problem = str(e)
        else:
            missing = [name for name in wanted if name not in found or not found[name].ready]
            if not missing:
                return found
            problem = "; ".join(f"{name}: {found[name].why if name in found else 'not registered'}" for name in missing)
            waiting = f"waiting for nodes: {', '.join(missing)}"
            if waiting != told:
                tell(waiting)
                told = waiting
        if time.monotonic() > deadline:
            raise VerifyError(
                f"verify: after {timeout_s:.0f} s not every node is ready: {problem}", hint="look at: journalctl -u kubelet on that host"
            )
        time.sleep(POLL_S)


def smoke(api: Api, image: str, tell: Tell, *, timeout_s: float = SMOKE_TIMEOUT_S) -> float:
    """Make a Deployment of two pods, wait until it is available, remove it. Returns the seconds to available; raises VerifyError."""
    path = f"/apis/apps/v1/namespaces/{SMOKE_NAMESPACE}/deployments"
    _remove(api, f"{path}/{SMOKE_NAME}")
    started = time.monotonic()
    try:
        _make(api, path, smoke_deployment(image), started + timeout_s)
        tell(f"waiting for deployment {SMOKE_NAME}: 2 pods of {image}")
        while True:
            available, problem = 0, ""
            try:
                available = (api.get(f"{path}/{SMOKE_NAME}").get("status") or {}).get("availableReplicas", 0)
            except ApiError as e:
                if e.code is not None:
                    raise
                problem = e.message  # it was slow to answer: ask again until the deadline
            if available >= 2:
                return time.monotonic() - started
            if time.monotonic() - started > timeout_s:
                raise VerifyError(
                    f"verify: after {timeout_s:.0f} s deployment {SMOKE_NAME} has {available} of 2 pods: {problem or _pods(api)}",
                    hint=f"look at: kubectl -n {SMOKE_NAMESPACE} describe pods -l app={SMOKE_NAME}",
                )
            time.sleep(POLL_S)
    except ApiError as e:
        raise VerifyError(f"verify: the smoke deployment failed: {e.message}") from e
    finally:
        _remove(api, f"{path}/{SMOKE_NAME}")


def _make(api: Api, path: str, wanted: Mapping[str, Any], deadline: float) -> None:
    """As often as nobody answers in time; what an unheard answer had made already is found then."""
    unheard = False
    while True:
        try:
            api.post(path, dict(wanted))
            return
        except ApiError as e:
            if e.code == 409 and unheard:
                return
            unheard = True
            if e.code is not None or time.monotonic() > deadline:
                raise
        time.sleep(POLL_S)


def _pods(api: Api) -> str:
    return _why(api.get(f"/api/v1/namespaces/{SMOKE_NAMESPACE}/pods?labelSelector=app%3D{SMOKE_NAME}"))


def smoke_deployment(image: str) -> dict[str, Any]:
    """Two pods that serve HTTP, ready when they answer."""
    container = {
        "name": "web",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["httpd", "-f", "-p", "8080", "-h", "/var/www"],
        "ports": [{"containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
    }
    labels = {"app": SMOKE_NAME}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": SMOKE_NAME, "namespace": SMOKE_NAMESPACE, "labels": labels},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container], "terminationGracePeriodSeconds": 0}},
        },
    }


def _remove(api: Api, path: str) -> None:
    try:
        api.delete(f"{path}?propagationPolicy=Background")
    except ApiError:
        return  # not there, or the error that brought us here already says more


def _why(pods: Mapping[str, Any]) -> str:
    lines = []
    for pod in pods.get("items") or ():
        status = pod.get("status") or {}
        waiting = [
            f"{s.get('state', {})['waiting'].get('reason', '')} {s['state']['waiting'].get('message', '')}".strip()
            for s in status.get("containerStatuses") or ()
            if "waiting" in (s.get("state") or {})
        ]
        conditions = [c.get("message", "") for c in status.get("conditions") or () if c.get("status") == "False" and c.get("message")]
        reasons = waiting or conditions or [""]
        lines.append(f"{pod['metadata']['name']} is {status.get('phase', 'unknown')} {reasons[0]}".strip())
    return "; ".join(lines) or "no pods were made"
