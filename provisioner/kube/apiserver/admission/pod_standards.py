"""The Pod Security Standards: what pods of each level may not do, release by release, told in upstream's words.

Source: "Pod Security Standards" of the Kubernetes documentation; KEP-2579 (levels and versions), KEP-127 (user namespaces), KEP-4940 (hosts).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from provisioner.kube.api._generated import core_v1

LEVELS = ("privileged", "baseline", "restricted")
VERSION = re.compile(r"v1\.(0|[1-9][0-9]*)")

_PROFILES = ("RuntimeDefault", "Localhost")
SECCOMP_POD, SECCOMP_CONTAINER = "seccomp.security.alpha.kubernetes.io/pod", "container.seccomp.security.alpha.kubernetes.io/"
_APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
_CAPABILITIES = frozenset(
    [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ]
)
_SYSCTLS = frozenset(
    [
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
    ]
)
_SYSCTLS_27 = _SYSCTLS | {"net.ipv4.ip_local_reserved_ports"}
_SYSCTLS_29 = _SYSCTLS_27 | {f"net.ipv4.tcp_{name}" for name in ("keepalive_time", "fin_timeout", "keepalive_intvl", "keepalive_probes")}
_SYSCTLS_32 = _SYSCTLS_29 | {"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"}
_SELINUX = frozenset({"container_t", "container_init_t", "container_kvm_t"})
_SELINUX_31 = _SELINUX | {"container_engine_t"}
_VOLUMES = frozenset(["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"])
_VOLUME_FIELDS = tuple(f for f in msgspec.structs.fields(core_v1.Volume) if f.name != "name")


@dataclass(frozen=True)
class Finding:
    """What a pod does that its level does not allow: in short, and where."""

    reason: str
    detail: str

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})"


class Judged:
    """A pod, or a workload's template of one, as the checks look at it."""

    def __init__(self, spec: core_v1.PodSpec, annotations: Mapping[str, str] | None = None) -> None:
        self.spec, self.annotations = spec, annotations or {}
        self.containers: list[Any] = [*(spec.init_containers or ()), *(spec.containers or ()), *(spec.ephemeral_containers or ())]
        self.own: Any = spec.security_context or core_v1.PodSecurityContext()
        self.contexts: list[Any] = [c.security_context or core_v1.SecurityContext() for c in self.containers]
        self.is_windows = spec.os is not None and spec.os.name == "windows"
        self.has_user_namespace = spec.host_users is False

    def containers_that(self, are_bad: Callable[[Any], Any]) -> list[str]:
        """Names of the containers whose security context is bad."""
        return [c.name for c, context in zip(self.containers, self.contexts, strict=True) if are_bad(context)]

    def setters(self, is_bad: Callable[[Any], Any]) -> str:
        """Who has a security context that is bad: the pod, containers, both; "" for nobody."""
        names = self.containers_that(is_bad)
        return " and ".join((["pod"] if is_bad(self.own) else []) + ([_named("container", names)] if names else []))

    def values(self, of: Callable[[Any], str | None]) -> set[str]:
        """What the contexts of the pod and of its containers have there."""
        return {found for context in (self.own, *self.contexts) if (found := of(context)) is not None}


Check = Callable[[Judged], Finding | None]


@dataclass(frozen=True)
class Rule:
    """`revisions`: from which minor release of the standards (v1.N) on which check holds, oldest first. `replaces`: the rule of the
    level below that is left out while this one holds."""

    name: str
    revisions: tuple[tuple[int, Check], ...]
    replaces: str = ""

    def at(self, minor: int) -> Check | None:
        return next((check for since, check in reversed(self.revisions) if since <= minor), None)


def findings(judged: Judged, level: str, version: str = "latest") -> list[Finding]:
    """In upstream's order. An unknown level is as strict as there is; an unknown version, or one that is yet to come, the latest."""
    if level == "privileged":
        return []
    minor = int(version.partition(".")[2]) if VERSION.fullmatch(version) else NEWEST
    rules = [rule for rule in (BASELINE if level == "baseline" else (*BASELINE, *RESTRICTED)) if rule.at(minor) is not None]
    replaced = {rule.replaces for rule in rules}
    checks = [check for rule in rules if rule.name not in replaced and (check := rule.at(minor)) is not None]
    return [found for check in checks if (found := check(judged)) is not None]


def _quoted(values: Iterable[str]) -> str:
    return ", ".join(f'"{value}"' for value in values)


def _many(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"


def _named(noun: str, names: list[str]) -> str:
    return f"{_many(noun, len(names))} {_quoted(names)}"


# -- baseline ------------------------------------------------------------------------------------------------------


def _app_armor(judged: Judged) -> Finding | None:
    def bad(context: Any) -> str | None:
        profile = context.app_armor_profile
        return profile.type or "" if profile is not None and profile.type not in _PROFILES else None

    noted = [
        f'{key}="{value}"'
        for key, value in sorted(judged.annotations.items())
        if key.startswith(_APP_ARMOR) and value not in ("", "runtime/default") and not value.startswith("localhost/")
    ]
    setters = [who for who in (judged.setters(lambda c: bad(c) is not None), _many("annotation", len(noted)) if noted else "") if who]
    if not setters:
        return None
    values = [*sorted(judged.values(bad)), *noted]
    profiles = _many("forbidden AppArmor profile", len(values))
    return Finding(profiles, f"{' and '.join(setters)} must not set AppArmor profile type to {_quoted(values)}")


def _added(context: Any, allowed: Iterable[str]) -> set[str]:
    return set((context.capabilities.add if context.capabilities is not None else None) or ()) - set(allowed)


def _added_capabilities(judged: Judged, allowed: Iterable[str]) -> str:
    names = judged.containers_that(lambda c: _added(c, allowed))
    added = sorted({name for context in judged.contexts for name in _added(context, allowed)})
    return f"{_named('container', names)} must not include {_quoted(added)} in securityContext.capabilities.add" if names else ""


def _capabilities(judged: Judged) -> Finding | None:
    detail = _added_capabilities(judged, _CAPABILITIES)
    return Finding("non-default capabilities", detail) if detail else None


def _host_namespaces(judged: Judged) -> Finding | None:
    spec = judged.spec
    shared = [name for name, on in (("hostNetwork", spec.host_network), ("hostPID", spec.host_pid), ("hostIPC", spec.host_ipc)) if on]
    return Finding("host namespaces", ", ".join(f"{name}=true" for name in shared)) if shared else None


def _host_paths(judged: Judged) -> Finding | None:
    names = [v.name or "" for v in judged.spec.volumes or () if v.host_path is not None]
    return Finding("hostPath volumes", _named("volume", names)) if names else None


def _host_ports(judged: Judged) -> Finding | None:
    taken = {c.name: [str(p.host_port) for p in c.ports or () if p.host_port] for c in judged.containers}
    names = [name for name, ports in taken.items() if ports]
    if not names:
        return None
    ports = sorted({port for found in taken.values() for port in found})
    use = "uses" if len(names) == 1 else "use"
    return Finding("hostPort", f"{_named('container', names)} {use} {_many('hostPort', len(ports))} {', '.join(ports)}")


def _other_hosts(judged: Judged) -> Finding | None:
    """Probes and hooks ask their own pod."""
    found: dict[str, set[str]] = {}
    for container in judged.containers:
        hooks = container.lifecycle
        checks = [container.liveness_probe, container.readiness_probe, container.startup_probe]
        checks += [hooks.post_start, hooks.pre_stop] if hooks is not None else []
        actions = [action for check in checks if check is not None for action in (check.http_get, check.tcp_socket)]
        if hosts := {action.host for action in actions if action is not None and action.host}:
            found[container.name] = hosts
    if not found:
        return None
    asked = sorted({host for hosts in found.values() for host in hosts})
    use = "uses" if len(found) == 1 else "use"
    what = _many("probe or lifecycle host", len(asked))
    return Finding("probe or lifecycle host", f"{_named('container', sorted(found))} {use} {what} {_quoted(asked)}")


def _privileged(judged: Judged) -> Finding | None:
    names = judged.containers_that(lambda c: c.privileged)
    return Finding("privileged", f"{_named('container', names)} must not set securityContext.privileged=true") if names else None


def _proc_mount(judged: Judged, *, spare_user_namespaces: bool = False) -> Finding | None:
    names = judged.containers_that(lambda c: c.proc_mount not in (None, "Default"))
    if not names or (spare_user_namespaces and judged.has_user_namespace):
        return None
    values = sorted({c.proc_mount for c in judged.contexts} - {None, "Default"})
    return Finding("procMount", f"{_named('container', names)} must not set securityContext.procMount to {_quoted(values)}")


def _selinux(judged: Judged, allowed: frozenset[str]) -> Finding | None:
    def of(context: Any) -> core_v1.SELinuxOptions:
        return context.se_linux_options or core_v1.SELinuxOptions()

    def bad_type(context: Any) -> str | None:
        wanted = of(context).type
        return wanted if wanted and wanted not in allowed else None

    setters = judged.setters(lambda c: bad_type(c) or of(c).user or of(c).role)
    if not setters:
        return None
    types = sorted(judged.values(bad_type))
    said = [_named("type", types)] if types else []
    said += ["user may not be set"] if any(judged.values(lambda c: of(c).user)) else []
    said += ["role may not be set"] if any(judged.values(lambda c: of(c).role)) else []
    return Finding("seLinuxOptions", f"{setters} set forbidden securityContext.seLinuxOptions: {'; '.join(said)}")


def _seccomp_annotations(judged: Judged) -> Finding | None:
    keys = {SECCOMP_POD, *(SECCOMP_CONTAINER + c.name for c in judged.containers)}
    allowed = ("runtime/default", "docker/default")
    bad = [
        f'{key}="{value}"'
        for key, value in sorted(judged.annotations.items())
        if key in keys and value not in allowed and not value.startswith("localhost/")
    ]
    return Finding("seccompProfile", f"forbidden {_many('annotation', len(bad))} {', '.join(bad)}") if bad else None


def _seccomp(judged: Judged) -> Finding | None:
    def bad(context: Any) -> str | None:
        profile = context.seccomp_profile
        return profile.type or "" if profile is not None and profile.type not in _PROFILES else None

    setters = judged.setters(lambda c: bad(c) is not None)
    detail = f"{setters} must not set securityContext.seccompProfile.type to {_quoted(sorted(judged.values(bad)))}"
    return Finding("seccompProfile", detail) if setters else None


def _sysctls(judged: Judged, allowed: frozenset[str]) -> Finding | None:
    bad = [s.name or "" for s in judged.own.sysctls or () if s.name not in allowed]
    return Finding("forbidden sysctls", ", ".join(bad)) if bad else None


def _host_process(judged: Judged) -> Finding | None:
    setters = judged.setters(lambda c: c.windows_options is not None and c.windows_options.host_process)
    return Finding("hostProcess", f"{setters} must not set securityContext.windowsOptions.hostProcess=true") if setters else None


# -- restricted ----------------------------------------------------------------------------------------------------


def _not_on_windows(check: Check) -> Check:
    """Windows has neither capabilities nor seccomp, nor ways to gain privileges."""
    return lambda judged: None if judged.is_windows else check(judged)


def _not_in_user_namespaces(check: Check) -> Check:
    """Root of a user namespace is nobody outside of it."""
    return lambda judged: None if judged.has_user_namespace else check(judged)


def _privilege_escalation(judged: Judged) -> Finding | None:
    names = judged.containers_that(lambda c: c.allow_privilege_escalation is not False)
    detail = f"{_named('container', names)} must set securityContext.allowPrivilegeEscalation=false"
    return Finding("allowPrivilegeEscalation != false", detail) if names else None


def _dropped_capabilities(judged: Judged) -> Finding | None:
    keeping = judged.containers_that(lambda c: c.capabilities is None or "ALL" not in (c.capabilities.drop or ()))
    said = [f'{_named("container", keeping)} must set securityContext.capabilities.drop=["ALL"]'] if keeping else []
    added = _added_capabilities(judged, {"NET_BIND_SERVICE"})
    said += [added] if added else []
    return Finding("unrestricted capabilities", "; ".join(said)) if said else None


def _volumes(judged: Judged) -> Finding | None:
    bad: list[str] = []
    kinds: set[str] = set()
    for volume in judged.spec.volumes or ():
        found = {f.encode_name for f in _VOLUME_FIELDS if getattr(volume, f.name) is not None}
        if not found & _VOLUMES:
            bad.append(volume.name or "")
            kinds |= found or {"unknown"}
    if not bad:
        return None
    use = "uses" if len(bad) == 1 else "use"
    what = _many("restricted volume type", len(kinds))
    return Finding("restricted volume types", f"{_named('volume', bad)} {use} {what} {_quoted(sorted(kinds))}")


def _non_root(judged: Judged) -> Finding | None:
    setters = judged.setters(lambda c: c.run_as_non_root is False)
    if setters:
        return Finding("runAsNonRoot != true", f"{setters} must not set securityContext.runAsNonRoot=false")
    silent = [] if judged.own.run_as_non_root else judged.containers_that(lambda c: c.run_as_non_root is None)
    detail = f"pod or {_named('container', silent)} must set securityContext.runAsNonRoot=true"
    return Finding("runAsNonRoot != true", detail) if silent else None


def _root(judged: Judged) -> Finding | None:
    setters = judged.setters(lambda c: c.run_as_user == 0)
    return Finding("runAsUser=0", f"{setters} must not set runAsUser=0") if setters else None


def _seccomp_wanted(judged: Judged) -> Finding | None:
    bad = _seccomp(judged)
    if bad is not None:
        return bad
    silent = [] if judged.own.seccomp_profile is not None else judged.containers_that(lambda c: c.seccomp_profile is None)
    wanted = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    return Finding("seccompProfile", f"pod or {_named('container', silent)} {wanted}") if silent else None


# In the order of upstream's names, which is the order of its messages.
BASELINE = (
    Rule("appArmorProfile", ((0, _app_armor),)),
    Rule("capabilities_baseline", ((0, _capabilities),)),
    Rule("hostNamespaces", ((0, _host_namespaces),)),
    Rule("hostPathVolumes", ((0, _host_paths),)),
    Rule("hostPorts", ((0, _host_ports),)),
    Rule("hostProbesAndHostLifecycle", ((34, _other_hosts),)),
    Rule("privileged", ((0, _privileged),)),
    Rule("procMount", ((0, _proc_mount), (35, partial(_proc_mount, spare_user_namespaces=True)))),
    Rule("seLinuxOptions", ((0, partial(_selinux, allowed=_SELINUX)), (31, partial(_selinux, allowed=_SELINUX_31)))),
    Rule("seccompProfile_baseline", ((0, _seccomp_annotations), (19, _seccomp))),
    Rule(
        "sysctls",
        tuple(
            (since, partial(_sysctls, allowed=a)) for since, a in ((0, _SYSCTLS), (27, _SYSCTLS_27), (29, _SYSCTLS_29), (32, _SYSCTLS_32))
        ),
    ),
    Rule("windowsHostProcess", ((0, _host_process),)),
)
RESTRICTED = (
    Rule("allowPrivilegeEscalation", ((8, _privilege_escalation), (25, _not_on_windows(_privilege_escalation)))),
    Rule("capabilities_restricted", ((22, _dropped_capabilities), (25, _not_on_windows(_dropped_capabilities))), "capabilities_baseline"),
    Rule("procMount_restricted", ((35, _proc_mount),), "procMount"),
    Rule("restrictedVolumes", ((0, _volumes),), "hostPathVolumes"),
    Rule("runAsNonRoot", ((0, _non_root), (35, _not_in_user_namespaces(_non_root)))),
    Rule("runAsUser", ((23, _root), (35, _not_in_user_namespaces(_root)))),
    Rule("seccompProfile_restricted", ((19, _seccomp_wanted), (25, _not_on_windows(_seccomp_wanted))), "seccompProfile_baseline"),
)
NEWEST = max(since for rule in (*BASELINE, *RESTRICTED) for since, _ in rule.revisions)
