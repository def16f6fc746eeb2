"""Kinds that are only bodies of subresources: nobody stores them, but they are decoded, defaulted and admitted like any other."""

from __future__ import annotations

from provisioner.kube.api._generated.resources import Resource
from provisioner.kube.apiserver.kinds import Kind


def _body(group: str, kind: str, plural: str, module: str) -> Kind:
    resource = Resource(group, "v1", plural, kind.lower(), kind, True, ("create", "get", "patch", "update"), (), (), (), module)
    made = Kind(resource, f"{group or 'core'}/{plural}")
    made.body_of = ("", "v1", "pods")
    return made


SCALE = _body("autoscaling", "Scale", "scales", "autoscaling_v1")
BINDING = _body("", "Binding", "bindings", "core_v1")
EVICTION = _body("policy", "Eviction", "evictions", "policy_v1")
