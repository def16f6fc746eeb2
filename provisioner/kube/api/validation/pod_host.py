"""What a pod has of its host: kernel settings, user namespaces, the words of its operating system; and what containers owe their pod."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from provisioner.kube.api import errors, names
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation.checks import Once, name_needed, named, needed

SYSCTL_LENGTH = 253
# As many as Linux has room for.
MAX_HOSTNAME = 64
WINDOWS_SIGNALS = ("SIGKILL", "SIGTERM")
_REAL_TIME = 15
LINUX_SIGNALS = (
    *("SIGABRT", "SIGALRM", "SIGBUS", "SIGCHLD", "SIGCLD", "SIGCONT", "SIGFPE", "SIGHUP", "SIGILL", "SIGINT", "SIGIO", "SIGIOT", "SIGKILL"),
    *("SIGPIPE", "SIGPOLL", "SIGPROF", "SIGPWR", "SIGQUIT", "SIGRTMAX", *(f"SIGRTMAX-{n}" for n in range(1, _REAL_TIME)), "SIGRTMIN"),
    *(f"SIGRTMIN+{n}" for n in range(1, _REAL_TIME + 1)),
    *("SIGSEGV", "SIGSTKFLT", "SIGSTOP", "SIGSYS", "SIGTERM", "SIGTRAP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGUSR1", "SIGUSR2"),
    *("SIGVTALRM", "SIGWINCH", "SIGXCPU", "SIGXFSZ"),
)
_SEGMENT = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
SYSCTL = rf"^({_SEGMENT}[\./])*{_SEGMENT}$"
_SHARED = re.compile(r"kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|fs\.mqueue\..*")
# Attributes that say nothing to Windows.
_POD_WORDS = (
    *("app_armor_profile", "fs_group", "fs_group_change_policy", "run_as_group", "run_as_user", "se_linux_change_policy"),
    *("se_linux_options", "seccomp_profile", "supplemental_groups", "supplemental_groups_policy", "sysctls"),
)
_CONTAINER_WORDS = (
    *("allow_privilege_escalation", "app_armor_profile", "capabilities", "privileged", "proc_mount", "read_only_root_filesystem"),
    *("run_as_group", "run_as_user", "se_linux_options", "seccomp_profile"),
)
_SPEC_WORDS = ("host_ipc", "host_pid", "host_users", "share_process_namespace")


def host(found: core_v1.PodSpec, path: str) -> list[FieldError]:
    """Of a PodSpec at a path, but for what stands alone below."""
    return _of_containers(found, path) + _processes(found, path) + _users(found, path)


def override(found: core_v1.PodSpec, path: str) -> list[FieldError]:
    """A host name instead of the one that is made of the pod's fits the kernel, and is the pod's own."""
    name, where = found.hostname_override, f"{path}.hostnameOverride"
    if name is None:
        return []
    problems = [errors.too_long(where, MAX_HOSTNAME)] if len(name) > MAX_HOSTNAME else []
    problems += [errors.invalid_value(where, name, message) for message in names.is_dns_subdomain(name)]
    if found.host_network:
        problems.append(errors.forbidden_field(where, "may not be specified when hostNetwork is true"))
    if found.set_hostname_as_fqdn:
        problems.append(errors.forbidden_field(where, "may not be specified when setHostnameAsFQDN is true"))
    return problems


def sysctls(found: core_v1.PodSpec, path: str) -> list[FieldError]:
    context = found.security_context
    problems: list[FieldError] = []
    seen = Once()
    for index, sysctl in enumerate(context.sysctls or () if context is not None else ()):
        where, name = f"{path}.securityContext.sysctls[{index}].name", sysctl.name or ""
        plain = name.replace("/", ".")
        if not name:
            problems += needed(where, name)
        elif len(name) > SYSCTL_LENGTH or not re.match(SYSCTL, name):
            problems.append(errors.invalid_value(where, name, f"must have at most {SYSCTL_LENGTH} characters and match regex {SYSCTL}"))
        elif found.host_network and plain.startswith("net."):
            problems.append(errors.invalid_value(where, name, "may not be specified when 'hostNetwork' is true"))
        elif found.host_ipc and _SHARED.fullmatch(plain):
            problems.append(errors.invalid_value(where, name, "may not be specified when 'hostIPC' is true"))
        problems += seen.add(where, name)
    return problems


def _users(found: core_v1.PodSpec, path: str) -> list[FieldError]:
    """Users of its own a pod has only where it has no namespace of the host's."""
    if found.host_users is not False:
        return []
    shared = {"hostNetwork": found.host_network, "hostPID": found.host_pid, "hostIPC": found.host_ipc}
    return [errors.forbidden_field(f"{path}.{name}", "when `pod.Spec.HostUsers` is false") for name, value in shared.items() if value]


def system(found: core_v1.PodSpec, path: str) -> list[FieldError]:
    if found.os is None:
        return []
    if not found.os.name:
        return [errors.required(f"{path}.os.name", "cannot be empty")]
    if found.os.name not in ("linux", "windows"):
        return [errors.not_supported(f"{path}.os", found.os.name, ("linux", "windows"))]
    contexts = [(f"{where}.securityContext", one.security_context) for where, one in _each(found, path)]
    contexts = [(where, context) for where, context in contexts if context is not None]
    own = found.security_context
    if found.os.name == "linux":
        given = [
            where for where, context in (*contexts, (f"{path}.securityContext", own)) if context is not None and context.windows_options
        ]
        return [errors.forbidden_field(f"{where}.windowsOptions", "windows options cannot be set for a linux pod") for where in given]
    wrong = list(_set(found, _SPEC_WORDS, path)) + (list(_set(own, _POD_WORDS, f"{path}.securityContext")) if own is not None else [])
    for where, context in contexts:
        wrong += _set(context, _CONTAINER_WORDS, where)
    return [errors.forbidden_field(where, "cannot be set for a windows pod") for where in wrong]


def _set(obj: Any, attributes: tuple[str, ...], path: str) -> Iterator[str]:
    names = dict(zip(obj.__struct_fields__, obj.__struct_encode_fields__, strict=True))
    for attribute in attributes:
        if getattr(obj, attribute) is not None:
            yield f"{path}.{names[attribute]}"


def _each(found: core_v1.PodSpec, path: str) -> Iterator[tuple[str, Any]]:
    for field, group in (
        ("initContainers", found.init_containers),
        ("containers", found.containers),
        ("ephemeralContainers", found.ephemeral_containers),
    ):
        for index, one in enumerate(group or ()):
            yield f"{path}.{field}[{index}]", one


def _of_containers(found: core_v1.PodSpec, path: str) -> list[FieldError]:
    """Stop signals are the system's, claims are the pod's."""
    problems = []
    claims = {claim.name for claim in found.resource_claims or ()}
    for where, one in _each(found, path):
        if one.lifecycle is not None and one.lifecycle.stop_signal:
            problems += _signal(one.lifecycle.stop_signal, f"{where}.lifecycle.stopSignal", found.os.name if found.os is not None else None)
        used = Once()
        for index, claim in enumerate((one.resources.claims if one.resources is not None else None) or ()):
            if claim.name not in claims:
                problems.append(errors.not_found_field(f"{where}.resources.claims[{index}]", claim.name))
            problems += used.add(f"{where}.resources.claims[{index}]", (claim.name, claim.request), f"{claim.name}{_part(claim.request)}")
        context = one.security_context
        if context is not None and context.proc_mount == "Unmasked" and found.host_users is not False:
            message = "`hostUsers` must be false to use `Unmasked`"
            problems.append(errors.invalid_value(f"{where}.securityContext.procMount", "Unmasked", message))
    return problems


def _part(request: str | None) -> str:
    return f"/{request}" if request else ""


def _signal(signal: str, path: str, system: str | None) -> list[FieldError]:
    """What a container is stopped by is a word of its system's."""
    if system is None:
        return [errors.forbidden_field(path, "may not be set for containers with empty `spec.os.name`")]
    known = WINDOWS_SIGNALS if system == "windows" else LINUX_SIGNALS
    return [] if signal in known else [errors.not_supported(path, signal, known)]


def _processes(found: core_v1.PodSpec, path: str) -> list[FieldError]:
    """Windows: containers that are processes of the host have its network."""
    own = found.security_context
    options = [c.security_context.windows_options for _, c in _each(found, path) if c.security_context is not None]
    options.append(own.windows_options if own is not None else None)
    if not any(given is not None and given.host_process for given in options) or found.host_network:
        return []
    message = "hostNetwork must be true if pod contains any hostProcess containers"
    return [errors.invalid_value(f"{path}.hostNetwork", False, message)]


def claims_of(found: core_v1.PodSpec, path: str) -> list[FieldError]:
    """A pod's resource claims: each is there already, or made from a template."""
    problems: list[FieldError] = []
    seen = Once()
    for index, claim in enumerate(found.resource_claims or ()):
        where = f"{path}.resourceClaims[{index}]"
        problems += name_needed(f"{where}.name", claim.name, names.is_dns_label) + seen.add(f"{where}.name", claim.name)
        given, template = claim.resource_claim_name, claim.resource_claim_template_name
        if given is not None and template is not None:
            message = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            problems.append(errors.invalid_value(where, claim, message))
        elif given is None and template is None:
            problems.append(errors.invalid_value(where, claim, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"))
        problems += named(f"{where}.resourceClaimName", given, names.is_dns_subdomain)
        problems += named(f"{where}.resourceClaimTemplateName", template, names.is_dns_subdomain)
    return problems
