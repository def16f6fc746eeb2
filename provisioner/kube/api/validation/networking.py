"""Ingresses, their classes, and network policies."""

from __future__ import annotations

import ipaddress
from typing import Any

from provisioner.kube.api import errors, names
from provisioner.kube.api._generated import networking_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.checks import label_selector, named, needed, one_of
from provisioner.kube.api.validation.containers import PROTOCOLS

PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
# What a path that is compared segment by segment can't hold, nor end with.
_BAD_IN_PATHS, _BAD_ENDS = ("//", "/./", "/../", "%2f", "%2F"), ("/..", "/.")
_WILDCARD = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric "
    "characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is "
    r"'\*\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
MAX_CONTROLLER = 250
# Where an Ingress named its class before there was a field for it.
CLASS_ANNOTATION = "kubernetes.io/ingress.class"


def create(obj: Any) -> list[FieldError]:
    kind = type(obj).KIND
    if kind == "Ingress":
        return always(obj) + _class_twice(obj)
    return _class(obj.spec) if kind == "IngressClass" else _policy(obj.spec)


def always(obj: Any) -> list[FieldError]:
    return _ingress(obj.spec) if type(obj).KIND == "Ingress" else create(obj)


def _class_twice(obj: networking_v1.Ingress) -> list[FieldError]:
    given = (obj.metadata.annotations or {}).get(CLASS_ANNOTATION)
    if given is None or obj.spec.ingress_class_name in (None, given):
        return []
    return [errors.invalid_value(f"annotations.{CLASS_ANNOTATION}", given, "must match `ingressClassName` when both are specified")]


def _ingress(spec: networking_v1.IngressSpec) -> list[FieldError]:
    problems = []
    if not spec.rules and spec.default_backend is None:
        message = "Invalid value: null: either `defaultBackend` or `rules` must be specified"
        problems.append(FieldError("FieldValueInvalid", "spec", message))
    if spec.default_backend is not None:
        problems += _backend(spec.default_backend, "spec.defaultBackend")
    for index, rule in enumerate(spec.rules or ()):
        where = f"spec.rules[{index}]"
        if rule.host and _is_address(rule.host):
            problems.append(errors.invalid_value(f"{where}.host", rule.host, "must be a DNS name, not an IP address"))
        problems += _host(rule.host, f"{where}.host")
        if rule.http is not None:
            problems += needed(f"{where}.http.paths", rule.http.paths)
        for number, path in enumerate((rule.http.paths or ()) if rule.http is not None else ()):
            problems += _path(path, f"{where}.http.paths[{number}]")
    for index, tls in enumerate(spec.tls or ()):
        for number, host in enumerate(tls.hosts or ()):
            problems += _host(host, f"spec.tls[{index}].hosts[{number}]")
        problems += named(f"spec.tls[{index}].secretName", tls.secret_name, names.is_dns_subdomain)
    if spec.ingress_class_name is not None:
        name = spec.ingress_class_name
        problems += [errors.invalid_value("spec.ingressClassName", name, message) for message in names.is_dns_subdomain(name)]
    return problems


def _is_address(host: str) -> bool:
    return not checks.address("", checks.without_zeros(host))


def _host(host: str | None, path: str) -> list[FieldError]:
    if not host or "*" not in host:
        return named(path, host, names.is_dns_subdomain)
    right = host.startswith("*.") and not names.is_dns_subdomain(host[2:])
    return [] if right else [errors.invalid_value(path, host, _WILDCARD)]


def _path(found: networking_v1.HTTPIngressPath, path: str) -> list[FieldError]:
    if found.path_type is None:
        return [errors.required(f"{path}.pathType", "pathType must be specified")]
    problems = []
    text = found.path or ""
    if found.path_type not in PATH_TYPES:
        problems.append(errors.not_supported(f"{path}.pathType", found.path_type, PATH_TYPES))
    elif not text.startswith("/") and (text or found.path_type != "ImplementationSpecific"):
        problems.append(errors.invalid_value(f"{path}.path", text, "must be an absolute path"))
    if found.path_type in ("Exact", "Prefix"):
        problems += [errors.invalid_value(f"{path}.path", text, f"must not contain '{bad}'") for bad in _BAD_IN_PATHS if bad in text]
        problems += [errors.invalid_value(f"{path}.path", text, f"cannot end with '{bad}'") for bad in _BAD_ENDS if text.endswith(bad)]
    return problems + _backend(found.backend or networking_v1.IngressBackend(), f"{path}.backend")


def _backend(found: networking_v1.IngressBackend, path: str) -> list[FieldError]:
    service = found.service
    if service is not None and found.resource is not None:
        return [errors.invalid_value(path, "", "cannot set both resource and service backends")]
    if found.resource is not None:
        return _reference(found.resource, f"{path}.resource")
    if service is None:
        return [errors.invalid_value(path, "", "resource or service backend is required")]
    problems = checks.name_needed(f"{path}.service.name", service.name, names.is_dns_label)
    port = service.port
    if port is None or not (port.name or port.number):
        return [*problems, errors.required(f"{path}", "port name or number is required")]
    if port.name and port.number:
        return [*problems, errors.invalid_value(path, "", "cannot set both port name & port number")]
    if port.name:
        return problems + named(f"{path}.service.port.name", port.name, names.is_port_name)
    return problems + checks.port(f"{path}.service.port.number", port.number)


def _reference(found: Any, path: str) -> list[FieldError]:
    """To an object of any kind: its API group, kind and name."""
    problems = []
    if found.api_group is not None:
        group = found.api_group
        problems += [errors.invalid_value(f"{path}.apiGroup", group, message) for message in names.is_dns_subdomain(group)]
    problems += checks.name_needed(f"{path}.kind", found.kind, names.is_path_segment)
    return problems + checks.name_needed(f"{path}.name", found.name, names.is_path_segment)


def _class(spec: networking_v1.IngressClassSpec) -> list[FieldError]:
    controller = spec.controller or ""
    problems = needed("spec.controller", controller)
    if controller:
        if len(controller) > MAX_CONTROLLER:
            problems.append(errors.too_long("spec.controller", MAX_CONTROLLER))
        problems += checks.domain_path("spec.controller", controller)
    given, where = spec.parameters, "spec.parameters"
    if given is None:
        return problems
    problems += _reference(given, where) + one_of(f"{where}.scope", given.scope, ("Cluster", "Namespace"))
    if given.scope == "Namespace":
        if given.namespace is None:
            problems.append(errors.required(f"{where}.namespace", "`parameters.scope` is set to 'Namespace'"))
        else:
            name = given.namespace
            problems += [errors.invalid_value(f"{where}.namespace", name, message) for message in names.is_dns_label(name)]
    elif given.scope == "Cluster" and given.namespace is not None:
        problems.append(errors.forbidden_field(f"{where}.namespace", "`parameters.scope` is set to 'Cluster'"))
    return problems


def _policy(spec: networking_v1.NetworkPolicySpec) -> list[FieldError]:
    problems = label_selector("spec.podSelector", spec.pod_selector)
    directions: tuple[tuple[str, list[Any] | None, str], ...] = (("ingress", spec.ingress, "from_"), ("egress", spec.egress, "to"))
    for name, rules, attribute in directions:
        for index, rule in enumerate(rules or ()):
            where = f"spec.{name}[{index}]"
            for number, port in enumerate(rule.ports or ()):
                problems += _policy_port(port, f"{where}.ports[{number}]")
            for number, peer in enumerate(getattr(rule, attribute) or ()):
                problems += _peer(peer, f"{where}.{attribute.rstrip('_')}[{number}]")
    if len(spec.policy_types or ()) > 2:
        return [*problems, errors.invalid_value("spec.policyTypes", spec.policy_types, "may not specify more than two policyTypes")]
    for index, kind in enumerate(spec.policy_types or ()):
        if kind not in ("Ingress", "Egress"):
            problems.append(errors.not_supported(f"spec.policyTypes[{index}]", kind, ("Ingress", "Egress")))
    return problems


def _policy_port(port: networking_v1.NetworkPolicyPort, path: str) -> list[FieldError]:
    problems = []
    if port.protocol is not None and port.protocol not in PROTOCOLS:
        problems.append(errors.not_supported(f"{path}.protocol", port.protocol, ("TCP", "UDP", "SCTP")))
    number, last, where = port.port, port.end_port, f"{path}.endPort"
    if number is None:
        return (
            problems
            if last is None
            else [*problems, errors.invalid_value(where, last, "may not be specified when `port` is not specified")]
        )
    if isinstance(number, str):
        if last is not None:
            problems.append(errors.invalid_value(where, last, "may not be specified when `port` is non-numeric"))
        return problems + [errors.invalid_value(f"{path}.port", number, message) for message in names.is_port_name(number)]
    problems += checks.port(f"{path}.port", number)
    if last is not None:
        if last < number:
            problems.append(errors.invalid_value(where, last, "must be greater than or equal to `port`"))
        problems += checks.port(where, last)
    return problems


def _peer(peer: networking_v1.NetworkPolicyPeer, path: str) -> list[FieldError]:
    problems = label_selector(f"{path}.podSelector", peer.pod_selector)
    problems += label_selector(f"{path}.namespaceSelector", peer.namespace_selector)
    if peer.ip_block is not None:
        problems += _block(peer.ip_block, f"{path}.ipBlock")
    others = peer.pod_selector is not None or peer.namespace_selector is not None
    if peer.ip_block is None and not others:
        problems.append(errors.required(path, "must specify a peer"))
    elif peer.ip_block is not None and others:
        problems.append(errors.forbidden_field(path, "may not specify both ipBlock and another peer"))
    return problems


def _block(block: networking_v1.IPBlock, path: str) -> list[FieldError]:
    if not block.cidr:
        return [errors.required(f"{path}.cidr")]
    problems = checks.network(f"{path}.cidr", block.cidr)
    if problems:
        return problems
    outer = ipaddress.ip_network(block.cidr, strict=False)
    for index, excluded in enumerate(block.except_ or ()):
        where = f"{path}.except[{index}]"
        wrong = checks.network(where, excluded)
        problems += wrong
        if wrong:
            continue
        inner = ipaddress.ip_network(excluded, strict=False)
        if inner == outer or inner.version != outer.version or not inner.subnet_of(outer):  # type: ignore[arg-type]
            problems.append(errors.invalid_value(where, excluded, "must be a strict subset of `cidr`"))
    return problems


def update(new: Any, old: Any) -> list[FieldError]:
    return checks.unchanged("spec.controller", new.spec.controller, old.spec.controller) if type(new).KIND == "IngressClass" else []
