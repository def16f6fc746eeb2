"""Proves who may what by roles and bindings, as they come and go, and what nobody can grant."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import rbac_v1
from provisioner.kube.apiserver.authorization.rbac import GROUP, Rbac, rule_allows
from provisioner.kube.apiserver.context import User
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.storage.cache import Entry, WatchCache


def rule(verbs: str, resources: str = "", groups: str = "", names: str = "", paths: str = "") -> rbac_v1.PolicyRule:
    split = lambda text: text.split(",") if text else None  # noqa: E731
    return rbac_v1.PolicyRule(
        verbs=split(verbs),
        api_groups=groups.split(",") if resources else None,
        resources=split(resources),
        resource_names=split(names),
        non_resource_urls=split(paths),
    )


def target(verb: str, resource: str, *, group: str = "", namespace: str = "", name: str = "", sub: str = "") -> Target:
    return Target(verb, "", group, "v1", resource, namespace, name, sub)


@pytest.mark.parametrize(
    ("given", "asked", "expected"),
    [
        (rule("get", "pods"), target("get", "pods"), True),
        (rule("get", "pods"), target("list", "pods"), False),
        (rule("*", "*", "*"), target("delete", "deployments", group="apps"), True),
        (rule("get", "pods"), target("get", "pods", sub="log"), False),
        (rule("get", "pods/log"), target("get", "pods", sub="log"), True),
        (rule("update", "*/scale", "*"), target("update", "deployments", group="apps", sub="scale"), True),
        (rule("get", "pods", names="a"), target("get", "pods", name="a"), True),
        (rule("get", "pods", names="a"), target("list", "pods"), False),
        (rule("get", paths="/healthz/*"), Target("get", "/healthz/etcd"), True),
        (rule("get", paths="/healthz"), Target("get", "/healthz/etcd"), False),
        (rule("get", "pods"), Target("get", "/healthz"), False),
    ],
)
def test_rules(given: rbac_v1.PolicyRule, asked: Target, expected: bool) -> None:
    assert rule_allows(given, asked) == expected


def put(cache: WatchCache, plural: str, key: str, obj: Any) -> None:
    obj.metadata.namespace, _, obj.metadata.name = key.rpartition("/")
    cache.collection(f"{GROUP}/{plural}").apply(key, Entry(key, 1, codec.encode(obj), {}, {}), 1)


def made() -> tuple[WatchCache, Rbac]:
    cache = WatchCache(None, lambda *_: ({}, {}))  # type: ignore[arg-type]
    rbac = Rbac(cache)
    put(cache, "clusterroles", "reader", rbac_v1.ClusterRole(rules=[rule("get,list", "pods,secrets")]))
    put(cache, "roles", "ns/writer", rbac_v1.Role(rules=[rule("create", "pods")]))
    return cache, rbac


def binding(kind: str, name: str, *subjects: rbac_v1.Subject) -> rbac_v1.RoleBinding:
    return rbac_v1.RoleBinding(role_ref=rbac_v1.RoleRef(api_group=GROUP, kind=kind, name=name), subjects=list(subjects))


def test_bindings_count_in_their_namespace() -> None:
    cache, rbac = made()
    put(cache, "rolebindings", "ns/b", binding("ClusterRole", "reader", rbac_v1.Subject(kind="User", name="ann")))
    ann = User("ann")
    assert rbac.allows(ann, target("get", "pods", namespace="ns"))
    assert not rbac.allows(ann, target("get", "pods", namespace="other"))
    assert not rbac.allows(ann, target("list", "pods"))
    cache.collection(f"{GROUP}/rolebindings").apply("ns/b", None, 2)
    assert not rbac.allows(ann, target("get", "pods", namespace="ns"))


def test_groups_and_service_accounts() -> None:
    cache, rbac = made()
    put(cache, "rolebindings", "ns/g", binding("Role", "writer", rbac_v1.Subject(kind="Group", name="devs")))
    put(cache, "rolebindings", "ns/s", binding("Role", "writer", rbac_v1.Subject(kind="ServiceAccount", name="sa", namespace="x")))
    asked = target("create", "pods", namespace="ns")
    assert rbac.allows(User("bob", ("devs",)), asked)
    assert rbac.allows(User("system:serviceaccount:x:sa"), asked)
    assert not rbac.allows(User("system:serviceaccount:ns:sa"), asked)


def test_what_one_has_covers_what_one_grants() -> None:
    cache, rbac = made()
    put(cache, "rolebindings", "ns/b", binding("ClusterRole", "reader", rbac_v1.Subject(kind="User", name="ann")))
    ann = User("ann")
    assert rbac.covers(ann, "ns", [rule("get", "pods"), rule("list", "secrets", names="one")]) == []
    assert rbac.covers(ann, "ns", [rule("delete", "pods")]) == [rule("delete", "pods")]
    assert rbac.covers(ann, "ns", [rule("get", "*", "*")]) != []
