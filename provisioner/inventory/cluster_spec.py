"""The `cluster:` tree: what the cluster is to be. Each field's docstring is its documentation."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from provisioner.inventory.spec_fields import between, setting

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def is_dns_label(value: str) -> str | None:
    if _LABEL.fullmatch(value):
        return None
    return f"{value!r} is not a DNS label: at most 63 small letters, digits and inner hyphens (RFC 1123)"


def is_dns_name(value: str) -> str | None:
    if len(value) <= 253 and all(_LABEL.fullmatch(part) for part in value.split(".")):
        return None
    return f"{value!r} is not a DNS name: labels of small letters, digits and inner hyphens, joined by dots"


def is_cidr(value: str) -> str | None:
    """Of IPv4: what hosts and pods have, and services."""
    try:
        ipaddress.IPv4Network(value)
    except ValueError as e:
        return f"{value!r} is not a network such as 10.96.0.0/16: {e}"
    return None


def is_address(value: str) -> str | None:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return f"{value!r} is not an IP address"
    return None


def is_endpoint(value: str) -> str | None:
    host, colon, port = value.rpartition(":")
    if colon and host and port.isdigit() and 0 < int(port) < 65536:
        return None
    return f"{value!r} is not host:port"


def is_port_range(value: str) -> str | None:
    first, dash, last = value.partition("-")
    if dash and first.isdigit() and last.isdigit() and 0 < int(first) <= int(last) < 65536:
        return None
    return f"{value!r} is not a port range such as 30000-32767"


def is_url(value: str) -> str | None:
    if re.fullmatch(r"https?://[^\s/]+(/\S*)?", value):
        return None
    return f"{value!r} is not an http:// or https:// address"


@dataclass(frozen=True)
class DnsSpec:
    enabled: bool = True
    """Whether the cluster's name server is installed and every pod's resolv.conf points at it."""
    service_ip: str = setting("", check=lambda v: is_address(v) if v else None)
    """Address of the name server's Service; empty means the tenth address of `service_cidr` (10.96.0.10)."""
    upstream: tuple[str, ...] = ()
    """Name servers for names outside the cluster; empty means those of the host's resolv.conf."""


@dataclass(frozen=True)
class MetricsSpec:
    enabled: bool = True
    """Whether the API servers tell what nodes and pods use (metrics.k8s.io), which `kubectl top` and autoscalers ask for. An APIService of
    metrics-server's takes their place where it is installed."""


@dataclass(frozen=True)
class ProxySpec:
    mode: Literal["nftables", "iptables"] = "nftables"
    """How Services are programmed on hosts; nftables costs the same however many Services there are."""


@dataclass(frozen=True)
class NetworkSpec:
    backend: Literal["auto", "routes", "vxlan"] = "auto"
    """How pods of different hosts reach each other: plain routes within a segment, VXLAN elsewhere; auto decides for each pair."""


@dataclass(frozen=True)
class RegistrySpec:
    mirror: str = setting("", check=lambda v: is_url(v) if v else None)
    """Address asked for images before the public registry; empty means none."""
    insecure: tuple[str, ...] = ()
    """Registries (host:port) that are spoken to without TLS verification."""


@dataclass(frozen=True)
class PackagesSpec:
    mirror: str = setting("", check=lambda v: is_url(v) if v else None)
    """Address of a Debian mirror for hosts; empty leaves their sources as they are."""
    proxy: str = setting("", check=lambda v: is_url(v) if v else None)
    """HTTP proxy for package downloads on hosts; empty means none."""
    lock_timeout_s: int = setting(300, check=between(1, 86_400))
    """How long to wait while another process on a host holds apt's lock, in seconds. The run shows who it is."""


@dataclass(frozen=True)
class KubeletSpec:
    node_status_update_frequency_s: int = setting(10, check=between(1, 3600))
    """Seconds between a kubelet's looks at its node's status."""
    max_pods: int = setting(110, check=between(1, 10_000))
    """Pods that one node takes at most; bounded by the addresses of its pod range too."""
    shutdown_grace_period_s: int = setting(10, check=between(0, 3600))
    """Seconds that pods get to end when their host shuts down."""
    graceful_node_shutdown_s: int = setting(0, check=between(0, 86_400))
    """Seconds in which the kubelet ends pods in order when its host shuts down, least important first, as Failed with the reason Terminated
    (`shutdownGracePeriod`); 0: they are only stopped, and begin again with their host."""
    graceful_node_shutdown_critical_s: int = setting(0, check=between(0, 86_400))
    """Of these, the last seconds, which are for critical pods alone (`shutdownGracePeriodCriticalPods`)."""
    eviction_memory_available: str = "100Mi"
    """Free memory of a node below which pods are evicted."""
    system_reserved_memory: str = ""
    """Memory kept from pods for the host's own services, as a quantity; empty means none."""
    extra_args: Mapping[str, str] = field(default_factory=dict)
    """Further kubelet flags, without the leading dashes."""


@dataclass(frozen=True)
class ApiserverSpec:
    extra_args: Mapping[str, str] = field(default_factory=dict)
    """Further kube-apiserver flags, without the leading dashes."""


@dataclass(frozen=True)
class ControllerManagerSpec:
    node_monitor_grace_period_s: int = setting(40, check=between(2, 3600))
    """Seconds a node may be silent before it counts as not ready; at least three kubelet lease periods."""
    node_monitor_period_s: int = setting(5, check=between(1, 3600))
    """Seconds between looks at all nodes' leases."""
    pod_eviction_timeout_s: int = setting(300, check=between(0, 86_400))
    """Seconds that pods without a toleration of their own stay bound to a node that is not ready."""
    sign_certificate_requests: bool = False
    """Whether approved CertificateSigningRequests of Kubernetes' own signers are signed by the cluster's CA. Its key is on the masters then
    (0600, of the daemons' user): who takes a master over may make himself an administrator for as long as the CA is valid."""
    extra_args: Mapping[str, str] = field(default_factory=dict)
    """Further kube-controller-manager flags, without the leading dashes."""


@dataclass(frozen=True)
class SchedulerSpec:
    extra_args: Mapping[str, str] = field(default_factory=dict)
    """Further kube-scheduler flags, without the leading dashes."""


@dataclass(frozen=True)
class CertificatesSpec:
    ca_days: int = setting(3650, check=between(1, 36_500))
    """Days that certificate authorities are valid."""
    leaf_days: int = setting(365, check=between(1, 36_500))
    """Days that all other certificates are valid."""
    renew_before_days: int = setting(30, check=between(0, 36_500))
    """A certificate with fewer days left is renewed by the next run."""


@dataclass(frozen=True)
class ClusterSpec:
    """Everything about the cluster that the inventory may say."""

    name: str = setting("cluster", check=is_dns_label)
    """Name of the cluster: its context in kubeconfig and the folder of its state."""
    domain: str = setting("cluster.local", check=is_dns_name)
    """DNS domain of Services and pods."""
    service_cidr: str = setting("10.96.0.0/16", check=is_cidr)
    """Network of Services' virtual addresses; the first address is the API server's own Service."""
    pod_cidr: str = setting("10.244.0.0/16", check=is_cidr)
    """Network of all pods; each node gets a part of it."""
    node_cidr_prefix: int = setting(24, check=between(8, 126))
    """Prefix length of one node's part of `pod_cidr`; 24 gives 254 pod addresses a node and 256 nodes in a /16."""
    node_port_range: str = setting("30000-32767", check=is_port_range)
    """Ports on every node that Services of type NodePort get."""
    version: str = ""
    """Release to install, as `provision status` names it, to go back to one that was built here before; empty means the code this
    command was started from."""
    api_endpoint: str = setting("", check=lambda v: is_endpoint(v) if v else None)
    """host:port at which clients and nodes reach the API; empty means port 6443 of the first master."""
    api_sans: tuple[str, ...] = ()
    """Further names and addresses in the API server's certificate."""
    dns: DnsSpec = field(default_factory=DnsSpec)
    """The cluster's name server."""
    metrics: MetricsSpec = field(default_factory=MetricsSpec)
    """What nodes and pods use."""
    proxy: ProxySpec = field(default_factory=ProxySpec)
    """How Services reach pods."""
    network: NetworkSpec = field(default_factory=NetworkSpec)
    """How pods reach pods."""
    images: tuple[str, ...] = ()
    """Image archives (docker save format) that are loaded on every worker; paths are relative to the inventory."""
    registry: RegistrySpec = field(default_factory=RegistrySpec)
    """Where images come from."""
    packages: PackagesSpec = field(default_factory=PackagesSpec)
    """Where Debian packages come from."""
    apiserver: ApiserverSpec = field(default_factory=ApiserverSpec)
    """The API server on each master."""
    controller_manager: ControllerManagerSpec = field(default_factory=ControllerManagerSpec)
    """The controllers on each master."""
    scheduler: SchedulerSpec = field(default_factory=SchedulerSpec)
    """The scheduler on each master."""
    kubelet: KubeletSpec = field(default_factory=KubeletSpec)
    """The kubelet on each worker."""
    certificates: CertificatesSpec = field(default_factory=CertificatesSpec)
    """How long certificates live."""
