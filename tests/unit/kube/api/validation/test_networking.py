"""Proves upstream's order, paths and words of what is refused of ingresses, their classes and network policies."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import networking_v1
from provisioner.kube.api.validation import networking

BACKEND = {"service": {"name": "s", "port": {"number": 80}}}


def path(**given: Any) -> dict[str, Any]:
    return {"rules": [{"http": {"paths": [{"path": "/a", "pathType": "Prefix", "backend": BACKEND, **given}]}}]}


AT = "spec.rules[0].http.paths[0]"
INGRESSES: list[tuple[dict[str, Any], list[str]]] = [
    (path(path="a//b/.."), [f'{AT}.path: Invalid value: "a//b/..": {rest}' for rest in ("must be an absolute path", "must not contain '//'", "cannot end with '/..'")]),
    (path(pathType="Some"), [f'{AT}.pathType: Unsupported value: "Some": supported values: "Exact", "ImplementationSpecific", "Prefix"']),
    (path(path="", pathType="ImplementationSpecific"), []),
    (path(backend={}), [f'{AT}.backend: Invalid value: "": resource or service backend is required']),
    (path(backend={"resource": {"kind": "", "name": "a/b"}}), [f"{AT}.backend.resource.kind: Required value", f"{AT}.backend.resource.name: Invalid value: \"a/b\": may not contain '/'"]),
    ({"defaultBackend": BACKEND, "tls": [{"hosts": ["1.2.3.4"]}], "rules": [{"host": "1.2.3.4"}]}, ['spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address']),
    ({"defaultBackend": BACKEND, "tls": [{"secretName": "A"}], "ingressClassName": "", "rules": [{"host": "*"}]}, ["spec.rules[0].host: Invalid value", "spec.tls[0].secretName: Invalid value", 'spec.ingressClassName: Invalid value: ""']),
]  # fmt: skip


def told(found: list[Any]) -> list[str]:
    return [f"{problem.field}: {problem.message}" for problem in found]


def begins(found: list[str], expected: list[str]) -> bool:
    return len(found) == len(expected) and all(map(str.startswith, found, expected))


@pytest.mark.parametrize(("spec", "expected"), INGRESSES)
def test_ingresses(spec: dict[str, Any], expected: list[str]) -> None:
    found = told(networking.create(codec.decode_dict(networking_v1.Ingress, {"spec": spec})))
    assert begins(found, expected), found


@pytest.mark.parametrize(("name", "right"), [("a", True), ("b", False)])
def test_the_class_in_the_annotation_is_that_of_the_field(name: str, right: bool) -> None:
    annotations = {"kubernetes.io/ingress.class": "a"}
    document = {"metadata": {"annotations": annotations}, "spec": {"defaultBackend": BACKEND, "ingressClassName": name}}
    found = told(networking.create(codec.decode_dict(networking_v1.Ingress, document)))
    message = 'annotations.kubernetes.io/ingress.class: Invalid value: "a": must match `ingressClassName` when both are specified'
    assert found == ([] if right else [message])


PARAMETERS = {"kind": "K", "name": "n", "scope": "Cluster"}
CLASSES: list[tuple[dict[str, Any], list[str]]] = [
    ({"controller": "a.io/b", "parameters": PARAMETERS}, []),
    ({"controller": "A/b c"}, ['spec.controller: Invalid value: "A": a lowercase RFC 1123', 'spec.controller: Invalid value: "b c": Invalid path (regex']),
    ({"controller": "a.io/b", "parameters": {**PARAMETERS, "namespace": "x"}}, ["spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"]),
    ({"controller": "a.io/b", "parameters": {**PARAMETERS, "scope": "Namespace"}}, ["spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"]),
    ({"controller": "a.io/b", "parameters": {**PARAMETERS, "kind": "..", "apiGroup": ""}}, ['spec.parameters.apiGroup: Invalid value: ""', "spec.parameters.kind: Invalid value: \"..\": may not be '..'"]),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "expected"), CLASSES)
def test_classes(spec: dict[str, Any], expected: list[str]) -> None:
    found = told(networking.create(codec.decode_dict(networking_v1.IngressClass, {"spec": spec})))
    assert begins(found, expected), found


PORT = "spec.ingress[0].ports[0]"
FROM = "spec.ingress[0].from[0]"
POLICIES: list[tuple[dict[str, Any], list[str]]] = [
    ({"ports": [{"protocol": "HTTP", "endPort": 3}]}, [f'{PORT}.protocol: Unsupported value: "HTTP": supported values: "TCP", "UDP", "SCTP"', f"{PORT}.endPort: Invalid value: 3: may not be specified when `port` is not specified"]),
    ({"ports": [{"port": "web", "endPort": 3}]}, [f"{PORT}.endPort: Invalid value: 3: may not be specified when `port` is non-numeric"]),
    ({"from": [{"podSelector": {}, "ipBlock": {}}]}, [f"{FROM}.ipBlock.cidr: Required value", f"{FROM}: Forbidden: may not specify both"]),
    ({"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["x", "10.0.0.0/8"]}}]}, [f'{FROM}.ipBlock.except[0]: Invalid value: "x"', f'{FROM}.ipBlock.except[1]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`']),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "expected"), POLICIES)
def test_policies(rule: dict[str, Any], expected: list[str]) -> None:
    document = {"spec": {"podSelector": {}, "ingress": [rule], "policyTypes": ["X"]}}
    found = told(networking.create(codec.decode_dict(networking_v1.NetworkPolicy, document)))
    kinds = 'spec.policyTypes[0]: Unsupported value: "X": supported values: "Ingress", "Egress"'
    assert begins(found, [*expected, kinds]), found
