"""Which certificates a cluster has: names, groups and alternative names, decided without any I/O.

The names follow the Kubernetes documentation "PKI certificates and requirements" and RBAC's built-in subjects.
"""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field


class Authority(enum.Enum):
    """The three trust domains; the value is the file's path below pki/, without its suffix."""

    CLUSTER = "ca"
    ETCD = "etcd/ca"
    FRONT_PROXY = "front-proxy-ca"

    @property
    def common_name(self) -> str:
        return {"CLUSTER": "kubernetes-ca", "ETCD": "etcd-ca", "FRONT_PROXY": "kubernetes-front-proxy-ca"}[self.name]


class Usage(enum.Flag):
    """What the holder does with the certificate."""

    CLIENT = enum.auto()
    SERVER = enum.auto()


@dataclass(frozen=True)
class Lifetimes:
    """Days. Leaves are renewed by the first run that finds fewer than `renew_before_days` left."""

    ca_days: int = 3650
    leaf_days: int = 365
    renew_before_days: int = 90


@dataclass(frozen=True)
class HostNames:
    """One host: its name in the cluster, and every other name or address it is reached by."""

    name: str
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class PkiPlan:
    """Everything the certificates depend on. `api_names` are names and addresses of the API server besides the masters' own."""

    cluster: str
    masters: tuple[HostNames, ...]
    etcd: tuple[HostNames, ...]
    nodes: tuple[HostNames, ...]
    domain: str = "cluster.local"
    service_cidr: str = "10.96.0.0/16"
    api_names: tuple[str, ...] = ()
    lifetimes: Lifetimes = field(default_factory=Lifetimes)


@dataclass(frozen=True)
class Leaf:
    """One certificate and its key, at `pki/<path>.crt` and `.key`. Names and addresses are sorted, so that equal means equal."""

    path: str
    authority: Authority
    common_name: str
    usage: Usage
    organization: str = ""
    dns_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


def host_path(host: str, name: str) -> str:
    """Where a host's own leaf lies below pki/; the part after the host's name is its path below the host's /etc/kubernetes/pki."""
    return f"hosts/{host}/{name}"


def leaves(plan: PkiPlan) -> tuple[Leaf, ...]:
    """Every leaf of the cluster, in a stable order."""
    found = [_client("admin", "kubernetes-admin", "system:masters")]
    for host in plan.masters:
        found += _master_leaves(plan, host)
    for host in plan.etcd:
        found += _etcd_leaves(host)
    for host in plan.nodes:
        found += _node_leaves(host)
    return tuple(found)


def first_service_address(service_cidr: str) -> str:
    """The address of the `kubernetes` service: the range's first, as the API server takes it."""
    return str(ipaddress.ip_network(service_cidr)[1])


def _client(path: str, common_name: str, organization: str = "", authority: Authority = Authority.CLUSTER) -> Leaf:
    return Leaf(path, authority, common_name, Usage.CLIENT, organization)


def _served(path: str, authority: Authority, common_name: str, usage: Usage, names: Iterable[str], organization: str = "") -> Leaf:
    dns_names, addresses = set(), set()
    for name in names:
        try:
            addresses.add(str(ipaddress.ip_address(name)))
        except ValueError:
            dns_names.add(name)
    return Leaf(path, authority, common_name, usage, organization, tuple(sorted(dns_names)), tuple(sorted(addresses)))


def _master_leaves(plan: PkiPlan, host: HostNames) -> list[Leaf]:
    names = ["localhost", "127.0.0.1", "kubernetes", "kubernetes.default", "kubernetes.default.svc"]
    names += [f"kubernetes.default.svc.{plan.domain}", first_service_address(plan.service_cidr), *plan.api_names]
    for master in plan.masters:
        names += [master.name, *master.addresses]
    at = host.name
    return [
        _served(host_path(at, "apiserver"), Authority.CLUSTER, "kube-apiserver", Usage.SERVER, names),
        _client(host_path(at, "apiserver-etcd-client"), "kube-apiserver-etcd-client", authority=Authority.ETCD),
        _client(host_path(at, "apiserver-kubelet-client"), "kube-apiserver-kubelet-client", "system:masters"),
        _client(host_path(at, "front-proxy-client"), "front-proxy-client", authority=Authority.FRONT_PROXY),
        _client(host_path(at, "controller-manager"), "system:kube-controller-manager"),
        _client(host_path(at, "scheduler"), "system:kube-scheduler"),
        _client(host_path(at, "kube-dns"), "system:kube-dns"),
        _client(host_path(at, "admin"), "kubernetes-admin", "system:masters"),
    ]


def _etcd_leaves(host: HostNames) -> list[Leaf]:
    names = [host.name, *host.addresses, "localhost", "127.0.0.1"]
    both = Usage.CLIENT | Usage.SERVER  # etcd's own gateway dials itself with its server certificate
    return [
        _served(host_path(host.name, "etcd/server"), Authority.ETCD, host.name, both, names),
        _served(host_path(host.name, "etcd/peer"), Authority.ETCD, host.name, both, names),
    ]


def _node_leaves(host: HostNames) -> list[Leaf]:
    user = f"system:node:{host.name}"
    return [
        _client(host_path(host.name, "kubelet"), user, "system:nodes"),
        _served(
            host_path(host.name, "kubelet-server"),
            Authority.CLUSTER,
            user,
            Usage.SERVER,
            [host.name, *host.addresses, "localhost", "127.0.0.1"],
            "system:nodes",
        ),
        _client(host_path(host.name, "kube-proxy"), "system:kube-proxy"),
    ]
