"""PodSecurity: pods (and the templates of workloads) against the Pod Security Standards, as the namespace's labels ask.

`enforce` refuses pods, `warn` tells whoever sends pods or workloads, `audit` leaves a note. Source: the Pod Security Standards.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import FieldError, forbidden, invalid, invalid_value
from provisioner.kube.apiserver.admission.chain import Plugin
from provisioner.kube.apiserver.admission.settings import PodSecurityConfiguration
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.storage.cache import WatchCache

PREFIX = "pod-security.kubernetes.io/"
LEVELS = ("privileged", "baseline", "restricted")
MODES = ("enforce", "audit", "warn")
_VERSION = re.compile(r"latest|v1\.(0|[1-9][0-9]*)")
# Pods that are looked at when a namespace gets stricter: upstream's bound.
PODS_LOOKED_AT = 3000
# Where each workload has its pod template.
_TEMPLATES: dict[str, Callable[[Any], Any]] = {
    "core/pods": lambda obj: obj.spec,
    "core/podtemplates": lambda obj: obj.template.spec if obj.template else None,
    "core/replicationcontrollers": lambda obj: obj.spec.template.spec if obj.spec.template else None,
    "batch/cronjobs": lambda obj: obj.spec.job_template.spec.template.spec if obj.spec.job_template else None,
    **{
        f"apps/{p}": lambda obj: obj.spec.template.spec if obj.spec.template else None
        for p in ("deployments", "replicasets", "daemonsets", "statefulsets")
    },
    "batch/jobs": lambda obj: obj.spec.template.spec if obj.spec.template else None,
}
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
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_wmem",
    ]
)
_VOLUMES = ("config_map", "csi", "downward_api", "empty_dir", "ephemeral", "persistent_volume_claim", "projected", "secret")
_SELINUX = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")


class PodSecurity(Plugin):
    """`configuration` has what holds where a namespace says nothing, and who is exempt."""

    name = "PodSecurity"
    kinds = frozenset({"core/namespaces", *_TEMPLATES})

    def __init__(self, cache: WatchCache, configuration: PodSecurityConfiguration | None = None) -> None:
        self._cache, self._configuration = cache, configuration or PodSecurityConfiguration()
        self._defaults = self._configuration.defaults.labels()

    async def validate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        if kind.stored_as == "core/namespaces":
            self._namespace(call, new, old)
            return
        template = _TEMPLATES.get(kind.stored_as)
        if template is None or (call.target.subresource and call.target.subresource not in ("ephemeralcontainers", "resize")):
            return
        exempt = self._configuration.exemptions
        if call.target.namespace in exempt.namespaces or call.user.name in exempt.usernames:
            return
        namespace = self._cache.collection("core/namespaces").entries.get(call.target.namespace)
        levels = self._levels(namespace.labels if namespace is not None else {})
        if all(levels[mode][0] == "privileged" for mode in MODES):
            return
        spec = template(new)
        is_pod = kind.stored_as == "core/pods"
        if spec is None or (is_pod and old is not None and old.spec == new.spec):
            return
        if spec.runtime_class_name and spec.runtime_class_name in exempt.runtime_classes:
            return
        if is_pod:
            call.annotations["pod-security.kubernetes.io/enforce-policy"] = ":".join(levels["enforce"])
            found = _told(spec, *levels["enforce"])
            if found:
                raise forbidden("pods", new.metadata.name or new.metadata.generate_name or "", f"violates PodSecurity {found}")
        found = _told(spec, *levels["audit"])
        if found:
            call.annotations["pod-security.kubernetes.io/audit-violations"] = f"would violate PodSecurity {found}"
        found = _told(spec, *levels["warn"])
        if found:
            call.warnings.append(f"would violate PodSecurity {found}")

    def _levels(self, labels: Mapping[str, str]) -> dict[str, tuple[str, str]]:
        """mode -> (level, version). A label that can't be read is as strict as there is."""
        found = {}
        for mode in MODES:
            level = labels.get(PREFIX + mode, self._defaults[mode])
            version = labels.get(f"{PREFIX}{mode}-version", self._defaults[f"{mode}-version"])
            found[mode] = (level if level in LEVELS else "restricted", version)
        return found

    def _namespace(self, call: Call, new: Obj, old: Obj | None) -> None:
        """Labels must be right; who makes a namespace stricter is told which of its pods would not be let in again."""
        labels, before = new.metadata.labels or {}, (old.metadata.labels if old is not None else None) or {}
        wrong = [error for key, value in labels.items() if before.get(key) != value and (error := _wrong_label(key, value))]
        if wrong:
            raise invalid("Namespace", new.metadata.name or "", wrong)
        if old is None or call.target.subresource:
            return
        wanted, was = self._levels(labels)["enforce"], self._levels(before)["enforce"]
        name = new.metadata.name or ""
        exempt = self._configuration.exemptions
        if wanted == was or LEVELS.index(wanted[0]) < LEVELS.index(was[0]) or wanted[0] == "privileged" or name in exempt.namespaces:
            return
        self._warn_of_pods(call, name, wanted)

    def _warn_of_pods(self, call: Call, namespace: str, wanted: tuple[str, str]) -> None:
        found: dict[str, list[str]] = {}
        for entry in self._cache.collection("core/pods").page(f"{namespace}/")[:PODS_LOOKED_AT]:
            pod = codec.decode(core_v1.Pod, entry.data)
            if pod.spec.runtime_class_name and pod.spec.runtime_class_name in self._configuration.exemptions.runtime_classes:
                continue
            # As upstream: only what is violated is said, not by which container.
            reasons = ", ".join(text.partition(" (")[0] for text in violations(pod.spec, *wanted))
            if reasons:
                found.setdefault(reasons, []).append(pod.metadata.name or "")
        if not found:
            return
        call.warnings.append(f'existing pods in namespace "{namespace}" violate the new PodSecurity enforce level "{":".join(wanted)}"')
        for reasons, names in found.items():
            others = len(names) - 1
            more = f" (and {others} other pod{'s' if others > 1 else ''})" if others else ""
            call.warnings.append(f"{sorted(names)[0]}{more}: {reasons}")


def _told(spec: core_v1.PodSpec, level: str, version: str) -> str:
    found = violations(spec, level, version)
    return f'"{level}:{version}": {", ".join(found)}' if found else ""


def _wrong_label(key: str, value: str) -> FieldError | None:
    path = f"metadata.labels[{key}]"
    if key in {PREFIX + mode for mode in MODES} and value not in LEVELS:
        return invalid_value(path, value, f"must be one of {', '.join(LEVELS)}")
    if key in {f"{PREFIX}{mode}-version" for mode in MODES} and not _VERSION.fullmatch(value):
        return invalid_value(path, value, 'must be "latest" or "v1.x"')
    return None


def violations(spec: core_v1.PodSpec, level: str, version: str = "latest") -> list[str]:
    """What a pod does that a level does not allow, in upstream's words. An unknown level is as strict as there is; a version is as of that release."""
    if level == "privileged":
        return []
    found = list(_baseline(spec))
    if _is_since(version, 34):
        found += _hosts(spec)
    if level != "baseline":
        found += _restricted(spec, on_windows=_is_since(version, 25) and spec.os is not None and spec.os.name == "windows")
    return found


def _is_since(version: str, minor: int) -> bool:
    return version == "latest" or not _VERSION.fullmatch(version) or int(version.partition(".")[2]) >= minor


def _hosts(spec: core_v1.PodSpec) -> Iterator[str]:
    """Probes and hooks ask their own pod (KEP-4940)."""
    bad, hosts = [], set()
    for container in _containers(spec):
        hooks = container.lifecycle
        checks = [container.liveness_probe, container.readiness_probe, container.startup_probe]
        checks += [hooks.post_start, hooks.pre_stop] if hooks is not None else []
        actions = [action for check in checks if check is not None for action in (check.http_get, check.tcp_socket)]
        found = {action.host for action in actions if action is not None and action.host}
        if found:
            bad.append(container)
            hosts |= found
    if bad:
        listed = ", ".join(f'"{host}"' for host in sorted(hosts))
        yield f"probe or lifecycle host ({_who(bad)} must not set probe or lifecycle host {listed})"


def _containers(spec: core_v1.PodSpec) -> list[Any]:
    return [*(spec.init_containers or ()), *(spec.containers or ()), *(spec.ephemeral_containers or ())]


def _who(containers: list[Any]) -> str:
    names = ", ".join(f'"{c.name}"' for c in containers)
    return f"container{'s' if len(containers) > 1 else ''} {names}"


def _security(container: Any) -> core_v1.SecurityContext:
    return container.security_context or core_v1.SecurityContext()


def _baseline(spec: core_v1.PodSpec) -> Iterator[str]:
    containers = _containers(spec)
    pod: Any = spec.security_context or core_v1.PodSecurityContext()
    everyone: list[Any] = [pod, *(_security(c) for c in containers)]
    shared = [n for n, on in (("hostNetwork", spec.host_network), ("hostPID", spec.host_pid), ("hostIPC", spec.host_ipc)) if on]
    if shared:
        yield "host namespaces (" + ", ".join(f"{name}=true" for name in shared) + ")"
    setters = ["pod"] if _is_host_process(pod) else []
    bad = [c for c in containers if _is_host_process(_security(c))]
    setters += [_who(bad)] if bad else []
    if setters:
        yield f"hostProcess ({' and '.join(setters)} must not set securityContext.windowsOptions.hostProcess=true)"
    bad = [c for c in containers if _security(c).privileged]
    if bad:
        yield f"privileged ({_who(bad)} must not set securityContext.privileged=true)"
    bad, added = [], set()
    for container in containers:
        capabilities = _security(container).capabilities
        extra = {c.removeprefix("CAP_") for c in (capabilities.add if capabilities else None) or ()} - _CAPABILITIES
        if extra:
            bad.append(container)
            added |= extra
    if bad:
        listed = ", ".join(f'"{name}"' for name in sorted(added))
        yield f"non-default capabilities ({_who(bad)} must not include {listed} in securityContext.capabilities.add)"
    paths = [v.name for v in spec.volumes or () if v.host_path is not None]
    if paths:
        yield f"hostPath volumes (volume{'s' if len(paths) > 1 else ''} " + ", ".join(f'"{name}"' for name in paths) + ")"
    bad = [c for c in containers if any(p.host_port for p in c.ports or ())]
    if bad:
        ports = ", ".join(str(p.host_port) for c in bad for p in c.ports or () if p.host_port)
        yield f"hostPort ({_who(bad)} uses hostPort{'s' if ',' in ports else ''} {ports})"
    options = [s.se_linux_options for s in everyone if s.se_linux_options is not None]
    if any((o.type or "") not in _SELINUX or o.user or o.role for o in options):
        yield "seLinuxOptions (pod or containers set forbidden securityContext.seLinuxOptions)"
    bad = [c for c in containers if _security(c).proc_mount not in (None, "Default")]
    if bad:
        yield f'procMount ({_who(bad)} must not set securityContext.procMount to "Unmasked")'
    profiles = [s.seccomp_profile for s in everyone if s.seccomp_profile is not None]
    if any(p.type == "Unconfined" for p in profiles):
        yield 'seccompProfile (pod or containers must not set securityContext.seccompProfile.type to "Unconfined")'
    if any(p.type == "Unconfined" for s in everyone if (p := s.app_armor_profile) is not None):
        yield 'appArmorProfile (pod or containers must not set AppArmor profile type to "Unconfined")'
    sysctls = [s.name or "" for s in pod.sysctls or () if (s.name or "").replace("/", ".") not in _SYSCTLS]
    if sysctls:
        yield f"forbidden sysctls ({', '.join(sysctls)})"


def _is_host_process(context: Any) -> bool:
    return bool(context.windows_options is not None and context.windows_options.host_process)


def _restricted(spec: core_v1.PodSpec, *, on_windows: bool) -> Iterator[str]:
    """Windows knows neither capabilities nor seccomp, nor who would gain privileges."""
    containers = _containers(spec)
    linux = [] if on_windows else containers
    pod = spec.security_context or core_v1.PodSecurityContext()
    bad = [v.name for v in spec.volumes or () if not any(getattr(v, kind) is not None for kind in _VOLUMES)]
    if bad:
        listed = ", ".join(f'"{name}"' for name in bad)
        yield f"restricted volume types (volume{'s' if len(bad) > 1 else ''} {listed} uses a restricted volume type)"
    bad_containers = [c for c in linux if _security(c).allow_privilege_escalation is not False]
    if bad_containers:
        yield f"allowPrivilegeEscalation != false ({_who(bad_containers)} must set securityContext.allowPrivilegeEscalation=false)"
    keeping = [c for c in linux if "ALL" not in ((_security(c).capabilities or core_v1.Capabilities()).drop or ())]
    adding = [c for c in linux if set((_security(c).capabilities or core_v1.Capabilities()).add or ()) - {"NET_BIND_SERVICE"}]
    if keeping or adding:
        parts = [f'{_who(keeping)} must set securityContext.capabilities.drop=["ALL"]'] if keeping else []
        parts += (
            [f"{_who(adding)} must not include capabilities other than NET_BIND_SERVICE in securityContext.capabilities.add"]
            if adding
            else []
        )
        yield f"unrestricted capabilities ({'; '.join(parts)})"
    bad_containers = [
        c
        for c in containers
        if (_security(c).run_as_non_root if _security(c).run_as_non_root is not None else pod.run_as_non_root) is not True
    ]
    if bad_containers:
        yield f"runAsNonRoot != true (pod or {_who(bad_containers)} must set securityContext.runAsNonRoot=true)"
    roots = [c for c in containers if _security(c).run_as_user == 0]
    if pod.run_as_user == 0 or roots:
        who = "pod" if pod.run_as_user == 0 else _who(roots)
        yield f"runAsUser=0 ({who} must not set runAsUser=0)"
    bad_containers = [
        c
        for c in linux
        if (_security(c).seccomp_profile or pod.seccomp_profile or core_v1.SeccompProfile()).type not in ("RuntimeDefault", "Localhost")
    ]
    if bad_containers:
        yield f'seccompProfile (pod or {_who(bad_containers)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'
