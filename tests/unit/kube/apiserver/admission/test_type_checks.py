"""Proves what is told of expressions before they run, by the types that a policy's rules name."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import admissionregistration_v1 as registration
from provisioner.kube.apiserver.admission.type_checks import kinds_of, warnings
from provisioner.kube.apiserver.registry import Registry


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry()


def policy(expression: str, *, resources: tuple[str, ...] = ("deployments",), **spec: Any) -> Any:
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["*"], "resources": list(resources)}
    document = {"spec": {"matchConstraints": {"resourceRules": [rule]}, "validations": [{"expression": expression}], **spec}}
    return codec.decode_dict(registration.ValidatingAdmissionPolicy, document)


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("object.spec.replicas > 1", ""),
        ("object.spec.replicas > '1'", "found no matching overload for '_>_' applied to '(int, string)'"),
        ("object.spec.replicas + 1 > 2", ""),
        ("object.spec.replicas + 'x' == 'y'", "found no matching overload for '_+_' applied to '(int, string)'"),
        ("object.spec.replicas + 1.5 > 2.0", "found no matching overload for '_+_' applied to '(int, double)'"),
        ("'a' + 'b' == object.metadata.name", ""),
        ("'a' - 'b' == 'c'", "found no matching overload for '_-_' applied to '(string, string)'"),
        ("object.spec.foo == 1", "undefined field 'foo'"),
        ("object.spec.template.spec.containers.all(c, c.image.startsWith('x'))", ""),
        ("object.spec.template.spec.containers.all(c, c.images == 'x')", "undefined field 'images'"),
        ("object.metadata.labels['a'] == 'b' && has(object.metadata.annotations)", ""),
        ("object.spec.strategy.rollingUpdate.maxSurge == 1", ""),
        ("request.whatever == 1 && authorizer.group('').resource('pods').check('get').allowed()", ""),
        ("oldObject == null || oldObject.spec.replicas == object.spec.replicas", ""),
    ],
)
def test_expressions(registry: Registry, expression: str, told: str) -> None:
    made = policy(expression)
    found = warnings(made, kinds_of(made, registry.kinds()), None)
    assert [field for field, _ in found] == (["spec.validations[0].expression"] if told else [])
    assert not told or told in found[0][1]


def test_types_of_variables(registry: Registry) -> None:
    variables = [{"name": "n", "expression": "object.spec.replicas"}, {"name": "m", "expression": "variables.n + 1"}]
    made = policy("variables.m > 'x'", variables=variables)
    ((_, warning),) = warnings(made, kinds_of(made, registry.kinds()), None)
    assert "'_>_' applied to '(int, string)'" in warning


def test_each_kind_is_told_of(registry: Registry) -> None:
    made = policy("object.spec.serviceName == 'x'", resources=("deployments", "statefulsets", "*"))
    kinds = kinds_of(made, registry.kinds())
    assert [k.resource.kind for k in kinds] == ["Deployment", "StatefulSet"]
    ((_, warning),) = warnings(made, kinds, None)
    assert warning.startswith("apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field") and "StatefulSet" not in warning
    assert warnings(policy("object.spec.x == 1", resources=("*",)), [], None) == []
