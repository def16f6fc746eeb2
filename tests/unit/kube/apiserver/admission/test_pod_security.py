"""Proves the Pod Security Standards, one deviation at a time."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.apiserver.admission.pod_security import violations

GOOD: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def spec(container: dict[str, Any] | None = None, security: dict[str, Any] | None = None, **more: Any) -> core_v1.PodSpec:
    made = {"name": "c", "securityContext": {**GOOD, **(security or {})}, **(container or {})}
    return codec.decode_dict(core_v1.PodSpec, {"containers": [made], **more})


def test_a_good_pod_is_restricted() -> None:
    volumes = [{"name": "v", "configMap": {"name": "x"}}]
    assert violations(spec(volumes=volumes), "restricted") == []


BASELINE = [
    (spec(hostNetwork=True, hostPID=True), "host namespaces (hostNetwork=true, hostPID=true)"),
    (spec(security={"privileged": True}), "privileged"),
    (spec(security={"capabilities": {"add": ["CAP_SYS_ADMIN"], "drop": ["ALL"]}}), 'must not include "SYS_ADMIN"'),
    (spec(volumes=[{"name": "v", "hostPath": {"path": "/"}}]), 'hostPath volumes (volume "v")'),
    (spec({"ports": [{"containerPort": 1, "hostPort": 80}]}), "hostPort (container"),
    (spec(securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}), "forbidden sysctls (kernel.msgmax)"),
    (spec(security={"seccompProfile": {"type": "Unconfined"}}), "seccompProfile"),
    (spec(security={"procMount": "Unmasked"}), "procMount"),
    (spec(security={"seLinuxOptions": {"type": "spc_t"}}), "seLinuxOptions"),
]


@pytest.mark.parametrize(("given", "expected"), BASELINE)
def test_baseline(given: core_v1.PodSpec, expected: str) -> None:
    found = violations(given, "baseline")
    assert len(found) == 1 and expected in found[0]
    assert violations(given, "privileged") == []


RESTRICTED = [
    (spec(security={"allowPrivilegeEscalation": None}), "allowPrivilegeEscalation != false"),
    (spec(security={"capabilities": {}}), 'securityContext.capabilities.drop=["ALL"]'),
    (spec(security={"runAsNonRoot": None}), "runAsNonRoot != true"),
    (spec(security={"runAsUser": 0}), "runAsUser=0"),
    (spec(security={"seccompProfile": None}), "seccompProfile (pod or container"),
    (spec(volumes=[{"name": "v", "nfs": {"server": "s", "path": "/"}}]), "restricted volume types"),
]


@pytest.mark.parametrize(("given", "expected"), RESTRICTED)
def test_restricted(given: core_v1.PodSpec, expected: str) -> None:
    found = violations(given, "restricted")
    assert len(found) == 1 and expected in found[0]
    assert violations(given, "baseline") == []
