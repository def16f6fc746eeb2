"""Proves on a real dockerd that pods run, are reported as upstream reports them, and end as they should."""

from __future__ import annotations

import time
from typing import Any

SLEEP = ["sh", "-c", "trap 'exit 0' TERM; while true; do sleep 0.1; done"]


def phase(node: Any, name: str) -> str:
    pod = node.api.pod(name)
    return pod["status"].get("phase", "") if pod else "gone"


def ready(node: Any, name: str) -> bool:
    conditions = {c["type"]: c["status"] for c in (node.api.pod(name) or {}).get("status", {}).get("conditions", [])}
    return conditions.get("Ready") == "True"


def container(node: Any, pod: str, name: str = "main", field: str = "containerStatuses") -> dict[str, Any]:
    found = [s for s in (node.api.pod(pod) or {}).get("status", {}).get(field, []) if s["name"] == name]
    return found[0] if found else {}


def container_id(node: Any, pod: str, name: str = "main") -> str:
    return str(container(node, pod, name)["containerID"]).removeprefix("docker://")


async def test_a_pod_runs_and_is_deleted(node: Any) -> None:
    began = time.monotonic()
    node.api.add_pod("web", {"containers": [{"name": "main", "command": SLEEP}]})
    await node.api.until(lambda: ready(node, "web"))
    print("ready after", time.monotonic() - began)
    status = node.api.pod("web")["status"]
    assert status["phase"] == "Running"
    assert status["podIP"].startswith("10.244.7.") and status["podIPs"] == [{"ip": status["podIP"]}]
    assert status["hostIP"] == "127.0.0.1"
    assert status["qosClass"] == "BestEffort"
    assert container(node, "web")["state"]["running"]["startedAt"]
    began = time.monotonic()
    node.api.delete_pod("web")
    await node.api.until(lambda: node.api.pod("web") is None)
    print("gone after", time.monotonic() - began)
    assert time.monotonic() - began < 4
