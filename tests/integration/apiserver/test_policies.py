"""Proves that admission policies refuse, warn and change what they are bound to, with parameters; and that webhooks' match conditions and
the checks of expressions work on a real server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

GROUP = "/apis/admissionregistration.k8s.io/v1"
CONFIGMAPS = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps"]}


def constraints(namespace: str, **rule: Any) -> dict[str, Any]:
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    return {"resourceRules": [{**CONFIGMAPS, **rule}], "namespaceSelector": selector}


class Maker:
    """Makes policies with a binding, and removes them at the end."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self._made: list[str] = []

    def make(self, plural: str, name: str, spec: dict[str, Any], binding: dict[str, Any] | None = None) -> tuple[int, Any]:
        code, made = self.server.call("POST", f"{GROUP}/{plural}", {"metadata": {"name": name}, "spec": spec})
        if code == 201:
            self._made.append(f"{GROUP}/{plural}/{name}")
        if binding is not None:
            bound = {"metadata": {"name": name}, "spec": {"policyName": name, **binding}}
            code_of_binding, answer = self.server.call("POST", f"{GROUP}/{plural.removesuffix('ies')}ybindings", bound)
            assert code_of_binding == 201, answer
            self._made.append(f"{GROUP}/{plural.removesuffix('ies')}ybindings/{name}")
        return code, made

    def close(self) -> None:
        for path in self._made:
            self.server.call("DELETE", path)


@pytest.fixture
def maker(server: Any) -> Iterator[Maker]:
    made = Maker(server)
    yield made
    made.close()


def write(server: Any, namespace: str, name: str, data: dict[str, str], **metadata: Any) -> tuple[int, Any]:
    return server.call("POST", f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": {"name": name, **metadata}, "data": data})  # type: ignore[no-any-return]


def eventually(attempt: Any, wanted: int) -> Any:
    """A policy counts as soon as the cache has it."""
    deadline = time.monotonic() + 5
    while True:
        code, answer = attempt()
        if code == wanted:
            return answer
        assert time.monotonic() < deadline, (code, answer)
        time.sleep(0.02)


def test_a_policy_refuses_what_its_expression_does(server: Any, namespace: str, maker: Maker) -> None:
    spec = {
        "matchConstraints": constraints(namespace),
        "variables": [{"name": "size", "expression": "size(object.data)"}],
        "validations": [
            {"expression": "variables.size < 3", "messageExpression": "'there are ' + string(variables.size)", "reason": "Forbidden"},
            {"expression": "!object.metadata.name.startsWith('bad')", "message": "a bad name"},
            {"expression": "oldObject == null || oldObject.data == object.data"},
        ],
    }
    code, _ = maker.make("validatingadmissionpolicies", f"size.{namespace}", spec, {"validationActions": ["Deny"]})
    assert code == 201
    refused = eventually(lambda: write(server, namespace, "a", {"a": "1", "b": "2", "c": "3"}), 403)
    assert "denied request: there are 3" in refused["message"] and refused["reason"] == "Forbidden"
    code, refused = write(server, namespace, "bad", {"a": "1"})
    assert code == 422 and refused["reason"] == "Invalid" and "denied request: a bad name" in refused["message"]
    assert refused["message"].startswith('configmaps "bad" is forbidden: ValidatingAdmissionPolicy ')
    assert write(server, namespace, "good", {"a": "1"})[0] == 201
    path = f"/api/v1/namespaces/{namespace}/configmaps/good"
    merge = {"Content-Type": "application/merge-patch+json"}
    code, refused = server.call("PATCH", path, {"data": {"a": "2"}}, headers=merge)
    assert code == 422 and "failed expression: oldObject == null" in refused["message"]
    assert server.call("PATCH", path, {"metadata": {"labels": {"a": "b"}}}, headers=merge)[0] == 200


def test_parameters_come_from_objects(server: Any, namespace: str, maker: Maker) -> None:
    assert write(server, namespace, "limits", {"max": "2"})[0] == 201
    spec = {
        "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
        "matchConstraints": constraints(namespace),
        "matchConditions": [{"name": "others", "expression": "object.metadata.name != 'limits'"}],
        "validations": [{"expression": "size(object.data) <= int(params.data.max)"}],
    }
    reference = {"name": "limits", "namespace": namespace, "parameterNotFoundAction": "Deny"}
    maker.make("validatingadmissionpolicies", f"params.{namespace}", spec, {"validationActions": ["Deny"], "paramRef": reference})
    eventually(lambda: write(server, namespace, "big", {"a": "", "b": "", "c": ""}), 422)
    assert write(server, namespace, "small", {"a": ""})[0] == 201
    server.call("DELETE", f"/api/v1/namespaces/{namespace}/configmaps/limits")
    code, refused = write(server, namespace, "none", {"a": ""})
    assert code == 422 and "no params found" in refused["message"]


def test_a_policy_may_only_warn(server: Any, namespace: str, maker: Maker) -> None:
    spec = {"matchConstraints": constraints(namespace), "validations": [{"expression": "has(object.immutable)"}]}
    maker.make("validatingadmissionpolicies", f"warn.{namespace}", spec, {"validationActions": ["Warn", "Audit"]})
    seen = server.kubectl("create", "configmap", "x", "-n", namespace, "--dry-run=server", "-o", "name")
    assert "configmap/x" in seen


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"validations": [{"expression": "object.foo =="}]}, "spec.validations[0].expression"),
        ({"validations": [{"expression": "nobody > 1"}]}, "undeclared reference to 'nobody'"),
        ({"validations": [{"expression": "params.x"}]}, "undeclared reference to 'params'"),
        ({"matchConditions": [{"name": "a", "expression": "1 +"}]}, "spec.matchConditions[0].expression"),
        ({"validations": []}, "spec.auditAnnotations"),
        ({"failurePolicy": "Maybe"}, "spec.failurePolicy"),
    ],
)
def test_expressions_are_checked_when_they_are_written(server: Any, changes: dict[str, Any], where: str) -> None:
    spec = {"matchConstraints": {"resourceRules": [CONFIGMAPS]}, "validations": [{"expression": "true"}], **changes}
    code, answer = server.call("POST", f"{GROUP}/validatingadmissionpolicies?dryRun=All", {"metadata": {"name": "x"}, "spec": spec})
    assert code == 422 and where in answer["message"]


def test_a_policy_changes_objects(server: Any, namespace: str, maker: Maker) -> None:
    apply = "Object{metadata: Object.metadata{labels: Object.metadata.labels{seen: object.metadata.name}}}"
    add = '[JSONPatch{op: "add", path: "/data/" + jsonpatch.escapeKey("more"), value: "1"}]'
    spec = {
        "matchConstraints": constraints(namespace, operations=["CREATE"]),
        "reinvocationPolicy": "Never",
        "mutations": [
            {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": apply}},
            {"patchType": "JSONPatch", "jsonPatch": {"expression": add}},
        ],
    }
    code, made = maker.make("mutatingadmissionpolicies", f"label.{namespace}", spec, {})
    assert code == 201, made

    def changed() -> tuple[int, Any]:
        code, answer = server.call(
            "POST",
            f"/api/v1/namespaces/{namespace}/configmaps?dryRun=All",
            {"metadata": {"name": "m", "labels": {"own": "x"}}, "data": {"k": "v"}},
        )
        return (200 if "seen" in answer["metadata"]["labels"] else code), answer

    answer = eventually(changed, 200)
    assert answer["metadata"]["labels"] == {"own": "x", "seen": "m"}

    assert answer["data"] == {"k": "v", "more": "1"}


def test_the_authorizer_can_be_asked(server: Any, namespace: str, maker: Maker) -> None:
    expression = "authorizer.group('').resource('secrets').namespace(object.metadata.namespace).check('delete').allowed()"
    spec = {"matchConstraints": constraints(namespace), "validations": [{"expression": expression}]}
    maker.make("validatingadmissionpolicies", f"may.{namespace}", spec, {"validationActions": ["Deny"]})
    server.kubectl("create", "role", "maker", "-n", namespace, "--verb=create", "--resource=configmaps")
    server.kubectl("create", "rolebinding", "maker", "-n", namespace, "--role=maker", "--user=alice")
    body = {"metadata": {"name": "hers"}, "data": {}}
    path = f"/api/v1/namespaces/{namespace}/configmaps?dryRun=All"
    eventually(lambda: server.call("POST", path, body, user="alice"), 422)
    assert server.call("POST", path, body)[0] == 201


def test_expressions_are_checked_against_types(server: Any, namespace: str, maker: Maker) -> None:
    """What can't be right for the kinds that rules name is told in the policy's status; what is right leaves nothing there."""
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["*"], "resources": ["deployments"]}
    matches = {"matchConstraints": constraints(namespace, **rule)}

    def checked(name: str, *validations: dict[str, str], **spec: Any) -> list[dict[str, str]]:
        assert maker.make("validatingadmissionpolicies", name, {**matches, **spec, "validations": list(validations)})[0] == 201
        deadline = time.monotonic() + 15
        while True:
            status = server.call("GET", f"{GROUP}/validatingadmissionpolicies/{name}")[1].get("status", {})
            if "typeChecking" in status:
                assert status["observedGeneration"] == 1
                return list(status["typeChecking"].get("expressionWarnings", ()))
            assert time.monotonic() < deadline
            time.sleep(0.05)

    variables = [{"name": "wanted", "expression": "object.spec.replicas"}]
    good = {
        "expression": "variables.wanted > 1 && object.metadata.name.startsWith('a')",
        "messageExpression": "'n: ' + string(variables.wanted)",
    }
    assert checked("right-types", good, variables=variables) == []
    bad = {"expression": "object.spec.replicas > '1'", "messageExpression": "'wants replicas > 1, got ' + object.spec.replicas"}
    first, second, third = checked("wrong-types", bad, {"expression": "object.spec.replica > 1"})
    assert first["fieldRef"] == "spec.validations[0].expression" and first["warning"].startswith(
        "apps/v1, Kind=Deployment: ERROR: <input>:1:22: "
    )
    assert "found no matching overload for '_>_' applied to '(int, string)'" in first["warning"]
    assert second["fieldRef"] == "spec.validations[0].messageExpression"
    assert "found no matching overload for '_+_' applied to '(string, int)'" in second["warning"]
    assert third["fieldRef"] == "spec.validations[1].expression" and "undefined field 'replica'" in third["warning"]
