"""Proves which rule of a policy holds for a request, and that secrets are never told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from provisioner.kube.apiserver.audit import policy as policies
from provisioner.kube.apiserver.audit.policy import LEVELS, Rule, decide
from provisioner.kube.apiserver.context import User
from provisioner.kube.apiserver.requests import Target

ANN = User("ann", ("devs",))
POD = Target("get", "/x", "", "v1", "pods", "ns", "p")
LOG = Target("get", "/x", "", "v1", "pods", "ns", "p", "log")


@pytest.mark.parametrize(
    ("rule", "target", "expected"),
    [
        ({}, POD, True),
        ({"users": ["ann"]}, POD, True),
        ({"users": ["bob"]}, POD, False),
        ({"userGroups": ["devs", "x"]}, POD, True),
        ({"verbs": ["list"]}, POD, False),
        ({"namespaces": ["ns"]}, POD, True),
        ({"namespaces": [""]}, POD, False),
        ({"resources": [{"group": ""}]}, POD, True),
        ({"resources": [{"group": "apps"}]}, POD, False),
        ({"resources": [{"group": "*"}]}, POD, True),
        ({"resources": [{"group": "*", "resources": ["nodes"]}]}, POD, False),
        ({"resources": [{"group": "", "resources": ["pods"]}]}, LOG, False),
        ({"resources": [{"group": "", "resources": ["pods/log"]}]}, LOG, True),
        ({"resources": [{"group": "", "resources": ["pods/*"]}]}, LOG, True),
        ({"resources": [{"group": "", "resources": ["*/log"]}]}, LOG, True),
        ({"resources": [{"group": "", "resources": ["pods"], "resourceNames": ["q"]}]}, POD, False),
        ({"resources": [{"group": ""}]}, Target("get", "/healthz"), False),
        ({"nonResourceURLs": ["/health*"]}, Target("get", "/healthz"), True),
        ({"nonResourceURLs": ["/health*"]}, POD, False),
    ],
)
def test_rules(rule: dict[str, Any], target: Target, expected: bool) -> None:
    policy = policies.Policy(rules=(msgspec.convert({"level": "Metadata", **rule}, Rule),))
    assert (decide(policy, ANN, target).level == policies.METADATA) == expected


def test_the_first_rule_counts_and_secrets_are_never_told() -> None:
    rules = [{"level": "None", "users": ["bob"]}, {"level": "RequestResponse", "omitStages": ["RequestReceived"]}]
    policy = policies.Policy(rules=tuple(msgspec.convert(rules, list[Rule])), omit_stages=("Panic",))
    assert decide(policy, User("bob"), POD).level == policies.NONE
    found = decide(policy, ANN, POD)
    assert LEVELS[found.level] == "RequestResponse" and found.omitted == {"RequestReceived", "Panic"}
    for target in (
        Target("create", "/x", "", "v1", "secrets", "ns"),
        Target("create", "/x", "", "v1", "serviceaccounts", "ns", "a", "token"),
    ):
        assert decide(policy, ANN, target).level == policies.METADATA
    assert decide(policy, None, POD).level == policies.RESPONSE


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rules: []", "rules: at least one is needed"),
        ("rules: [{level: All}]", "Invalid enum value 'All'"),
        ("rules: [{level: None, namespace: [x]}]", "rules[0].namespace: unknown field; did you mean namespaces?"),
        ("rules: [{level: None, namespaces: [x], nonResourceURLs: [/x]}]", "cannot apply to both"),
    ],
)
def test_wrong_policies(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(f"apiVersion: audit.k8s.io/v1\nkind: Policy\n{text}\n")
    with pytest.raises(ValueError) as caught:
        policies.load(str(path))
    assert told in str(caught.value) and str(path) in str(caught.value)
