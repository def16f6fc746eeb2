"""Validation: what the API server refuses, with the field's path and upstream's reason.

`validate_create` and `validate_update` check an object of any kind: its metadata by the general rules, the rest by the kind's own module.
Pure; an object has its defaults when it comes here.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation.metadata import validate_metadata, validate_metadata_update

# (group, kind) -> module of this package with functions create(obj) and update(new, old)
_MODULES = {
    ("", "Pod"): "pod",
    ("", "Service"): "service",
    ("apps", "Deployment"): "workloads",
    ("apps", "ReplicaSet"): "workloads",
    ("apps", "DaemonSet"): "workloads",
    ("apps", "StatefulSet"): "workloads",
    ("", "ReplicationController"): "workloads",
    ("batch", "Job"): "workloads",
    ("", "ConfigMap"): "configuration",
    ("", "Secret"): "configuration",
    ("rbac.authorization.k8s.io", "RoleBinding"): "rbac",
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): "rbac",
    ("rbac.authorization.k8s.io", "Role"): "rbac",
    ("rbac.authorization.k8s.io", "ClusterRole"): "rbac",
}


def _own(obj: Any, name: str) -> Callable[..., list[FieldError]] | None:
    module = _MODULES.get((type(obj).GROUP, type(obj).KIND))
    return getattr(import_module(f"provisioner.kube.api.validation.{module}"), name, None) if module else None


def validate_create(obj: Any) -> list[FieldError]:
    own = _own(obj, "create")
    return validate_metadata(obj) + (own(obj) if own is not None else [])


def validate_update(new: Any, old: Any) -> list[FieldError]:
    found = validate_metadata_update(new, old)
    create, update = _own(new, "create"), _own(new, "update")
    if create is not None:
        found += create(new)
    if update is not None:
        found += update(new, old)
    return found


def validate_status_update(new: Any, old: Any) -> list[FieldError]:
    return validate_metadata_update(new, old)
