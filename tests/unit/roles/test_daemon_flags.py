"""What the roles write is what the daemons take: every rendered flag and configuration field is known to its daemon."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from provisioner.kube.apiserver.options import flag_set as apiserver_flags
from provisioner.kube.client.flags import FlagSet
from provisioner.kube.controllers.__main__ import flag_set as controller_flags
from provisioner.kube.dns.__main__ import flag_set as dns_flags
from provisioner.kube.kubelet.config import configure as configure_kubelet
from provisioner.kube.kubelet.config import flag_set as kubelet_flags
from provisioner.kube.proxy.__main__ import configure as configure_proxy
from provisioner.kube.proxy.__main__ import flag_set as proxy_flags
from provisioner.kube.scheduler.__main__ import flag_set as scheduler_flags

GOLDEN = Path(__file__).parent / "golden"


def words(path: Path, host: str) -> list[str]:
    """An environment file's flags as systemd splits them; files on the host become golden files."""
    _, _, text = path.read_text().partition('="')
    found = shlex.split(text.rpartition('"')[0].replace("\\\n", " "))
    return [word.replace("/etc/kubernetes/", f"{GOLDEN}/{host}/{path.parent.name}/") if ".yaml" in word else word for word in found]


@pytest.mark.parametrize(
    ("flags", "file"),
    [
        (apiserver_flags(), "kube-apiserver/apiserver"),
        (controller_flags(), "kube-controller-manager/controller-manager"),
        (scheduler_flags(), "kube-scheduler/scheduler"),
        (dns_flags(), "kube-dns/dns"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_control_plane(flags: FlagSet, file: str) -> None:
    given = words(GOLDEN / "master-1" / file, "master-1")
    assert len(flags.parse(given).given) == len(given)


@pytest.mark.parametrize("host", ["master-1", "worker-1"])
def test_node(host: str) -> None:
    kubelet = configure_kubelet(kubelet_flags().parse(words(GOLDEN / host / "kubelet/kubelet", host)))
    assert kubelet.authorization.mode == "Webhook"
    assert [t.key for t in kubelet.register_with_taints or ()] == (["node-role.kubernetes.io/control-plane"] if host == "master-1" else [])
    proxy = configure_proxy(proxy_flags().parse(words(GOLDEN / host / "kube-proxy/proxy", host)))
    assert (proxy.mode, proxy.hostname_override) == ("nftables", host)
