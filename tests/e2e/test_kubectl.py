"""Proves that ordinary kubectls work, from Debian's 1.20 to the newest one on this computer."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.e2e.lab import PROVISION, Cluster, debian_kubectl, eventually, run
from tests.e2e.manifests import BUSYBOX


def installed() -> list[str]:
    """kubectl on PATH and its siblings of other versions (kubectl.1.27 …), oldest and newest of them."""
    found = shutil.which("kubectl")
    if not found:
        return []
    siblings = sorted(Path(found).resolve().parent.glob("kubectl.1.*"), key=lambda path: int(path.suffix[1:]))
    return [found, *(str(path) for path in {*siblings[:1], *siblings[-1:]})]


def told_by_a_pod(cluster: Cluster, kubectl: Path, name: str, command: str) -> str:
    """What a pod of `tour` says as a host of its own (the connection plugin kubernetes.core.kubectl)."""
    where = {"ansible_kubectl_namespace": "tour", "ansible_kubectl_kubeconfig": str(cluster.kubeconfig)}
    words = [PROVISION, "run", name, "-i", f"{name},", "-c", "kubernetes.core.kubectl", "-m", "raw", "-a", command, "-e", json.dumps(where)]
    return run(words, env={**os.environ, "PATH": f"{kubectl.parent}:{os.environ['PATH']}"}).ok().stdout


@pytest.mark.parametrize("binary", ["debian", *installed()])
def test_a_deployment_is_made_scaled_updated_and_removed(cluster: Cluster, binary: str, tmp_path: Path) -> None:
    kubectl = debian_kubectl(tmp_path) if binary == "debian" else Path(binary)

    def call(*words: str, timeout_s: float = 90) -> str:
        return cluster.kubectl(*words, binary=kubectl, timeout_s=timeout_s).ok().stdout

    call("get", "nodes", "-o", "wide")
    call("create", "namespace", "tour")
    try:
        eventually(lambda: cluster.json("get", "serviceaccount", "default", "-n", "tour"), 10, "the namespace's service account")
        call("-n", "tour", "create", "deployment", "sleeper", f"--image={BUSYBOX}", "--replicas=2", "--", "sleep", "3600")
        call("-n", "tour", "rollout", "status", "deployment/sleeper", "--timeout=60s")
        call("-n", "tour", "scale", "deployment/sleeper", "--replicas=3")
        call("-n", "tour", "rollout", "status", "deployment/sleeper", "--timeout=60s")
        call("-n", "tour", "set", "env", "deployment/sleeper", "COLOR=blue")
        call("-n", "tour", "rollout", "status", "deployment/sleeper", "--timeout=90s")
        assert "Running" in call("-n", "tour", "get", "pods", "-o", "wide")
        assert "sleeper" in call("-n", "tour", "describe", "deployment", "sleeper")
        name = cluster.ready_pods("app=sleeper", "tour")[0]["metadata"]["name"]
        assert call("-n", "tour", "exec", name, "--", "sh", "-c", "echo $COLOR").strip() == "blue"
        if kubectl.name == "kubectl":
            assert "blue" in told_by_a_pod(cluster, kubectl, name, "echo $COLOR")
        call("-n", "tour", "label", "deployment/sleeper", "tier=test")
        call("-n", "tour", "delete", "deployment", "sleeper")
        call("-n", "tour", "delete", "pods", "--all", "--grace-period=1")
        assert "v1" in call("api-versions").split()
        assert "deployments" in call("api-resources")
        assert "Pod" in call("explain", "pod")
    finally:
        cluster.kubectl("delete", "namespace", "tour", "--wait=true", "--timeout=90s", timeout_s=100).ok()
