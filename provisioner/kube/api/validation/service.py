"""Services: ports, names, types; a cluster IP stays what it is."""

from __future__ import annotations

from provisioner.kube.api import errors, names
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation.pod import PROTOCOLS, port_number

TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")


def create(obj: core_v1.Service) -> list[FieldError]:
    spec, problems = obj.spec, []
    headless = spec.cluster_ip == "None"
    if spec.type not in TYPES:
        problems.append(errors.not_supported("spec.type", spec.type, TYPES))
    if not spec.ports and not headless and spec.type != "ExternalName":
        problems.append(errors.required("spec.ports"))
    if spec.type == "ExternalName" and not spec.external_name:
        problems.append(errors.required("spec.externalName"))
    if spec.session_affinity not in ("ClientIP", "None"):
        problems.append(errors.not_supported("spec.sessionAffinity", spec.session_affinity, ("ClientIP", "None")))
    many = len(spec.ports or ()) > 1
    seen: set[str] = set()
    pairs: set[tuple[int | None, str | None]] = set()
    for index, port in enumerate(spec.ports or ()):
        where = f"spec.ports[{index}]"
        if many and not port.name:
            problems.append(errors.required(f"{where}.name"))
        elif port.name:
            problems += [errors.invalid_value(f"{where}.name", port.name, message) for message in names.is_dns_label(port.name)]
            if port.name in seen:
                problems.append(errors.duplicate(f"{where}.name", port.name))
            seen.add(port.name)
        problems += port_number(port.port or 0, f"{where}.port")
        if port.protocol not in PROTOCOLS:
            problems.append(errors.not_supported(f"{where}.protocol", port.protocol, PROTOCOLS))
        if isinstance(port.target_port, int):
            problems += port_number(port.target_port, f"{where}.targetPort")
        elif port.target_port:
            problems += [
                errors.invalid_value(f"{where}.targetPort", port.target_port, message) for message in names.is_port_name(port.target_port)
            ]
        if (port.port, port.protocol) in pairs:
            problems.append(errors.duplicate(where, {"port": port.port, "protocol": port.protocol}))
        pairs.add((port.port, port.protocol))
        if port.node_port and spec.type == "ClusterIP":
            problems.append(errors.forbidden_field(f"{where}.nodePort", "may not be used when `type` is 'ClusterIP'"))
    for key, value in (spec.selector or {}).items():
        problems += [errors.invalid_value("spec.selector", value, message) for message in names.is_label_value(value) if key]
    return problems


def update(new: core_v1.Service, old: core_v1.Service) -> list[FieldError]:
    if old.spec.type == "ExternalName" or new.spec.type == "ExternalName" or not old.spec.cluster_ip:
        return []
    if new.spec.cluster_ip != old.spec.cluster_ip:
        return [errors.invalid_value("spec.clusterIPs[0]", new.spec.cluster_ips, "may not change once set")]
    return []
