"""Proves which flow a request belongs to: precedence, subjects, rules, distinguishers."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import flowcontrol_v1 as flow
from provisioner.kube.apiserver.context import User
from provisioner.kube.apiserver.fairness import mandatory
from provisioner.kube.apiserver.fairness.matching import flow_of, in_order
from provisioner.kube.apiserver.requests import Target


def schema(document: dict[str, Any]) -> flow.FlowSchema:
    found: flow.FlowSchema = codec.decode_dict(flow.FlowSchema, document)
    return found


BORN = in_order(schema(document) for document in mandatory.flow_schemas())
EVERYBODY = ("system:authenticated",)


def target(verb: str, resource: str, group: str = "", namespace: str = "ns", sub: str = "") -> Target:
    return Target(verb, "", group, "v1", resource, namespace, "", sub)


@pytest.mark.parametrize(
    ("user", "asked", "expected"),
    [
        (User("root", ("system:masters",)), target("get", "pods"), ("exempt", "exempt", "")),
        (User("system:anonymous", ("system:unauthenticated",)), Target("get", "/healthz"), ("probes", "exempt", "")),
        (User("system:node:n", ("system:nodes", *EVERYBODY)), target("patch", "nodes", namespace="", sub="status"), ("system-node-high", "node-high", "system:node:n")),
        (User("system:node:n", ("system:nodes", *EVERYBODY)), target("get", "secrets"), ("system-nodes", "system", "system:node:n")),
        (User("system:kube-scheduler", EVERYBODY), target("update", "leases", "coordination.k8s.io"), ("system-leader-election", "leader-election", "system:kube-scheduler")),
        (User("system:kube-scheduler", EVERYBODY), target("list", "pods"), ("kube-scheduler", "workload-high", "ns")),
        (User("system:serviceaccount:kube-system:dns", ("system:serviceaccounts", *EVERYBODY)), target("list", "pods"), ("kube-system-service-accounts", "workload-high", "ns")),
        (User("system:serviceaccount:a:b", ("system:serviceaccounts", *EVERYBODY)), target("list", "pods"), ("service-accounts", "workload-low", "system:serviceaccount:a:b")),
        (User("ann", EVERYBODY), target("list", "pods"), ("global-default", "global-default", "ann")),
        (User("ann", EVERYBODY), Target("get", "/version"), ("global-default", "global-default", "ann")),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)  # fmt: skip
def test_what_a_cluster_is_born_with(user: User, asked: Target, expected: tuple[str, str, str]) -> None:
    found = flow_of(BORN, user, asked)
    assert found is not None and (found.schema, found.level, found.distinguisher) == expected


@pytest.mark.parametrize(
    ("rule", "asked", "expected"),
    [
        ({"namespaces": ["ns"]}, target("get", "pods"), True),
        ({"namespaces": ["other"]}, target("get", "pods"), False),
        ({"clusterScope": True}, target("get", "pods"), False),
        ({"clusterScope": True}, target("get", "nodes", namespace=""), True),
        ({"namespaces": ["*"]}, target("get", "nodes", namespace=""), False),
        ({"namespaces": ["*"], "resources": ["pods"]}, target("get", "pods", sub="log"), False),
        ({"namespaces": ["*"], "resources": ["pods/log"]}, target("get", "pods", sub="log"), True),
        ({"namespaces": ["*"], "verbs": ["list"]}, target("get", "pods"), False),
    ],
)
def test_rules(rule: dict[str, Any], asked: Target, expected: bool) -> None:
    rule = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], **rule}
    subjects = [{"kind": "Group", "group": {"name": "g"}}]
    spec = {"priorityLevelConfiguration": {"name": "l"}, "rules": [{"subjects": subjects, "resourceRules": [rule]}]}
    assert (flow_of([schema({"metadata": {"name": "s"}, "spec": spec})], User("u", ("g",)), asked) is not None) == expected
