"""Namespaces: what must be done before one is gone is said by names with a domain, or Kubernetes' own (core/v1 NamespaceSpec)."""

from __future__ import annotations

from provisioner.kube.api import errors, names
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import FieldError

OWN = ("kubernetes",)


def create(obj: core_v1.Namespace) -> list[FieldError]:
    problems = []
    for index, finalizer in enumerate((obj.spec.finalizers if obj.spec is not None else None) or ()):
        where = f"spec.finalizers[{index}]"
        problems += [errors.invalid_value(where, finalizer, message) for message in names.is_qualified_name(finalizer)]
        if "/" not in finalizer and finalizer not in OWN:
            problems.append(errors.invalid_value(where, finalizer, "name is neither a standard finalizer name nor is it fully qualified"))
    return problems
