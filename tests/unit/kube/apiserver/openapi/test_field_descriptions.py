"""Proves that every description is of a type and a field that there are, and comes into what `kubectl explain` reads."""

from __future__ import annotations

from importlib import import_module

import msgspec

from provisioner.kube.api._generated.resources import RESOURCES
from provisioner.kube.apiserver.openapi import schemas
from provisioner.kube.apiserver.openapi.field_descriptions import _parsed, described
from provisioner.kube.apiserver.registry import Registry


def test_types_and_fields_are_there() -> None:
    wrong = []
    for type_name, fields in _parsed().items():
        module, _, name = type_name.partition(".")
        found = getattr(import_module(f"provisioner.kube.api._generated.{module}"), name, None)
        known = {field.encode_name for field in msgspec.structs.fields(found)} if found is not None else set()
        wrong += [f"{type_name}.{field}" for field, text in fields.items() if (field and field not in known) or not text or found is None]
    assert not wrong


def test_every_kind_is_described() -> None:
    kinds = {found.load() for found in RESOURCES}
    names = {f"{kind.__module__.rpartition('.')[2]}.{kind.__name__}" for kind in kinds}
    assert not sorted(name for name in names if not described(name))
    assert described("resource_v1beta1.DeviceClass") == described("resource_v1.DeviceClass")


def test_they_are_told() -> None:
    kinds = [kind for kind in Registry().kinds() if schemas.root_of(kind.resource) == "api/v1"]
    pod_spec = schemas.v3(kinds)["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"]
    assert pod_spec["description"] == described("core_v1.PodSpec")
    assert pod_spec["properties"]["restartPolicy"]["description"] == described("core_v1.PodSpec", "restartPolicy")
    assert described("core_v1.PodSpec", "nosuch") == described("nosuch") == ""
