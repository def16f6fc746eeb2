"""Services: ports, names, types; a cluster IP stays what it is."""

from __future__ import annotations

from provisioner.kube.api import errors, names
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.checks import Once, one_of
from provisioner.kube.api.validation.containers import PROTOCOLS

TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
POLICIES = ("Cluster", "Local")
FAMILY_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
DISTRIBUTIONS = ("PreferClose", "PreferSameNode", "PreferSameZone")
# As services told it before there was a field.
RANGES_ANNOTATION = "service.beta.kubernetes.io/load-balancer-source-ranges"
# One day.
MAX_AFFINITY_S = 86400


def create(obj: core_v1.Service) -> list[FieldError]:
    """In upstream's order."""
    spec = obj.spec
    headless = spec.cluster_ip == "None"
    problems = [] if spec.ports or headless or spec.type == "ExternalName" else [errors.required("spec.ports")]
    if spec.type == "ExternalName":
        problems += _external(spec)
    elif spec.type == "LoadBalancer" and headless:
        message = "may not be set to 'None' for LoadBalancer services"
        problems.append(errors.invalid_value("spec.clusterIPs[0]", "None", message))
    elif spec.type == "NodePort" and headless:
        problems.append(errors.invalid_value("spec.clusterIPs[0]", "None", "may not be set to 'None' for NodePort services"))
    problems += _ports(spec) + checks.label_map("spec.selector", spec.selector) + _affinity(spec) + _families(spec)
    for index, given in enumerate(spec.external_ips or ()):
        problems += checks.address(f"spec.externalIPs[{index}]", given) or checks.reachable(f"spec.externalIPs[{index}]", given)
    problems += one_of("spec.type", spec.type, TYPES) + _doubled_ports(spec) + _sources(obj)
    return (
        problems
        + _balancing(spec)
        + _policies(spec)
        + one_of("spec.trafficDistribution", spec.traffic_distribution, DISTRIBUTIONS, optional=True)
    )


def _affinity(spec: core_v1.ServiceSpec) -> list[FieldError]:
    problems = one_of("spec.sessionAffinity", spec.session_affinity, ("ClientIP", "None"))
    found, where = spec.session_affinity_config, "spec.sessionAffinityConfig"
    if spec.session_affinity == "None" and found is not None:
        problems.append(errors.forbidden_field(where, "must not be set when session affinity is None"))
    if spec.session_affinity == "ClientIP" and found is not None and found.client_ip is not None:
        seconds = found.client_ip.timeout_seconds
        if seconds is not None and not 0 < seconds <= MAX_AFFINITY_S:
            message = f"must be greater than 0 and less than {MAX_AFFINITY_S}"
            problems.append(errors.invalid_value(f"{where}.clientIP.timeoutSeconds", seconds, message))
    return problems


def _sources(obj: core_v1.Service) -> list[FieldError]:
    """Where a balancer is reached from: by the field, or by the annotation that was there before."""
    ranges, where = obj.spec.load_balancer_source_ranges or [], "spec.LoadBalancerSourceRanges"
    told = (obj.metadata.annotations or {}).get(RANGES_ANNOTATION)
    paths = [f"{where}[{index}]" for index in range(len(ranges))]
    if not ranges and told is not None:
        where = f"metadata.annotations[{RANGES_ANNOTATION}]"
        ranges = told.split(",") if told.strip() else []
        paths = [where] * len(ranges)
    elif not ranges:
        return []
    message = "may only be used when `type` is 'LoadBalancer'"
    problems = [] if obj.spec.type == "LoadBalancer" else [errors.forbidden_field(where, message)]
    for path, source in zip(paths, ranges, strict=True):
        problems += checks.network(path, source.strip())
    return problems


def _external(spec: core_v1.ServiceSpec) -> list[FieldError]:
    message = "may not be set for ExternalName services"
    given = (
        ("clusterIPs", spec.cluster_ip or spec.cluster_ips),
        ("ipFamilies", spec.ip_families),
        ("ipFamilyPolicy", spec.ip_family_policy),
    )
    problems = [errors.forbidden_field(f"spec.{name}", message) for name, value in given if value]
    name = (spec.external_name or "").removesuffix(".")
    if not name:
        return [*problems, errors.required("spec.externalName")]
    return problems + checks.named("spec.externalName", name, names.is_dns_subdomain)


def _families(spec: core_v1.ServiceSpec) -> list[FieldError]:
    problems = one_of("spec.ipFamilyPolicy", spec.ip_family_policy, FAMILY_POLICIES, optional=True)
    seen = Once()
    for index, family in enumerate(spec.ip_families or ()):
        problems += one_of(f"spec.ipFamilies[{index}]", family, ("IPv4", "IPv6")) + seen.add(f"spec.ipFamilies[{index}]", family)
    if len(spec.ip_families or ()) > 2:
        problems.append(errors.invalid_value("spec.ipFamilies", spec.ip_families, "may only hold up to 2 values"))
    addresses = spec.cluster_ips or []
    if len(addresses) > 2:
        problems.append(errors.invalid_value("spec.clusterIPs", addresses, "may only hold up to 2 values"))
    if spec.cluster_ip and addresses and addresses[0] != spec.cluster_ip:
        problems.append(errors.invalid_value("spec.clusterIPs", addresses, "first value must match `clusterIP`"))
    if spec.cluster_ip and spec.cluster_ip != "None":
        problems += checks.address("spec.clusterIPs[0]", spec.cluster_ip)
    return problems


def _balancing(spec: core_v1.ServiceSpec) -> list[FieldError]:
    """What only load balancers have."""
    problems = []
    if spec.type != "LoadBalancer":
        for name, value in (
            ("allocateLoadBalancerNodePorts", spec.allocate_load_balancer_node_ports),
            ("loadBalancerClass", spec.load_balancer_class),
        ):
            if value is not None:
                problems.append(errors.forbidden_field(f"spec.{name}", "may only be used when `type` is 'LoadBalancer'"))
    if spec.load_balancer_class:
        problems += [
            errors.invalid_value("spec.loadBalancerClass", spec.load_balancer_class, m)
            for m in names.is_qualified_name(spec.load_balancer_class)
        ]
    return problems


def _policies(spec: core_v1.ServiceSpec) -> list[FieldError]:
    problems: list[FieldError] = []
    reachable = spec.type in ("NodePort", "LoadBalancer") or bool(spec.external_ips)
    if spec.external_traffic_policy and not reachable:
        message = "may only be set for externally-accessible services"
        problems.append(errors.invalid_value("spec.externalTrafficPolicy", spec.external_traffic_policy, message))
    else:
        problems += one_of("spec.externalTrafficPolicy", spec.external_traffic_policy, POLICIES, optional=True)
    if spec.health_check_node_port and not _has_check(spec):
        message = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        problems.append(errors.invalid_value("spec.healthCheckNodePort", spec.health_check_node_port, message))
    return problems + one_of("spec.internalTrafficPolicy", spec.internal_traffic_policy, POLICIES, optional=True)


def _ports(spec: core_v1.ServiceSpec) -> list[FieldError]:
    problems = []
    many = len(spec.ports or ()) > 1
    by_name = Once()
    for index, port in enumerate(spec.ports or ()):
        where = f"spec.ports[{index}]"
        if port.name:
            problems += checks.named(f"{where}.name", port.name, names.is_dns_label) + by_name.add(f"{where}.name", port.name)
        elif many:
            problems.append(errors.required(f"{where}.name"))
        problems += checks.port(f"{where}.port", port.port)
        problems += one_of(f"{where}.protocol", port.protocol, PROTOCOLS)
        problems += checks.port_or_name(f"{where}.targetPort", port.target_port)
        if port.app_protocol is not None:
            wrong = names.is_qualified_name(port.app_protocol)
            problems += [errors.invalid_value(f"{where}.appProtocol", port.app_protocol, message) for message in wrong]
    return problems


def _doubled_ports(spec: core_v1.ServiceSpec) -> list[FieldError]:
    ports = [(f"spec.ports[{index}]", port) for index, port in enumerate(spec.ports or ())]
    problems = [
        errors.forbidden_field(f"{where}.nodePort", f"may not be used when `type` is '{spec.type}'")
        for where, port in ports
        if port.node_port and spec.type in ("ClusterIP", "ExternalName")
    ]
    by_port, by_node_port = Once(), Once()
    for where, port in ports:
        if port.node_port:
            problems += by_node_port.add(f"{where}.nodePort", (port.node_port, port.protocol), port.node_port)
    for where, port in ports:
        problems += by_port.add(where, (port.port, port.protocol), {"port": port.port, "protocol": port.protocol})
    return problems


def update(new: core_v1.Service, old: core_v1.Service) -> list[FieldError]:
    problems: list[FieldError] = []
    if "ExternalName" not in (new.spec.type, old.spec.type) and old.spec.cluster_ip and new.spec.cluster_ip != old.spec.cluster_ip:
        problems.append(errors.invalid_value("spec.clusterIPs[0]", new.spec.cluster_ips, "may not change once set"))
    if _has_check(new.spec) and _has_check(old.spec):
        before, after = old.spec.health_check_node_port, new.spec.health_check_node_port
        problems += checks.forbidden_change("spec.healthCheckNodePort", after, before, checks.IMMUTABLE)
    if old.spec.load_balancer_class and new.spec.type == "LoadBalancer" == old.spec.type:
        message = "may not change once set"
        problems += checks.unchanged("spec.loadBalancerClass", new.spec.load_balancer_class, old.spec.load_balancer_class, message)
    return problems


def _has_check(spec: core_v1.ServiceSpec) -> bool:
    """Whether nodes tell load balancers if they have endpoints of it."""
    return spec.type == "LoadBalancer" and spec.external_traffic_policy == "Local"
