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
    (
        spec(security={"windowsOptions": {"hostProcess": True}}, securityContext={"windowsOptions": {"hostProcess": True}}),
        'hostProcess (pod and container "c" must not set securityContext.windowsOptions.hostProcess=true)',
    ),
    (
        spec({"livenessProbe": {"httpGet": {"port": 1, "host": "b"}}, "lifecycle": {"preStop": {"tcpSocket": {"port": 1, "host": "a"}}}}),
        'probe or lifecycle host (container "c" must not set probe or lifecycle host "a", "b")',
    ),
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


@pytest.mark.parametrize(("version", "refused"), [("latest", True), ("v1.34", True), ("v1.33", False)])
def test_a_standard_is_of_its_release(version: str, refused: bool) -> None:
    asks = spec({"startupProbe": {"tcpSocket": {"port": 1, "host": "10.0.0.1"}}})
    assert bool(violations(asks, "baseline", version)) is refused


def test_windows_has_other_privileges() -> None:
    lax = {"allowPrivilegeEscalation": None, "capabilities": None, "seccompProfile": None}
    assert violations(spec(security=lax, os={"name": "windows"}), "restricted") == []
    assert len(violations(spec(security=lax, os={"name": "windows"}), "restricted", "v1.24")) == 3
    assert len(violations(spec(security=lax, os={"name": "linux"}), "restricted")) == 3
