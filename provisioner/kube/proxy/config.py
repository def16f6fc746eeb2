"""kube-proxy's flags and its KubeProxyConfiguration: upstream's names, and what they come to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from provisioner.kube.client.config_file import read_config
from provisioner.kube.client.daemon import Listener
from provisioner.kube.client.flags import FlagError, Flags, FlagSet, boolean, comma_list
from provisioner.kube.proxy import node_ports

# Upstream's flags that mean nothing to these rules, or to nftables.
IGNORED = (
    "bind-address",
    "config-sync-period",
    "conntrack-max-per-core",
    "conntrack-min",
    "conntrack-tcp-timeout-close-wait",
    "conntrack-tcp-timeout-established",
    "detect-local-mode",
    "feature-gates",
    "iptables-min-sync-period",
    "iptables-sync-period",
    "kube-api-burst",
    "kube-api-content-type",
    "kube-api-qps",
    "nftables-min-sync-period",
    "nftables-sync-period",
    "oom-score-adj",
)
# Upstream's, where a file or flag leaves them empty.
HEALTHZ, METRICS = "0.0.0.0:10256", "127.0.0.1:10249"
IGNORED_SWITCHES = ("bind-address-hard-fail", "masquerade-all", "profiling")


class ClientConnection(msgspec.Struct, frozen=True, rename="camel"):
    kubeconfig: str = ""
    accept_content_types: Any = None
    content_type: Any = None
    qps: Any = None
    burst: Any = None


class Configuration(msgspec.Struct, frozen=True, rename="camel"):
    """kubeproxy.config.k8s.io/v1alpha1 KubeProxyConfiguration; flags win over it. What is Any is taken and has no effect here.

    `node_port_addresses` are the ranges of this host's addresses that node ports answer on, or `primary` alone; empty: all but loopback.
    """

    mode: str = "nftables"
    cluster_cidr: str = msgspec.field(name="clusterCIDR", default="")
    hostname_override: str = ""
    healthz_bind_address: str = ""
    metrics_bind_address: str = ""
    client_connection: ClientConnection = ClientConnection()
    node_port_addresses: tuple[str, ...] | None = None
    bind_address: Any = None
    bind_address_hard_fail: Any = None
    config_sync_period: Any = None
    conntrack: Any = None
    detect_local: Any = None
    detect_local_mode: Any = None
    enable_profiling: Any = None
    feature_gates: Any = None
    iptables: Any = None
    ipvs: Any = None
    logging: Any = None
    nftables: Any = None
    oom_score_adj: Any = None
    port_range: Any = None
    show_hidden_metrics_for_version: Any = None
    windows_run_as_service: Any = None
    winkernel: Any = None


def flag_set() -> FlagSet:
    flags = FlagSet("kube-proxy", "makes services and pods reachable from this node")
    flags.add("config", str, "", "a KubeProxyConfiguration file")
    flags.add("kubeconfig", str, "", "how to reach the API server")
    flags.add("cluster-cidr", str, "", "the cluster's pod range; what leaves it is masqueraded")
    flags.add("hostname-override", str, "", "this node's name (default: the host's name)")
    flags.add("proxy-mode", str, "", "nftables")
    flags.add("healthz-bind-address", str, "", "address:port of /healthz")
    flags.add("metrics-bind-address", str, "", "address:port of /metrics")
    flags.add("pod-network-backend", str, "auto", "ways to other nodes' pods: auto, routes, vxlan or none")
    flags.add(
        "nodeport-addresses",
        comma_list,
        [],
        "ranges of this host's addresses that node ports answer on, or primary: the node's own (default: all)",
    )
    for name in IGNORED:
        flags.add(name, str, "", "taken and ignored")
    for name in IGNORED_SWITCHES:
        flags.add(name, boolean, False, "taken and ignored")
    flags.add("leader-elect", boolean, False, "taken and ignored: every node has its own proxy")
    return flags


def configure(flags: Flags) -> Configuration:
    """The file, with the flags that were given over it. Raises ConfigError or FlagError."""
    config = (
        read_config(Path(flags.config), "KubeProxyConfiguration", "kubeproxy.config.k8s.io", Configuration)
        if flags.config
        else Configuration()
    )
    over = {
        "mode": flags.proxy_mode,
        "cluster_cidr": flags.cluster_cidr,
        "hostname_override": flags.hostname_override,
        "healthz_bind_address": flags.healthz_bind_address,
        "metrics_bind_address": flags.metrics_bind_address,
        "node_port_addresses": tuple(flags.nodeport_addresses),
        "client_connection": ClientConnection(flags.kubeconfig) if flags.kubeconfig else None,
    }
    config = msgspec.structs.replace(config, **{key: value for key, value in over.items() if value})
    config = msgspec.structs.replace(
        config,
        healthz_bind_address=config.healthz_bind_address or HEALTHZ,
        metrics_bind_address=config.metrics_bind_address or METRICS,
        node_port_addresses=config.node_port_addresses or (),
    )
    if config.mode not in ("nftables", ""):
        raise FlagError(f"--proxy-mode={config.mode}: expected nftables")
    node_ports.check(config.node_port_addresses or ())
    if flags.pod_network_backend not in ("auto", "routes", "vxlan", "none"):
        raise FlagError(f"--pod-network-backend={flags.pod_network_backend}: expected auto, routes, vxlan or none")
    return config


def listener(text: str) -> Listener:
    """`address:port`; an empty text is no listener."""
    address, _, port = text.rpartition(":")
    if text and not port.isdigit():
        raise FlagError(f"{text}: expected address:port")
    return Listener(address.strip("[]"), int(port or 0))
