"""Proves what can be said of a policy's expressions before anybody's request comes."""

from __future__ import annotations

import pytest

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
