"""Proves that the roles a cluster is born with are whole: names, rules that can be read, bindings to roles that exist."""

from __future__ import annotations

from provisioner.kube.apiserver.bootstrap import bootstrap_roles as roles


def test_every_binding_has_its_role() -> None:
    names = {role["metadata"]["name"] for role in roles.cluster_roles()}
    assert all(binding["roleRef"]["name"] in names for binding in roles.cluster_role_bindings())
    local = {(r["metadata"]["namespace"], r["metadata"]["name"]) for r in roles.roles()}
    assert all((b["metadata"]["namespace"], b["roleRef"]["name"]) in local for b in roles.role_bindings())


def test_rules_are_whole() -> None:
    for role in [*roles.cluster_roles(), *roles.roles()]:
        for rule in role["rules"]:
            assert rule["verbs"] and ("nonResourceURLs" in rule) != ("resources" in rule), role["metadata"]["name"]
            assert all(name == name.strip() and "," not in name for name in rule.get("resources", ())), role["metadata"]["name"]


def test_notation() -> None:
    assert roles.rules("read @ core: pods services; apps: deployments = one two\nget @ /a /b/*") == [
        {"verbs": ["get", "list", "watch"], "apiGroups": [""], "resources": ["pods", "services"]},
        {"verbs": ["get", "list", "watch"], "apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["one", "two"]},
        {"verbs": ["get"], "nonResourceURLs": ["/a", "/b/*"]},
    ]


def test_only_admins_write_roles_and_viewers_see_no_secrets() -> None:
    by_name = {role["metadata"]["name"]: role["rules"] for role in roles.cluster_roles()}

    def may(role: str, verb: str, resource: str) -> bool:
        return any(verb in rule["verbs"] and resource in rule.get("resources", ()) for rule in by_name[role])

    assert may("admin", "create", "roles") and not may("edit", "create", "roles")
    assert may("edit", "get", "secrets") and not may("view", "get", "secrets")
    assert may("view", "list", "pods") and not may("view", "create", "pods")
    assert by_name["cluster-admin"] == [
        {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
        {"verbs": ["*"], "nonResourceURLs": ["*"]},
    ]
