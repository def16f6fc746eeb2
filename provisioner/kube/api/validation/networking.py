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
# What a path that is compared segment by segment can't hold.
_BAD_IN_PATHS = ("//", "/./", "/../", "%2f", "%2F")
MAX_CONTROLLER = 250
# Where an Ingress named its class before there was a field for it.
CLASS_ANNOTATION = "kubernetes.io/ingress.class"


def create(obj: Any) -> list[FieldError]:
    kind = type(obj).KIND
    if kind == "Ingress":
        return _class_twice(obj) + always(obj)
    return _class(obj.spec) if kind == "IngressClass" else _policy(obj.spec)


def always(obj: Any) -> list[FieldError]:
    return _ingress(obj.spec) if type(obj).KIND == "Ingress" else create(obj)


def _class_twice(obj: networking_v1.Ingress) -> list[FieldError]:
    given = (obj.metadata.annotations or {}).get(CLASS_ANNOTATION)
    if given is None or obj.spec.ingress_class_name is None:
        return []
    return [errors.invalid_value(f"annotations.{CLASS_ANNOTATION}", given, "can not be set when the class field is also set")]


def _ingress(spec: networking_v1.IngressSpec) -> list[FieldError]:
    problems = []
    if not spec.rules and spec.default_backend is None:
        message = "Invalid value: null: either `defaultBackend` or `rules` must be specified"
        problems.append(FieldError("FieldValueInvalid", "spec", message))
    if spec.default_backend is not None:
        problems += _backend(spec.default_backend, "spec.defaultBackend")
    for index, tls in enumerate(spec.tls or ()):
        for number, host in enumerate(tls.hosts or ()):
            problems += _host(host, f"spec.tls[{index}].hosts[{number}]")
        problems += named(f"spec.tls[{index}].secretName", tls.secret_name, names.is_dns_subdomain)
    problems += named("spec.ingressClassName", spec.ingress_class_name, names.is_dns_subdomain)
    for index, rule in enumerate(spec.rules or ()):
        where = f"spec.rules[{index}]"
        problems += _host(rule.host, f"{where}.host")
        if rule.http is not None:
            problems += needed(f"{where}.http.paths", rule.http.paths)
        for number, path in enumerate((rule.http.paths or ()) if rule.http is not None else ()):
            problems += _path(path, f"{where}.http.paths[{number}]")
    return problems


def _host(host: str | None, path: str) -> list[FieldError]:
    if not host:
        return []
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if "*" in host:
            if host.startswith("*.") and not names.is_dns_subdomain(host[2:]):
                return []
            message = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain"
            return [errors.invalid_value(path, host, message)]
        return named(path, host, names.is_dns_subdomain)
    return [errors.invalid_value(path, host, "must be a DNS name, not an IP address")]


def _path(found: networking_v1.HTTPIngressPath, path: str) -> list[FieldError]:
    if found.path_type is None:
        return [errors.required(f"{path}.pathType", "pathType must be specified")]
    problems = one_of(f"{path}.pathType", found.path_type, PATH_TYPES)
    text = found.path or ""
    if found.path_type in ("Exact", "Prefix"):
        if not text.startswith("/"):
            problems.append(errors.invalid_value(f"{path}.path", text, "must be an absolute path"))
        problems += [errors.invalid_value(f"{path}.path", text, f"must not contain '{bad}'") for bad in _BAD_IN_PATHS if bad in text]
    elif text and not text.startswith("/"):
        problems.append(errors.invalid_value(f"{path}.path", text, "must be an absolute path"))
    if found.backend is None:
        return [*problems, errors.required(f"{path}.backend")]
    return problems + _backend(found.backend, f"{path}.backend")


def _backend(found: networking_v1.IngressBackend, path: str) -> list[FieldError]:
    service = found.service
    if service is not None and found.resource is not None:
        return [errors.invalid_value(path, "", "cannot set both resource and service backends")]
    if found.resource is not None:
        return needed(f"{path}.resource.kind", found.resource.kind) + needed(f"{path}.resource.name", found.resource.name)
    if service is None:
        return [errors.required(path, "must specify a service or a resource")]
    problems = checks.name_needed(f"{path}.service.name", service.name, names.is_dns_label)
    port = service.port
    if port is None or not (port.name or port.number):
        return [*problems, errors.required(f"{path}", "port name or number is required")]
    if port.name and port.number:
        return [*problems, errors.invalid_value(path, "", "cannot set both port name & port number")]
    if port.name:
        return problems + named(f"{path}.service.port.name", port.name, names.is_port_name)
    return problems + checks.port(f"{path}.service.port.number", port.number)


def _class(spec: networking_v1.IngressClassSpec) -> list[FieldError]:
    controller = spec.controller or ""
    problems = needed("spec.controller", controller)
    if len(controller) > MAX_CONTROLLER:
        problems.append(errors.too_long("spec.controller", MAX_CONTROLLER))
    elif controller and "/" not in controller:
        message = 'must be a domain-prefixed path (such as "acme.io/foo")'
        problems.append(errors.invalid_value("spec.controller", controller, message))
    given = spec.parameters
    if given is not None:
        problems += needed("spec.parameters.kind", given.kind) + needed("spec.parameters.name", given.name)
        problems += one_of("spec.parameters.scope", given.scope, ("Cluster", "Namespace"))
        if given.scope == "Namespace":
            problems += needed("spec.parameters.namespace", given.namespace, "`parameters.scope` is set to 'Namespace'")
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
        problems.append(errors.invalid_value("spec.policyTypes", spec.policy_types, "may not specify more than two policyTypes"))
    for index, kind in enumerate(spec.policy_types or ()):
        problems += one_of(f"spec.policyTypes[{index}]", kind, ("Egress", "Ingress"))
    return problems


def _policy_port(port: networking_v1.NetworkPolicyPort, path: str) -> list[FieldError]:
    problems = one_of(f"{path}.protocol", port.protocol, PROTOCOLS)
    if port.port is not None:
        problems += checks.port_or_name(f"{path}.port", port.port)
    if port.end_port is not None:
        if not isinstance(port.port, int):
            problems.append(errors.required(f"{path}.port", "must be specified when endPort is set, and not be a name"))
        elif port.end_port < port.port:
            problems.append(errors.invalid_value(f"{path}.endPort", port.end_port, "must be greater than or equal to `port`"))
        problems += checks.port(f"{path}.endPort", port.end_port)
    return problems


def _peer(peer: networking_v1.NetworkPolicyPeer, path: str) -> list[FieldError]:
    problems = label_selector(f"{path}.podSelector", peer.pod_selector) + label_selector(
        f"{path}.namespaceSelector", peer.namespace_selector
    )
    block = peer.ip_block
    if block is None:
        if peer.pod_selector is None and peer.namespace_selector is None:
            problems.append(errors.required(path, "must specify a peer"))
        return problems
    if peer.pod_selector is not None or peer.namespace_selector is not None:
        problems.append(errors.forbidden_field(path, "may not specify both ipBlock and another peer"))
    problems += checks.network(f"{path}.ipBlock.cidr", block.cidr) if block.cidr else [errors.required(f"{path}.ipBlock.cidr")]
    if problems:
        return problems
    outer = ipaddress.ip_network(block.cidr or "", strict=False)
    for index, excluded in enumerate(block.except_ or ()):
        where = f"{path}.ipBlock.except[{index}]"
        wrong = checks.network(where, excluded)
        problems += wrong
        if wrong:
            continue
        inner = ipaddress.ip_network(excluded, strict=False)
        if inner == outer or inner.version != outer.version or not inner.subnet_of(outer):  # type: ignore[arg-type]
            problems.append(errors.invalid_value(where, excluded, f'must be a strict subset of `cidr` - "{block.cidr}"'))
    return problems


def update(new: Any, old: Any) -> list[FieldError]:
    return checks.unchanged("spec.controller", new.spec.controller, old.spec.controller) if type(new).KIND == "IngressClass" else []
