"""Proves what can be said of a policy's expressions before anybody's request comes."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import admissionregistration_v1 as registration
from provisioner.kube.api.defaults import apply
from provisioner.kube.api.validation import policies
from provisioner.kube.api.validation.policies import NAMES, TYPES, expression


@pytest.mark.parametrize(
    ("text", "wants", "expected"),
    [
        ("object.spec.replicas <= 5", "bool", ""),
        ("object.spec.replicas", "bool", ""),
        ("request.userInfo.groups.exists(g, g == 'a')", "bool", ""),
        ("request.userInfo.extra['a'].size() == 1", "bool", ""),
        ("has(request.options.gracePeriodSeconds)", "bool", ""),
        ("request.kind.group == 'apps' && request.dryRun != true", "bool", ""),
        ("'a' + string(object.x)", "string", ""),
        ("1", "bool", 'Invalid value: "1": must evaluate to bool'),
        ("'a'", "bool", "Invalid value: \"'a'\": must evaluate to bool"),
        ("request.name", "bool", 'Invalid value: "request.name": must evaluate to bool'),
        ("true", "string", 'Invalid value: "true": must evaluate to string'),
        ("Object{spec: Object.spec{replicas: 1}}", "Object", ""),
        ("[JSONPatch{op: 'remove', path: '/a'}]", "list(JSONPatch)", ""),
        ("'a'", "Object", "must evaluate to Object"),
        ("request", "list(JSONPatch)", "must evaluate to list(JSONPatch)"),
        ("request.odd == 'x'", "bool", "undefined field 'odd'"),
        ("request.userInfo.name == 'x'", "bool", "undefined field 'name'"),
        ("request.name > 1", "bool", "found no matching overload for '_>_' applied to '(string, int)'"),
        ("who.x", "bool", "undeclared reference to 'who'"),
        ("", "bool", "Required value"),
    ],
)
def test_expressions(text: str, wants: str, expected: str) -> None:
    found = [error.message for error in expression("p", text, NAMES, TYPES, wants)]
    assert (found == []) is (expected == "") and all(expected in message for message in found)


RULE = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["*"]}
RULES = {"resourceRules": [RULE]}
V, A = "spec.validations[0]", "spec.auditAnnotations"
POLICIES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"matchConstraints": {"matchPolicy": "X"}}, ['spec.matchConstraints.matchPolicy: Unsupported value: "X"', "spec.matchConstraints.resourceRules: Required value"]),
    ({"matchConstraints": {"resourceRules": [{**RULE, "resourceNames": ["a", "a", "b/c"]}]}}, ['spec.matchConstraints.resourceRules[0].resourceNames[1]: Duplicate value: "a"', 'spec.matchConstraints.resourceRules[0].resourceNames[2]: Invalid value: "b/c"']),
    ({"paramKind": {"apiVersion": "A/", "kind": "K_"}}, ['spec.paramKind.apiVersion: Invalid value: "A": a lowercase', 'spec.paramKind.apiVersion: Invalid value: "A/": version must be specified', 'spec.paramKind.kind: Invalid value: "K_": may have mixed case']),
    ({"matchConditions": [{"name": "a b", "expression": ""}]}, ["spec.matchConditions[0].expression: Required value", 'spec.matchConditions[0].name: Invalid value: "a b"']),
    ({"variables": [{"name": "for", "expression": " "}]}, ['spec.variables[0].name: Invalid value: "for": name is not a valid CEL identifier', "spec.variables[0].expression: Required value: expression is not specified"]),
    ({"validations": []}, ["spec.validations: Required value: validations or", f"{A}: Required value: validations or"]),
    ({"validations": [{"messageExpression": " ", "reason": "Unauthorized"}]}, [f"{V}.expression: Required value: expression is not specified", f'{V}.messageExpression: Invalid value: " ": must be non-empty', f'{V}.reason: Unsupported value: "Unauthorized": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"']),
    ({"auditAnnotations": [{"key": "a b"}, {"key": "c", "valueExpression": "'x'"}, {"key": "c", "valueExpression": "'x'"}]}, [f'{A}[0].key: Invalid value: "p/a b"', f"{A}[0].valueExpression: Required value: valueExpression is not specified", f'{A}[2].key: Duplicate value: "c"']),
]  # fmt: skip
BINDINGS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"policyName": "A"}, ['spec.policyName: Invalid value: "A"']),
    ({"paramRef": {"name": "a", "selector": {}}}, ["spec.paramRef.name: Forbidden: name and selector are", "spec.paramRef.selector: Forbidden: name and selector are", "spec.paramRef.parameterNotFoundAction: Required value"]),
    ({"paramRef": {"parameterNotFoundAction": "X"}}, ["spec.paramRef: Required value: one of name or selector", 'spec.paramRef.parameterNotFoundAction: Unsupported value: "X": supported values: "Deny", "Allow"']),
    ({"validationActions": []}, ["spec.validationActions: Required value: at least one validation action is required"]),
    ({"validationActions": ["Deny", "X", "Deny", "Warn"]}, ['spec.validationActions[1]: Unsupported value: "X": supported values: "Audit", "Deny", "Warn"', 'spec.validationActions[2]: Duplicate value: "Deny"', 'spec.validationActions: Invalid value: ["Deny","X","Deny","Warn"]: must not contain both']),
]  # fmt: skip


def problems(kind: str, spec: dict[str, Any]) -> list[str]:
    made = codec.decode_dict(getattr(registration, kind), {"metadata": {"name": "p"}, "spec": spec})
    apply(made)
    return [f"{problem.field}: {problem.message}" for problem in policies.create(made)]


def begins(found: list[str], expected: list[str]) -> bool:
    return len(found) == len(expected) and all(map(str.startswith, found, expected))


@pytest.mark.parametrize(("spec", "expected"), POLICIES)
def test_policies(spec: dict[str, Any], expected: list[str]) -> None:
    found = problems("ValidatingAdmissionPolicy", {"matchConstraints": RULES, "validations": [{"expression": "true"}], **spec})
    assert begins(found, expected), found


@pytest.mark.parametrize(("spec", "expected"), BINDINGS)
def test_bindings(spec: dict[str, Any], expected: list[str]) -> None:
    found = problems("ValidatingAdmissionPolicyBinding", {"policyName": "a", "validationActions": ["Deny"], **spec})
    assert begins(found, expected), found


def test_a_message_has_one_line() -> None:
    validation = {"expression": "true", "message": "a\nb"}
    found = problems("ValidatingAdmissionPolicy", {"matchConstraints": RULES, "validations": [validation]})
    assert begins(found, [f'{V}.message: Invalid value: "a\\nb": message must not contain line breaks'])
