"""Proves that upstream's flags and whole configuration files are taken, and what is wrong is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.kube.client.flags import FlagError
from provisioner.kube.client.kubeconfig import ConfigError
from provisioner.kube.proxy.config import Configuration, configure, flag_set

# As kubeadm writes it.
FILE = """
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
bindAddress: 0.0.0.0
bindAddressHardFail: false
clientConnection: {acceptContentTypes: "", burst: 0, contentType: "", kubeconfig: /var/lib/kube-proxy/kubeconfig.conf, qps: 0}
clusterCIDR: 10.244.0.0/16
configSyncPeriod: 0s
conntrack: {maxPerCore: null, min: null, tcpBeLiberal: false}
detectLocal: {bridgeInterface: "", interfaceNamePrefix: ""}
detectLocalMode: ""
enableProfiling: false
healthzBindAddress: ""
hostnameOverride: ""
iptables: {localhostNodePorts: null, masqueradeAll: false}
ipvs: {scheduler: ""}
logging: {flushFrequency: 0, verbosity: 0}
metricsBindAddress: ""
mode: nftables
nftables: {masqueradeAll: false, masqueradeBit: null}
nodePortAddresses: null
oomScoreAdj: null
portRange: ""
showHiddenMetricsForVersion: ""
winkernel: {enableDSR: false}
"""


def configured(tmp_path: Path, text: str, *flags: str) -> Configuration:
    path = tmp_path / "config.conf"
    path.write_text(text)
    return configure(flag_set().parse([f"--config={path}", *flags]))


def test_a_whole_file_of_upstreams(tmp_path: Path) -> None:
    config = configured(tmp_path, FILE, "--profiling", "--conntrack-min=0", "--nodeport-addresses=10.0.0.0/8")
    assert config.cluster_cidr == "10.244.0.0/16"
    assert config.client_connection.kubeconfig == "/var/lib/kube-proxy/kubeconfig.conf"
    assert (config.healthz_bind_address, config.metrics_bind_address) == ("0.0.0.0:10256", "127.0.0.1:10249")
    assert config.node_port_addresses == ("10.0.0.0/8",)
    assert configured(tmp_path, FILE, "--nodeport-addresses=primary").node_port_addresses == ("primary",)


@pytest.mark.parametrize(
    ("text", "flags", "problem"),
    [
        (FILE.replace("clusterCIDR", "clusterCIRD"), (), "did you mean clusterCIDR"),
        (FILE, ("--proxy-mode=ipvs",), "--proxy-mode=ipvs: expected nftables"),
        (FILE, ("--nodeport-addresses=primary,10.0.0.0/8",), "nodePortAddresses: primary: expected ranges"),
    ],
)
def test_what_is_wrong(tmp_path: Path, text: str, flags: tuple[str, ...], problem: str) -> None:
    with pytest.raises((ConfigError, FlagError), match=problem):
        configured(tmp_path, text, *flags)
