"""Proves that a pod which doesn't fit beside the others is refused with upstream's reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1, meta_v1
from provisioner.kube.kubelet.pod.admission import refusal
from provisioner.kube.kubelet.pod.services import Settings
from provisioner.kube.kubelet.volume.pod_files import Dns

SETTINGS = Settings("n", "10.0.0.1", Path("/x"), Dns((), ""), "pause", 1, {"cpu": 2000, "memory": 1024**3}, max_pods=3)


def pod(phase: str = "Running", port: int = 0, **requests: Any) -> core_v1.Pod:
    container: dict[str, Any] = {"name": "c", "resources": {"requests": requests}}
    if port:
        container["ports"] = [{"containerPort": 1, "hostPort": port}]
    return codec.decode_dict(core_v1.Pod, {"metadata": {"name": "p"}, "spec": {"containers": [container]}, "status": {"phase": phase}})


def test_what_fits_is_taken() -> None:
    assert refusal(pod(cpu="1"), [pod(cpu="1")], SETTINGS) is None


def test_resources_that_are_used_up() -> None:
    found = refusal(pod(cpu="1500m"), [pod(cpu="1")], SETTINGS)
    assert found == ("OutOfcpu", "Pod was rejected: Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000")
    assert refusal(pod(cpu="1500m"), [pod("Succeeded", cpu="1")], SETTINGS) is None


def test_too_many_pods() -> None:
    found = refusal(pod(), [pod(), pod(), pod()], SETTINGS)
    assert found is not None and found[0] == "OutOfpods"


def test_a_host_port_that_is_taken() -> None:
    found = refusal(pod(port=80), [pod(port=80)], SETTINGS)
    assert found is not None and found[0] == "NodePorts"
    assert refusal(pod(port=81), [pod(port=80)], SETTINGS) is None


def of(**spec: Any) -> core_v1.Pod:
    return codec.decode_dict(core_v1.Pod, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c"}], **spec}})


def test_a_short_node_takes_no_more() -> None:
    pressed = frozenset({"MemoryPressure"})
    assert refusal(of(), [], SETTINGS, None, pressed) == ("Evicted", "Pod was rejected: The node had condition: [MemoryPressure]. ")
    assert refusal(pod(cpu="1"), [], SETTINGS, None, pressed) is None
    assert refusal(pod(cpu="1"), [], SETTINGS, None, frozenset({"DiskPressure"})) is not None
    assert refusal(of(priority=2_000_000_000), [], SETTINGS, None, frozenset({"DiskPressure"})) is None


def test_sysctls_that_reach_too_far() -> None:
    def asking(name: str, **spec: Any) -> core_v1.Pod:
        return of(securityContext={"sysctls": [{"name": name, "value": "1"}]}, **spec)

    assert refusal(asking("net.ipv4.tcp_syncookies"), [], SETTINGS) is None
    assert refusal(asking("kernel.msgmax"), [], SETTINGS) == (
        "SysctlForbidden",
        'Pod was rejected: forbidden sysctl: "kernel.msgmax" not allowlisted',
    )
    assert refusal(asking("kernel/msgmax"), [], replace(SETTINGS, unsafe_sysctls=("kernel.msg*",))) is None
    assert refusal(asking("net.ipv4.tcp_syncookies", hostNetwork=True), [], SETTINGS) is not None


def test_a_node_that_is_not_the_selected_one() -> None:
    node = core_v1.Node(metadata=meta_v1.ObjectMeta(name="n", labels={"disk": "ssd"}))
    assert refusal(of(nodeSelector={"disk": "ssd"}), [], SETTINGS, node) is None
    assert refusal(of(nodeSelector={"disk": "hdd"}), [], SETTINGS, node) == (
        "NodeAffinity",
        "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
    )


TERM = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
AFFINE = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [TERM]}}}
TAINT = core_v1.Taint(key="x", value="y", effect="NoExecute")


@pytest.mark.parametrize(
    ("spec", "node", "reason"),
    [
        ({"affinity": AFFINE}, {"labels": {"disk": "ssd"}}, None),
        ({"affinity": AFFINE}, {"labels": {"disk": "hdd"}}, "NodeAffinity"),
        ({}, {"taints": [TAINT]}, "TaintToleration"),
        ({"tolerations": [{"key": "x", "operator": "Exists"}]}, {"taints": [TAINT]}, None),
        ({"tolerations": [{"key": "x", "value": "z"}]}, {"taints": [TAINT]}, "TaintToleration"),
        ({"os": {"name": "linux"}}, {}, None),
        ({"os": {"name": "windows"}}, {}, "PodOSNotSupported"),
        ({"nodeSelector": {"kubernetes.io/os": "windows"}}, {}, "PodOSSelectorNodeLabelDoesNotMatch"),
    ],
)
def test_a_pod_that_was_meant_for_another_node(spec: dict[str, Any], node: dict[str, Any], reason: str | None) -> None:
    metadata = meta_v1.ObjectMeta(name="n", labels=node.get("labels"))
    found = refusal(of(**spec), [], SETTINGS, core_v1.Node(metadata=metadata, spec=core_v1.NodeSpec(taints=node.get("taints"))))
    assert (found[0] if found else None) == reason


@pytest.mark.parametrize(
    ("mine", "clashes"),
    [
        ({"hostIP": "127.0.0.1"}, False),
        ({"hostIP": "10.0.0.1"}, True),
        ({"hostIP": "10.0.0.1", "protocol": "UDP"}, False),
        ({}, True),
    ],
)
def test_a_host_port_is_one_on_each_address(mine: dict[str, str], clashes: bool) -> None:
    def with_port(**port: str) -> core_v1.Pod:
        return of(containers=[{"name": "c", "ports": [{"containerPort": 1, "hostPort": 5400, **port}]}])

    found = refusal(with_port(**mine), [with_port(hostIP="10.0.0.1")], SETTINGS)
    assert (found is not None and found[0] == "NodePorts") is clashes
