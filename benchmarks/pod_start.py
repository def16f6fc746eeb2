"""From creating a pod to Running with its image present, against two `docker run` on the same host: `pod_start.py INVENTORY [PODS]`.

A pod is two containers (its pause container and its own), so two `docker run` are the fair measure. Goal: at most 2.5 times their time.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

from hosts import Lab

GOAL_RATIO = 2.5
IMAGE = "busybox:1.35"
TWO_RUNS = f"""python3 - <<'END'
import subprocess, time
for _ in range(5):
    began = time.monotonic()
    for _ in range(2):
        subprocess.run(["docker", "run", "--rm", "--network", "none", "{IMAGE}", "true"], check=True)
    print(time.monotonic() - began)
END"""


def pod(name: str, node: str) -> str:
    container = {"name": "main", "image": IMAGE, "command": ["sleep", "3600"]}
    spec = {"nodeSelector": {"kubernetes.io/hostname": node}, "terminationGracePeriodSeconds": 0, "containers": [container]}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})


def started_after_s(lab: Lab, name: str, node: str) -> float:
    """Seconds until a watch that was open before says Running."""
    argv = [
        "kubectl",
        "--kubeconfig",
        str(lab.state / "kubeconfig"),
        "get",
        "pods",
        "-w",
        "--no-headers",
        "--field-selector",
        f"metadata.name={name}",
    ]
    watch = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    time.sleep(1.0)  # kubectl doesn't say when its watch stands
    try:
        lab.kubectl("create", "-f", "-", stdin=pod(name, node))
        began = time.monotonic()
        assert watch.stdout is not None
        for line in watch.stdout:
            if re.search(r"\bRunning\b", line):
                return time.monotonic() - began
        raise SystemExit("the watch ended")
    finally:
        watch.kill()
        watch.wait()
        lab.kubectl("delete", "pod", name, "--wait=true", "--ignore-not-found")


def main() -> None:
    lab = Lab(Path(sys.argv[1]))
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    nodes = lab.nodes()
    node = sorted(name for name in nodes if "worker" in name)[0]
    docker_s = statistics.median(map(float, lab.ssh(nodes[node], TWO_RUNS).split()))
    pods_s = [started_after_s(lab, f"bench-{i}", node) for i in range(count)]
    pod_s = statistics.median(pods_s)
    print(f"two docker run  {docker_s:.2f} s (median)")
    print(f"a pod           {pod_s:.2f} s (median of {count}, worst {max(pods_s):.2f})")
    print(f"ratio           {pod_s / docker_s:.2f}  {pod_s / docker_s / GOAL_RATIO:.2f} of the goal ({GOAL_RATIO})")


if __name__ == "__main__":
    main()
