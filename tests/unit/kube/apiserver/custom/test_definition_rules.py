"""Proves what is said of definitions whose defaults, columns, subresources or selectable fields don't fit."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api._generated import apiextensions_v1 as v1
from provisioner.kube.api.codec import decode_dict
from provisioner.kube.apiserver.custom.definition_rules import problems


def spec(properties: dict[str, Any], **version: Any) -> v1.CustomResourceDefinitionSpec:
    structure = {"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}}
    document = {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": structure}, **version}]}
    found: v1.CustomResourceDefinitionSpec = decode_dict(v1.CustomResourceDefinitionSpec, document)
    return found


SCALE = {"specReplicasPath": ".spec.n", "statusReplicasPath": ".status.n"}
COLUMN = {"name": "N", "type": "integer", "jsonPath": ".spec.n"}


@pytest.mark.parametrize(
    ("properties", "version", "field", "told"),
    [
        ({"n": {"type": "integer", "default": "x"}}, {}, ".properties[spec].properties[n].default", "must be of type integer"),
        ({"o": {"type": "object", "default": {"a": 1}}}, {}, ".properties[spec].properties[o].default", "unspecified fields"),
        ({}, {"additionalPrinterColumns": [{**COLUMN, "type": "text"}]}, "additionalPrinterColumns[0].type", "must be one of"),
        ({}, {"additionalPrinterColumns": [{**COLUMN, "jsonPath": "spec"}]}, "additionalPrinterColumns[0].jsonPath", "simple json path"),
        ({}, {"subresources": {"scale": {**SCALE, "specReplicasPath": ".n"}}}, "subresources.scale.specReplicasPath", "under .spec"),
        ({}, {"subresources": {"scale": {**SCALE, "labelSelectorPath": ".x"}}}, "scale.labelSelectorPath", "either .spec or .status"),
        (
            {"o": {"type": "object"}},
            {"selectableFields": [{"jsonPath": ".spec.o"}]},
            "selectableFields[0].jsonPath",
            "must point to a field",
        ),
        ({}, {"selectableFields": [{"jsonPath": ".metadata.name"}]}, "selectableFields[0].jsonPath", "fields in metadata"),
        ({}, {"deprecationWarning": "x"}, "deprecationWarning", "deprecated versions"),
    ],
)
def test_what_does_not_fit(properties: dict[str, Any], version: dict[str, Any], field: str, told: str) -> None:
    (found,) = problems(spec(properties, **version))
    assert found.field.startswith("spec.versions[0].") and found.field.endswith(field) and told in found.message


def test_what_fits() -> None:
    fine = {"n": {"type": "integer", "default": 1}, "s": {"type": "string", "enum": ["a"], "default": "a"}}
    columns = [COLUMN, {**COLUMN, "jsonPath": ".status.conditions[-1:].type"}, {**COLUMN, "jsonPath": "..n"}]
    version = {"additionalPrinterColumns": columns, "subresources": {"scale": SCALE}, "selectableFields": [{"jsonPath": ".spec.s"}]}
    assert problems(spec(fine, **version)) == []
