"""Defaults of services. Cluster IPs and node ports are allocated by the API server, not here."""

from __future__ import annotations

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.defaults import default


def service(obj: core_v1.Service) -> None:
    spec = obj.spec
    default(spec, type="ClusterIP", session_affinity="None")
    if spec.session_affinity == "ClientIP":
        if spec.session_affinity_config is None:
            spec.session_affinity_config = core_v1.SessionAffinityConfig()
        if spec.session_affinity_config.client_ip is None:
            spec.session_affinity_config.client_ip = core_v1.ClientIPConfig()
        default(spec.session_affinity_config.client_ip, timeout_seconds=10800)
    for port in spec.ports or ():
        default(port, protocol="TCP")
        if port.target_port in (None, 0, ""):
            port.target_port = port.port
    if spec.type in ("NodePort", "LoadBalancer"):
        default(spec, external_traffic_policy="Cluster")
    if spec.type == "LoadBalancer":
        default(spec, allocate_load_balancer_node_ports=True)
    if spec.type != "ExternalName":
        default(spec, internal_traffic_policy="Cluster", ip_family_policy="SingleStack", ip_families=["IPv4"])
    if obj.status.load_balancer is None:
        obj.status.load_balancer = core_v1.LoadBalancerStatus()
