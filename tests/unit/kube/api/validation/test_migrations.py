"""Proves that a migration is of one resource, and stays what it is."""

from __future__ import annotations

from provisioner.kube.api import codec
from provisioner.kube.api._generated.storagemigration_v1beta1 import StorageVersionMigration
from provisioner.kube.api.validation import validate_create, validate_update


def migration(resource: str) -> StorageVersionMigration:
    return codec.decode_dict(StorageVersionMigration, {"metadata": {"name": "m"}, "spec": {"resource": {"resource": resource}}})


def test_migrations() -> None:
    assert validate_create(migration("secrets")) == [] and validate_update(migration("secrets"), migration("secrets")) == []
    assert [error.field for error in validate_create(migration(""))] == ["spec.resource.resource"]
    (changed,) = validate_update(migration("configmaps"), migration("secrets"))
    assert changed.field == "spec" and "immutable" in changed.message
