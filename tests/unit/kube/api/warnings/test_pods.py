"""Proves what is said of pods that are taken although something about them is odd."""

from __future__ import annotations

from typing import Any

import pytest

NONE: list[str] = []
TERM = {"matchExpressions": [{"key": "beta.kubernetes.io/os", "operator": "In", "values": ["linux"]}]}
APPLY = "which may be dropped when using apply"


def ports(*listed: dict[str, Any]) -> dict[str, Any]:
    return {"containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 80, **port} for port in listed]}]}


def env(*listed: tuple[str, Any]) -> dict[str, Any]:
    return {
        "containers": [
            {"name": "c", "image": "i", "env": [{"name": n, **v} if isinstance(v, dict) else {"name": n, "value": v} for n, v in listed]}
        ]
    }


FIRST, SECOND = "spec.containers[0].ports[0]", "spec.containers[0].ports[1]"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, NONE),
        ({"nodeSelector": {"beta.kubernetes.io/arch": "a"}}, ['spec.nodeSelector[beta.kubernetes.io/arch]: deprecated since v1.14; use "kubernetes.io/arch" instead']),
        (
            {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [TERM]}}}},
            ["spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].key: "
             'beta.kubernetes.io/os is deprecated since v1.14; use "kubernetes.io/os" instead'],
        ),
        (
            {"affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": {"topologyKey": "z"}}]}}},
            ["spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.labelSelector: "
             "a null labelSelector results in matching no pod"],
        ),
        (
            {"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"}]},
            ["spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod"],
        ),
        ({"volumes": [{"name": "v", "glusterfs": {"endpoints": "e", "path": "p"}}]}, ["spec.volumes[0].glusterfs: deprecated in v1.25, non-functional in v1.26+"]),
        ({"imagePullSecrets": [{"name": "a"}, {"name": "a"}]}, ['spec.imagePullSecrets[1].name: duplicate name "a"']),
        ({"imagePullSecrets": [{}]}, ['spec.imagePullSecrets[0].name: invalid empty name ""']),
        ({"hostAliases": [{"ip": "1.1.1.1"}, {"ip": "1.1.1.1"}]}, ['spec.hostAliases[1].ip: duplicate ip "1.1.1.1"']),
        ({"terminationGracePeriodSeconds": -1}, ["spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1"]),
        (
            {"containers": [{"name": "c", "image": "i", "resources": {"requests": {"memory": "100m", "cpu": "100m"}}}]},
            ['spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer'],
        ),
        (env(("A", "1"), ("B", "2")), NONE),
        (env(("A", "1"), ("A", "2")), [f'spec.containers[0].env[1]: hides previous definition of "A", {APPLY}']),
        (env(("A", "1"), ("A", "$(A),2")), NONE),
        (env(("A", "1"), ("A", {"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}})), [f'spec.containers[0].env[1]: hides previous definition of "A", {APPLY}']),
        (ports({}, {"protocol": "UDP"}), NONE),
        (ports({}, {}), [f"{SECOND}: duplicate port definition with {FIRST}"]),
        (ports({"hostPort": 80}, {}), [f"{SECOND}: overlapping port definition with {FIRST}"]),
        (ports({"hostPort": 80, "hostIP": "1.1.1.1"}, {"hostPort": 80}), [f"{SECOND}: dangerously ambiguous port definition with {FIRST}"]),
        (ports({"hostIP": "1.1.1.1"}), [f"{FIRST}: hostIP set without hostPort: {{Name: HostPort:0 ContainerPort:80 Protocol:TCP HostIP:1.1.1.1}}"]),
    ],
)  # fmt: skip
def test_pods(warned: Any, spec: dict[str, Any], expected: list[str]) -> None:
    pod = {"spec": {"containers": [{"name": "c", "image": "i"}], **spec}}
    assert warned("Pod", pod) == expected
    # What is said of templates has their path; of pods that are updated, nothing is said.
    assert warned("Pod", pod, pod) == []
    deployment = {"spec": {"selector": {}, "template": pod}}
    assert warned("Deployment", deployment) == [
        text.replace("spec.", "spec.template.spec.", 1).replace("with spec.", "with spec.template.spec.") for text in expected
    ]


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("scheduler.alpha.kubernetes.io/critical-pod", 'non-functional in v1.16+; use the "priorityClassName" field instead'),
        ("seccomp.security.alpha.kubernetes.io/pod", 'non-functional in v1.27+; use the "seccompProfile" field instead'),
        ("container.apparmor.security.beta.kubernetes.io/c", 'deprecated since v1.30; use the "appArmorProfile" field instead'),
        ("container.apparmor.security.beta.kubernetes.io/other", ""),
    ],
)
def test_annotations(warned: Any, annotation: str, expected: str) -> None:
    metadata = {"name": "x", "annotations": {annotation: "v"}}
    found = warned("Pod", {"metadata": metadata, "spec": {"containers": [{"name": "c", "image": "i"}]}})
    assert found == ([f"metadata.annotations[{annotation}]: {expected}"] if expected else [])


def test_names_that_are_no_host_names(warned: Any) -> None:
    (found,) = warned("Pod", {"metadata": {"name": "a.b"}, "spec": {"containers": [{"name": "c", "image": "i"}]}})
    assert found.startswith(
        "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: ["
    )
