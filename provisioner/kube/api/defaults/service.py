"""Defaults of services, endpoints and slices. Cluster IPs and node ports are allocated by the API server, not here."""

from __future__ import annotations

from provisioner.kube.api._generated import core_v1, discovery_v1
from provisioner.kube.api.defaults import default, default_text

# Three hours.
AFFINITY_TIMEOUT_S = 3 * 3600


def service(obj: core_v1.Service) -> None:
    spec = obj.spec
    default_text(spec, type="ClusterIP", session_affinity="None")
    if spec.session_affinity == "None":
        spec.session_affinity_config = None
    elif spec.session_affinity == "ClientIP":
        affinity = spec.session_affinity_config
        if affinity is None or affinity.client_ip is None or affinity.client_ip.timeout_seconds is None:
            spec.session_affinity_config = core_v1.SessionAffinityConfig(
                client_ip=core_v1.ClientIPConfig(timeout_seconds=AFFINITY_TIMEOUT_S)
            )
    for port in spec.ports or ():
        default_text(port, protocol="TCP")
        if port.target_port in (None, 0, ""):
            port.target_port = port.port
    if spec.type in ("NodePort", "LoadBalancer") or (spec.type == "ClusterIP" and spec.external_ips):
        default_text(spec, external_traffic_policy="Cluster")
    if spec.type == "LoadBalancer":
        default(spec, allocate_load_balancer_node_ports=True)
    if spec.type != "ExternalName":
        default(spec, internal_traffic_policy="Cluster", ip_family_policy="SingleStack", ip_families=["IPv4"])
    if obj.status.load_balancer is None:
        obj.status.load_balancer = core_v1.LoadBalancerStatus()
    for point in obj.status.load_balancer.ingress or ():
        if spec.type == "LoadBalancer" and point.ip:
            default(point, ip_mode="VIP")


def endpoints(obj: core_v1.Endpoints) -> None:
    for subset in obj.subsets or ():
        for port in subset.ports or ():
            default_text(port, protocol="TCP")


def endpointslice(obj: discovery_v1.EndpointSlice) -> None:
    for port in obj.ports or ():
        default(port, name="", protocol="TCP")
