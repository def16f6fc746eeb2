"""Proves the Pod Security Standards, one deviation at a time, in upstream's words and with the release that each rule is of."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.apiserver.admission.pod_standards import BASELINE, NEWEST, RESTRICTED, Judged, findings

GOOD: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
HOSTS = {"livenessProbe": {"httpGet": {"port": 1, "host": "b"}}, "lifecycle": {"preStop": {"tcpSocket": {"port": 1, "host": "a"}}}}
SELINUX = "set forbidden securityContext.seLinuxOptions:"
PROFILE = "must not set securityContext.seccompProfile.type to"
APP_ARMOR = "must not set AppArmor profile type to"


def judged(
    security: dict[str, Any] | None = None, *, container: dict[str, Any] | None = None, notes: dict[str, str] | None = None, **spec: Any
) -> Judged:
    made = {"name": "c", "securityContext": {**GOOD, **(security or {})}, **(container or {})}
    return Judged(codec.decode_dict(core_v1.PodSpec, {"containers": [made], **spec}), notes)


def told(given: Judged, level: str, version: str = "latest") -> list[str]:
    return [str(found) for found in findings(given, level, version)]


def test_a_good_pod_is_restricted() -> None:
    volumes = [{"name": "v", "configMap": {"name": "x"}}, {"name": "w", "image": {"reference": "x"}}]
    assert told(judged(volumes=volumes), "restricted") == told(judged(volumes=volumes), "unheard of") == []


BASELINE_FINDINGS = [
    (judged(hostNetwork=True, hostPID=True), "host namespaces (hostNetwork=true, hostPID=true)"),
    (judged({"privileged": True}), 'privileged (container "c" must not set securityContext.privileged=true)'),
    (
        judged({"capabilities": {"add": ["SYS_TIME", "CHOWN", "CAP_CHOWN"], "drop": ["ALL"]}}),
        'non-default capabilities (container "c" must not include "CAP_CHOWN", "SYS_TIME" in securityContext.capabilities.add)',
    ),
    (judged(volumes=[{"name": "v", "hostPath": {"path": "/"}}]), 'hostPath volumes (volume "v")'),
    (
        judged(container={"ports": [{"containerPort": 1, "hostPort": 80}, {"containerPort": 2, "hostPort": 443}]}),
        'hostPort (container "c" uses hostPorts 443, 80)',
    ),
    (judged(securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}), "forbidden sysctls (kernel.msgmax)"),
    (judged({"seccompProfile": {"type": "Unconfined"}}), f'seccompProfile (container "c" {PROFILE} "Unconfined")'),
    (judged({"procMount": "Unmasked"}), 'procMount (container "c" must not set securityContext.procMount to "Unmasked")'),
    (judged({"seLinuxOptions": {"type": "spc_t"}}), f'seLinuxOptions (container "c" {SELINUX} type "spc_t")'),
    (
        judged({"seLinuxOptions": {"user": "u"}}, securityContext={"seLinuxOptions": {"type": "x", "role": "r"}}),
        f'seLinuxOptions (pod and container "c" {SELINUX} type "x"; user may not be set; role may not be set)',
    ),
    (
        judged({"appArmorProfile": {"type": "Unconfined"}}, securityContext={"appArmorProfile": {"type": "Unconfined"}}),
        f'forbidden AppArmor profile (pod and container "c" {APP_ARMOR} "Unconfined")',
    ),
    (
        judged({"windowsOptions": {"hostProcess": True}}, securityContext={"windowsOptions": {"hostProcess": True}}),
        'hostProcess (pod and container "c" must not set securityContext.windowsOptions.hostProcess=true)',
    ),
    (judged(container=HOSTS), 'probe or lifecycle host (container "c" uses probe or lifecycle hosts "a", "b")'),
]


@pytest.mark.parametrize(("given", "expected"), BASELINE_FINDINGS)
def test_baseline(given: Judged, expected: str) -> None:
    assert told(given, "baseline") == [expected]
    assert told(given, "privileged") == []


def test_annotations_of_app_armor() -> None:
    key = "container.apparmor.security.beta.kubernetes.io/"
    notes = {key + "c": "unconfined", key + "d": "localhost/x", key + "e": "runtime/default"}
    assert told(judged(notes=notes), "baseline", "v1.0") == [
        f'forbidden AppArmor profile (annotation {APP_ARMOR} "{key}c="unconfined"")',
    ]


RESTRICTED_FINDINGS = [
    (
        judged({"allowPrivilegeEscalation": None}),
        'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false)',
    ),
    (
        judged({"capabilities": {"add": ["CHOWN"]}}),
        'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]; '
        'container "c" must not include "CHOWN" in securityContext.capabilities.add)',
    ),
    (
        judged({"runAsNonRoot": None}),
        'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true)',
    ),
    (
        judged({"runAsNonRoot": False}, securityContext={"runAsNonRoot": True}),
        'runAsNonRoot != true (container "c" must not set securityContext.runAsNonRoot=false)',
    ),
    (judged({"runAsUser": 0}, securityContext={"runAsUser": 0}), 'runAsUser=0 (pod and container "c" must not set runAsUser=0)'),
    (
        judged({"seccompProfile": None}),
        'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    ),
    (
        judged(volumes=[{"name": "v", "nfs": {"server": "s", "path": "/"}}]),
        'restricted volume types (volume "v" uses restricted volume type "nfs")',
    ),
]


@pytest.mark.parametrize(("given", "expected"), RESTRICTED_FINDINGS)
def test_restricted(given: Judged, expected: str) -> None:
    assert told(given, "restricted") == [expected]
    assert told(given, "baseline") == []


def test_what_is_narrower_takes_the_place_of_what_is_wider() -> None:
    """One word of each matter, all of the level below first."""
    bad = judged(
        {"privileged": True, "capabilities": {"add": ["SYS_TIME"]}, "seccompProfile": {"type": "Unconfined"}, "procMount": "Unmasked"},
        volumes=[{"name": "v", "hostPath": {"path": "/"}}, {"name": "w", "nfs": {"server": "s", "path": "/"}}],
    )
    assert [found.reason for found in findings(bad, "restricted")] == [
        "privileged",
        "unrestricted capabilities",
        "procMount",
        "restricted volume types",
        "seccompProfile",
    ]
    assert 'volumes "v", "w" use restricted volume types "hostPath", "nfs"' in told(bad, "restricted")[3]


def sysctl(name: str) -> Judged:
    return judged(securityContext={"sysctls": [{"name": name, "value": "1"}]})


USER_NAMESPACE = judged({"runAsNonRoot": None, "runAsUser": 0}, hostUsers=False)
UNMASKED = judged({"procMount": "Unmasked"}, hostUsers=False)
WINDOWS = judged({"allowPrivilegeEscalation": None, "capabilities": None, "seccompProfile": None}, os={"name": "windows"})
OLD_SECCOMP = {"seccomp.security.alpha.kubernetes.io/pod": "unconfined", "container.seccomp.security.alpha.kubernetes.io/c": "localhost/x"}


@pytest.mark.parametrize(
    ("given", "level", "last", "first", "refused_before"),
    [
        (judged(container=HOSTS), "baseline", 33, 34, 0),
        (sysctl("net.ipv4.ip_local_reserved_ports"), "baseline", 26, 27, 1),
        (sysctl("net.ipv4.tcp_fin_timeout"), "baseline", 28, 29, 1),
        (sysctl("net.ipv4.tcp_rmem"), "baseline", 31, 32, 1),
        (judged({"seLinuxOptions": {"type": "container_engine_t"}}), "baseline", 30, 31, 1),
        (UNMASKED, "baseline", 34, 35, 1),
        (judged(notes=OLD_SECCOMP), "baseline", 18, 19, 1),
        (USER_NAMESPACE, "restricted", 34, 35, 2),
        (USER_NAMESPACE, "restricted", 22, 35, 1),
        (WINDOWS, "restricted", 24, 25, 3),
        (judged({"allowPrivilegeEscalation": None}), "restricted", 7, 8, 0),
        (judged({"capabilities": None}), "restricted", 21, 22, 0),
        (judged({"seccompProfile": None}), "restricted", 18, 19, 0),
    ],
)
def test_rules_are_of_a_release(given: Judged, level: str, last: int, first: int, refused_before: int) -> None:
    """What `last` refuses differs from `first` on; a release that is yet to come is as the latest."""
    assert len(told(given, level, f"v1.{last}")) == refused_before
    after = told(given, level, f"v1.{first}")
    assert len(after) == (0 if refused_before else 1)
    assert told(given, level) == told(given, level, "v1.99") == told(given, level, "v2.0") == after


def test_the_restricted_level_spares_no_unmasked_proc() -> None:
    assert len(told(UNMASKED, "restricted")) == 1


def test_every_rule_has_its_place() -> None:
    """A replaced rule is one of the level below; both levels are told in the order of their names, as upstream sorts them."""
    names = {rule.name for rule in BASELINE}
    assert {rule.replaces for rule in RESTRICTED if rule.replaces} <= names and NEWEST == 35
    for rules in (BASELINE, RESTRICTED):
        assert [rule.name for rule in rules] == sorted(rule.name for rule in rules)
        assert all(list(rule.revisions) == sorted(rule.revisions, key=lambda found: found[0]) for rule in rules)
