"""Addresses of services and the ranges they come from (networking.k8s.io IPAddress, ServiceCIDR)."""

from __future__ import annotations

import ipaddress
from typing import Any

from provisioner.kube.api import errors
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.checks import needed, unchanged


def create(obj: Any) -> list[FieldError]:
    return _address(obj) if type(obj).KIND == "IPAddress" else _ranges(obj.spec.cidrs)


def _address(obj: Any) -> list[FieldError]:
    name, problems = obj.metadata.name or "", []
    try:
        canonical = str(ipaddress.ip_address(name))
    except ValueError:
        problems.append(errors.invalid_value("metadata.name", name, "must be a valid IP address in canonical form"))
    else:
        if canonical != name:
            problems.append(errors.invalid_value("metadata.name", name, "must be a valid IP address in canonical form"))
    parent = obj.spec.parent_ref
    if parent is None:
        return [*problems, errors.required("spec.parentRef")]
    return problems + needed("spec.parentRef.resource", parent.resource) + needed("spec.parentRef.name", parent.name)


def _ranges(cidrs: list[str] | None) -> list[FieldError]:
    path = "spec.cidrs"
    if not cidrs:
        return [errors.required(path, "at least one CIDR required")]
    if len(cidrs) > 2:
        return [errors.invalid_value(path, cidrs, "may only hold up to 2 values")]
    problems = []
    versions = []
    for index, text in enumerate(cidrs):
        where = f"{path}[{index}]"
        wrong = checks.network(where, text)
        problems += wrong
        if wrong:
            continue
        network = ipaddress.ip_network(text, strict=False)
        versions.append(network.version)
        if str(network) != text:
            message = f'must be in canonical form ("{network}")'
            problems.append(errors.invalid_value(where, text, message))
    if len(cidrs) == 2 and not problems and len(set(versions)) != 2:
        problems.append(
            errors.invalid_value(path, cidrs, "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/96")
        )
    return problems


def update(new: Any, old: Any) -> list[FieldError]:
    if type(new).KIND == "IPAddress":
        return unchanged("spec.parentRef", new.spec.parent_ref, old.spec.parent_ref)
    mine, before = new.spec.cidrs or [], old.spec.cidrs or []
    # One family may become two.
    if len(before) == 1 and mine[:1] == before:
        return []
    return unchanged("spec.cidrs", mine, before)
