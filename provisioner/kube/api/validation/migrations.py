"""Migrations of stored objects to another version (storagemigration.k8s.io): of one resource, which stays."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api import errors
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation.checks import unchanged


def create(obj: Any) -> list[FieldError]:
    resource = obj.spec.resource
    return [] if resource is not None and resource.resource else [errors.required("spec.resource.resource", "resource is required")]


def update(new: Any, old: Any) -> list[FieldError]:
    return unchanged("spec", new.spec, old.spec)
