"""Proves which webhooks a request concerns."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api._generated import admissionregistration_v1 as registration
from provisioner.kube.api._generated import meta_v1
from provisioner.kube.apiserver.admission.webhook_rules import concerns, rule_matches
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.registry import Registry


@pytest.fixture(scope="module")
def deployments() -> Kind:
    kind = Registry().find("apps", "v1", "deployments")
    assert kind is not None
    return kind


def rule(**more: Any) -> registration.RuleWithOperations:
    given = {"operations": ["CREATE"], "api_groups": ["apps"], "api_versions": ["v1"], "resources": ["deployments"]}
    return registration.RuleWithOperations(**(given | more))


@pytest.mark.parametrize(
    ("more", "sub", "expected"),
    [
        ({}, "", True),
        ({"operations": ["DELETE"]}, "", False),
        ({"operations": ["*"], "api_groups": ["*"], "api_versions": ["*"], "resources": ["*"]}, "", True),
        ({"resources": ["*"]}, "scale", False),
        ({"resources": ["*/*"]}, "scale", True),
        ({"resources": ["deployments/scale"]}, "scale", True),
        ({"resources": ["deployments/status"]}, "scale", False),
        ({"scope": "Cluster"}, "", False),
        ({"scope": "Namespaced"}, "", True),
    ],
)
def test_rules(deployments: Kind, more: dict[str, Any], sub: str, expected: bool) -> None:
    assert rule_matches(rule(**more), "CREATE", deployments, sub) == expected


def test_selectors(deployments: Kind) -> None:
    hook = registration.ValidatingWebhook(
        rules=[rule()],
        namespace_selector=meta_v1.LabelSelector(match_labels={"team": "a"}),
        object_selector=meta_v1.LabelSelector(match_labels={"app": "x"}),
    )
    assert concerns(hook, "CREATE", deployments, "", {"team": "a"}, [{"app": "x"}])
    assert concerns(hook, "CREATE", deployments, "", {"team": "a"}, [{}, {"app": "x"}])
    assert not concerns(hook, "CREATE", deployments, "", {"team": "b"}, [{"app": "x"}])
    assert not concerns(hook, "CREATE", deployments, "", {"team": "a"}, [{}])
