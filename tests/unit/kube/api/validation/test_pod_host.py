"""Proves what is refused of a pod's kernel settings, namespaces, operating system, sleeps, restart rules and claims, by path and words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.validation.containers import long_running
from provisioner.kube.api.validation.pod_host import SYSCTL, claims_of, host, override, system
from provisioner.kube.api.validation.pod_host import sysctls as kernel_settings

REGEX = f"must have at most 253 characters and match regex {SYSCTL}"


def problems(container: dict[str, Any] | None = None, **spec: Any) -> list[tuple[str, str]]:
    made = {"containers": [{"name": "c", "image": "i", **(container or {})}], "terminationGracePeriodSeconds": 30, **spec}
    found = msgspec.convert(made, core_v1.PodSpec)
    parts = [part(found, "spec") for part in (kernel_settings, host, claims_of, override, system)]
    parts += [long_running(one, f"spec.containers[{index}]", 30) for index, one in enumerate(found.containers or ())]
    return [(problem.field, problem.message) for part in parts for problem in part]


def sysctls(*names: str) -> dict[str, Any]:
    return {"securityContext": {"sysctls": [{"name": name, "value": "1"} for name in names]}}


def test_what_is_right() -> None:
    assert problems() == []
    assert problems(**sysctls("kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net/ipv4/conf/eth0.1/x", "a_b-c")) == []
    assert problems({"lifecycle": {"preStop": {"sleep": {"seconds": 30}}}}) == []
    assert problems({"resources": {"claims": [{"name": "gpu"}]}}, resourceClaims=[{"name": "gpu", "resourceClaimName": "x"}]) == []
    rules = [{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]
    assert problems({"restartPolicy": "Never", "restartPolicyRules": rules}, os={"name": "linux"}, hostUsers=False) == []
    assert problems(os={"name": "windows"}, securityContext={"windowsOptions": {"runAsUserName": "x"}}) == []


@pytest.mark.parametrize("name", ["foo-", "bar..", "a b", "Kernel.x", "a" * 254])
def test_names_of_kernel_settings(name: str) -> None:
    assert problems(**sysctls("kernel.shmmax", name)) == [("spec.securityContext.sysctls[1].name", f'Invalid value: "{name}": {REGEX}')]


@pytest.mark.parametrize(
    ("spec", "field", "message"),
    [
        (sysctls("a", "a"), "securityContext.sysctls[1].name", 'Duplicate value: "a"'),
        ({**sysctls("net.x"), "hostNetwork": True}, "securityContext.sysctls[0].name", "may not be specified when 'hostNetwork' is true"),
        ({**sysctls("fs.mqueue.x"), "hostIPC": True}, "securityContext.sysctls[0].name", "may not be specified when 'hostIPC' is true"),
        ({"hostUsers": False, "hostNetwork": True}, "hostNetwork", "Forbidden: when `pod.Spec.HostUsers` is false"),
        ({"os": {}}, "os.name", "Required value: cannot be empty"),
        ({"os": {"name": "plan9"}}, "os", 'Unsupported value: "plan9": supported values: "linux", "windows"'),
        ({"os": {"name": "windows"}, "hostPID": True}, "hostPID", "Forbidden: cannot be set for a windows pod"),
        (
            {"os": {"name": "windows"}, "securityContext": {"runAsUser": 1}},
            "securityContext.runAsUser",
            "Forbidden: cannot be set for a windows pod",
        ),
        (
            {"os": {"name": "windows"}, "container": {"securityContext": {"privileged": False}}},
            "containers[0].securityContext.privileged",
            "Forbidden: cannot be set for a windows pod",
        ),
        (
            {"os": {"name": "linux"}, "container": {"securityContext": {"windowsOptions": {}}}},
            "containers[0].securityContext.windowsOptions",
            "Forbidden: windows options cannot be set for a linux pod",
        ),
        (
            {"container": {"lifecycle": {"preStop": {"sleep": {"seconds": 31}}}}},
            "containers[0].lifecycle.preStop.sleep",
            "Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)",
        ),
        (
            {"container": {"lifecycle": {"stopSignal": "SIGUSR1"}}},
            "containers[0].lifecycle.stopSignal",
            "Forbidden: may not be set for containers with empty `spec.os.name`",
        ),
        (
            {"container": {"lifecycle": {"stopSignal": "SIGUSR1"}}, "os": {"name": "windows"}},
            "containers[0].lifecycle.stopSignal",
            'Unsupported value: "SIGUSR1": supported values: "SIGKILL", "SIGTERM"',
        ),
        (
            {"container": {"securityContext": {"procMount": "Unmasked"}}},
            "containers[0].securityContext.procMount",
            'Invalid value: "Unmasked": `hostUsers` must be false to use `Unmasked`',
        ),
        (
            {"container": {"securityContext": {"windowsOptions": {"hostProcess": True}}}},
            "hostNetwork",
            "Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers",
        ),
        ({"hostnameOverride": "a" * 65}, "hostnameOverride", "Too long: may not be more than 64 bytes"),
        (
            {"hostnameOverride": "a", "setHostnameAsFQDN": True},
            "hostnameOverride",
            "Forbidden: may not be specified when setHostnameAsFQDN is true",
        ),
        ({"hostnameOverride": "a", "hostNetwork": True}, "hostnameOverride", "Forbidden: may not be specified when hostNetwork is true"),
        (
            {"container": {"resources": {"claims": [{"name": "a"}] * 2}}, "resourceClaims": [{"name": "a", "resourceClaimName": "x"}]},
            "containers[0].resources.claims[1]",
            'Duplicate value: "a"',
        ),
        ({"resourceClaims": [{"name": "a", "resourceClaimName": "x"}] * 2}, "resourceClaims[1].name", 'Duplicate value: "a"'),
        ({"container": {"resources": {"claims": [{"name": "a"}]}}}, "containers[0].resources.claims[0]", 'Not found: "a"'),
    ],
)
def test_what_is_refused(spec: dict[str, Any], field: str, message: str) -> None:
    (found,) = problems(**spec)
    assert found[0] == f"spec.{field}" and message in found[1]
