"""Proves that a registry of one's own serves pods: as a mirror under the public names, and under its own address without TLS."""

from __future__ import annotations

import re

import pytest

from tests.e2e.lab import HOSTS, Cluster, changed_inventory
from tests.e2e.manifests import pod

# Debian's package asks for passwords, which Docker does not give to mirrors.
INSTALL = """set -e
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker-registry >/dev/null 2>&1
sed -i '/^auth:/,/^ *path:/d' /etc/docker/registry/config.yml
systemctl restart docker-registry
timeout 20 sh -c 'until ss -Hltn sport = :5000 | grep -q .; do sleep 0.1; done'
"""


@pytest.fixture
def registry(cluster: Cluster) -> str:
    """host:port of a registry on the master, as people run one beside a cluster."""
    cluster.ssh("master-1", INSTALL, timeout_s=120).ok()
    return f"{cluster.addresses['master-1']}:5000"


def test_pods_get_their_images_from_the_registry_that_the_inventory_names(cluster: Cluster, registry: str) -> None:
    cluster.apply(pod("before", "sleep 3600"))
    cluster.kubectl("wait", "--for=condition=Ready", "pod/before", "--timeout=60s", timeout_s=70).ok()
    with changed_inventory(cluster, {"all/vars/cluster/registry": {"mirror": f"http://{registry}", "insecure": [registry]}}):
        cluster.provision("up", "--tags", "docker").ok()
        image = f"{registry}/library/mirrored:1"
        cluster.ssh("worker-1", f"docker tag busybox:1.35 {image} && docker push -q {image} && docker rmi {image}").ok()
        for name, reference in (("by-mirror", "mirrored:1"), ("by-address", image)):
            made = pod(name, "sleep 3600", image=reference)
            made["spec"]["nodeName"] = "worker-2"
            cluster.apply(made)
            cluster.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s", timeout_s=70).ok()
    asked = cluster.ssh("master-1", "journalctl -u docker-registry --no-pager -o cat").ok().stdout
    fetched = re.findall(rf'^{cluster.addresses["worker-2"]} .*"HEAD /v2/library/mirrored/manifests/1 .* 200 ', asked, re.MULTILINE)
    assert len(fetched) == 2, "once for each of the names"
    status = cluster.json("get", "pod", "before")["status"]["containerStatuses"][0]
    assert status["restartCount"] == 0 and "running" in status["state"], "Docker takes new settings without ending containers"
    cluster.kubectl("delete", "pod", "before", "by-mirror", "by-address", "--timeout=40s").ok()
    cluster.provision("up", "--tags", "docker").ok()
    for host in HOSTS:
        assert "mirror" not in cluster.ssh(host, "cat /etc/docker/daemon.json").ok().stdout
