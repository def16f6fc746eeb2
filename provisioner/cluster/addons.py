"""Objects that a new cluster starts with: the cluster DNS service, where it answers, and what the name server may read. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from provisioner.cluster.topology import Topology, dns_address
from provisioner.inventory.cluster_spec import ClusterSpec

Object = dict[str, Any]
RBAC = "rbac.authorization.k8s.io"
LABELS = {"k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true"}


def objects(spec: ClusterSpec, topology: Topology) -> list[dict[str, Any]]:
    """`{"path": the collection's path in the API, "object": …}` for each, in the order they are made."""
    system = "/api/v1/namespaces/kube-system"
    rbac = f"/apis/{RBAC}/v1"
    if not spec.dns.enabled:
        return []
    return [
        {"path": f"{rbac}/clusterroles", "object": _role()},
        {"path": f"{rbac}/clusterrolebindings", "object": _binding("provision:kube-dns", "provision:kube-dns", "system:kube-dns")},
        {"path": f"{system}/services", "object": _service(dns_address(spec))},
        {
            "path": "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices",
            "object": _slice([topology.addresses[name] for name in topology.masters]),
        },
    ]


def _role() -> Object:
    rules = [
        {"apiGroups": [""], "resources": ["services", "pods", "namespaces", "endpoints"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["get", "list", "watch"]},
    ]
    return {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": "provision:kube-dns"}, "rules": rules}


def _binding(name: str, role: str, user: str) -> Object:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}],
    }


def _ports(target: bool) -> Sequence[Mapping[str, Any]]:
    ports: list[dict[str, Any]] = [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53, "protocol": "TCP"}]
    return [{**port, "targetPort": 53} for port in ports] if target else ports


def _service(address: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": "kube-system", "labels": LABELS},
        # No selector: the name server runs on the masters themselves, and the slice below says where.
        "spec": {"clusterIP": address, "ports": list(_ports(True))},
    }


def _slice(addresses: Sequence[str]) -> Object:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "kube-dns",
            "namespace": "kube-system",
            "labels": {**LABELS, "kubernetes.io/service-name": "kube-dns", "endpointslice.kubernetes.io/managed-by": "provision"},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in addresses],
        "ports": list(_ports(False)),
    }
