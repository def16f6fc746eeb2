"""Proves what objects take from a quota, and which quotas have a say."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.apiserver.admission.quota import in_scopes, silent_containers, usage
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.registry import Registry


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry()


def kind(registry: Registry, group: str, plural: str) -> Kind:
    found = registry.find(group, "v1", plural)
    assert found is not None
    return found


def pod(**spec: Any) -> core_v1.Pod:
    return codec.decode_dict(core_v1.Pod, {"spec": spec})


def test_what_a_pod_takes(registry: Registry) -> None:
    resources = {"requests": {"cpu": "100m", "nvidia.com/gpu": "1"}, "limits": {"memory": "1Gi"}}
    pods, given = kind(registry, "", "pods"), pod(containers=[{"name": "c", "resources": resources}])
    pods.default(given)
    taken = usage(pods, given)
    assert taken["pods"] == taken["count/pods"] == taken["requests.nvidia.com/gpu"] == 1
    assert taken["requests.cpu"] == taken["cpu"] == Fraction(1, 10)
    assert taken["limits.memory"] == taken["requests.memory"] == 2**30


def test_what_others_take(registry: Registry) -> None:
    service = codec.decode_dict(core_v1.Service, {"spec": {"type": "LoadBalancer", "ports": [{"port": 1}, {"port": 2}]}})
    taken = usage(kind(registry, "", "services"), service)
    assert (taken["services"], taken["services.nodeports"], taken["services.loadbalancers"]) == (1, 2, 1)
    service.spec.allocate_load_balancer_node_ports = False
    assert usage(kind(registry, "", "services"), service)["services.nodeports"] == 0
    assert usage(kind(registry, "apps", "deployments"), None) == {"count/deployments.apps": 1}


@pytest.mark.parametrize(
    ("quota", "spec", "expected"),
    [
        ({}, {}, True),
        ({"scopes": ["BestEffort"]}, {"containers": [{"name": "c"}]}, True),
        ({"scopes": ["NotBestEffort"]}, {"containers": [{"name": "c"}]}, False),
        ({"scopes": ["Terminating"]}, {"activeDeadlineSeconds": 5}, True),
        ({"scopes": ["NotTerminating"]}, {"activeDeadlineSeconds": 5}, False),
        ({"scopes": ["CrossNamespacePodAffinity"]}, {}, False),
        (
            {"scopes": ["CrossNamespacePodAffinity"]},
            {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "k", "namespaces": ["x"]}]}}},
            True,
        ),
        (
            {"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]}},
            {"priorityClassName": "high"},
            True,
        ),
        (
            {"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "NotIn", "values": ["high"]}]}},
            {"priorityClassName": "high"},
            False,
        ),
    ],
)
def test_scopes(registry: Registry, quota: dict[str, Any], spec: dict[str, Any], expected: bool) -> None:
    given = codec.decode_dict(core_v1.ResourceQuotaSpec, quota)
    assert in_scopes(kind(registry, "", "pods"), pod(**spec), given) == expected


@pytest.mark.parametrize(
    ("more", "limited", "silent"),
    [
        ({}, "cpu", ["b", "i"]),
        ({}, "requests.cpu", ["b", "i"]),
        ({}, "limits.memory", ["a", "i"]),
        ({"resources": {"requests": {"cpu": "1"}}}, "cpu", []),
    ],
)
def test_each_container_says_what_it_takes(more: dict[str, Any], limited: str, silent: list[str]) -> None:
    containers = [
        {"name": "b", "resources": {"limits": {"memory": "1Gi"}}},
        {"name": "a", "resources": {"requests": {"cpu": "1"}}},
    ]
    assert silent_containers(pod(containers=containers, initContainers=[{"name": "i"}], **more).spec, limited) == silent
