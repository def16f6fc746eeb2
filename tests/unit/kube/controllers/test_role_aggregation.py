"""Proves that an aggregated role has the rules of all chosen roles, each once, in a stable order, and never its own."""

from __future__ import annotations

from provisioner.kube.api._generated import rbac_v1
from provisioner.kube.controllers.role_aggregation import aggregated
from tests.unit.kube.controllers.objects import made


def role(name: str, labels: dict[str, str] | None = None, *resources: str) -> rbac_v1.ClusterRole:
    rules = [{"apiGroups": [""], "resources": [resource], "verbs": ["get"]} for resource in resources]
    return made(rbac_v1.ClusterRole, {"metadata": {"name": name, "labels": labels or {}}, "rules": rules})


def resources(rules: list[rbac_v1.PolicyRule]) -> list[str]:
    return [(rule.resources or [""])[0] for rule in rules]


def test_the_rules_of_those_that_are_chosen() -> None:
    selectors = {"clusterRoleSelectors": [{"matchLabels": {"to": "edit"}}, {"matchExpressions": [{"key": "also", "operator": "Exists"}]}]}
    whole = made(rbac_v1.ClusterRole, {"metadata": {"name": "edit", "labels": {"to": "edit"}}, "aggregationRule": selectors, "rules": []})
    others = [
        role("z", {"to": "edit"}, "pods", "services"),
        role("a", {"to": "edit"}, "secrets", "pods"),
        role("other", {"to": "view"}, "nodes"),
        role("second", {"also": "yes"}, "events"),
        whole,
    ]
    assert resources(aggregated(whole, others)) == ["secrets", "pods", "services", "events"]
    assert aggregated(whole, others) == aggregated(whole, list(reversed(others)))


def test_nothing_chosen_is_no_rules() -> None:
    selectors = {"clusterRoleSelectors": [{"matchLabels": {"to": "nobody"}}]}
    whole = made(rbac_v1.ClusterRole, {"metadata": {"name": "edit"}, "aggregationRule": selectors})
    assert aggregated(whole, [role("a", {"to": "edit"}, "pods")]) == []
