"""Containers: names, images, ports, environment, probes, hooks, resources, security."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from provisioner.kube.api import errors, names, quantity
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.checks import Once, named, needed, not_negative, one_of, port, port_or_name, within
from provisioner.kube.api.validation.resource_names import is_shared, wrong_amount, wrong_in_container

PULL_POLICIES = ("Always", "IfNotPresent", "Never")
PROTOCOLS = ("SCTP", "TCP", "UDP")
MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
ENV_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
# Those of a pod, of which some are for variables and some for files.
_KNOWN_FIELDS = (
    *ENV_FIELDS,
    "metadata.annotations",
    "metadata.labels",
    "spec.host",
    "spec.restartPolicy",
    "spec.schedulerName",
    "status.phase",
)
_CPU_DIVISORS = ("1m", "1")
_BYTE_DIVISORS = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")
_SAID = {"ephemeral-storage": "local ephemeral storage"}
_HEADER = re.compile(r"[-A-Za-z0-9]+")
_NO_HEADER = "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')"
ENV_RESOURCES = tuple(f"{part}.{name}" for part in ("limits", "requests") for name in ("cpu", "ephemeral-storage", "memory"))
_SUBSCRIPT = re.compile(r"metadata\.(annotations|labels)\['(.*)'\]")
_PROFILES = ("Localhost", "RuntimeDefault", "Unconfined")
# An AppArmor profile's name fits a path of the kernel's.
MAX_PROFILE = 4095


def container(found: Any, path: str, mounted: list[FieldError], resized: list[FieldError]) -> list[FieldError]:
    """What containers of every sort share, in upstream's order, into which what is wrong with mounts and with resizing is put."""
    problems = checks.name_needed(f"{path}.name", found.name, names.is_dns_label) + needed(f"{path}.image", found.image)
    problems += one_of(f"{path}.terminationMessagePolicy", found.termination_message_policy, MESSAGE_POLICIES)
    problems += _ports(found, path) + _environment(found, path) + mounted
    problems += one_of(f"{path}.imagePullPolicy", found.image_pull_policy, PULL_POLICIES)
    problems += resources(found.resources, f"{path}.resources") + resized
    return problems + _security(found.security_context, f"{path}.securityContext")


def long_running(found: Any, path: str, grace_s: int | None) -> list[FieldError]:
    """Hooks and probes; a hook sleeps for `grace_s` at most."""
    return _lifecycle(found.lifecycle, f"{path}.lifecycle", grace_s) + _probes(found, path)


def padded(found: Any, path: str) -> list[FieldError]:
    """Templates are borne with spaces around an image's name, pods are not."""
    if not found.image or found.image == found.image.strip():
        return []
    return [errors.invalid_value(f"{path}.image", found.image, "must not have leading or trailing whitespace")]


def _ports(found: Any, path: str) -> list[FieldError]:
    problems = []
    seen = Once()
    for index, given in enumerate(found.ports or ()):
        where = f"{path}.ports[{index}]"
        if given.name:
            problems += named(f"{where}.name", given.name, names.is_port_name) or seen.add(f"{where}.name", given.name)
        problems += (
            port(f"{where}.containerPort", given.container_port) if given.container_port else [errors.required(f"{where}.containerPort")]
        )
        if given.host_port:
            problems += port(f"{where}.hostPort", given.host_port)
        problems += one_of(f"{where}.protocol", given.protocol, PROTOCOLS)
        if given.host_ip:
            problems += checks.address(f"{where}.hostIP", given.host_ip)
    return problems


def _environment(found: Any, path: str) -> list[FieldError]:
    problems = []
    for index, variable in enumerate(found.env or ()):
        where = f"{path}.env[{index}]"
        problems += checks.name_needed(f"{where}.name", variable.name, names.is_env_name)
        if variable.value_from is not None:
            problems += _source(variable, f"{where}.valueFrom")
    for index, given in enumerate(found.env_from or ()):
        where = f"{path}.envFrom[{index}]"
        problems += named(f"{where}.prefix", given.prefix, names.is_env_name)
        for name, reference in (("configMapRef", given.config_map_ref), ("secretRef", given.secret_ref)):
            if reference is not None:
                problems += checks.name_needed(f"{where}.{name}.name", reference.name)
        sources = checks.sources_of(given, but=("prefix",))
        if not sources:
            problems.append(errors.invalid_value(f"{path}.envFrom", "", "must specify one of: `configMapRef` or `secretRef`"))
        elif len(sources) > 1:
            problems.append(errors.invalid_value(f"{path}.envFrom", "", "may not have more than one field specified at a time"))
    return problems


def _source(variable: Any, path: str) -> list[FieldError]:
    found = variable.value_from
    sources = checks.sources_of(found)
    problems = []
    if found.field_ref is not None:
        problems += field_reference(found.field_ref, f"{path}.fieldRef", ENV_FIELDS)
    if found.resource_field_ref is not None:
        problems += needed(f"{path}.resourceFieldRef.resource", found.resource_field_ref.resource)
        asked = found.resource_field_ref.resource
        if asked and asked not in ENV_RESOURCES and ".hugepages-" not in asked:
            problems.append(errors.not_supported(f"{path}.resourceFieldRef.resource", asked, ENV_RESOURCES))
        problems += divisor(found.resource_field_ref, f"{path}.resourceFieldRef")
    for name, reference in (("configMapKeyRef", found.config_map_key_ref), ("secretKeyRef", found.secret_key_ref)):
        if reference is not None:
            problems += [
                errors.invalid_value(f"{path}.{name}.name", reference.name or "", m) for m in names.is_dns_subdomain(reference.name or "")
            ]
            problems += checks.name_needed(f"{path}.{name}.key", reference.key, names.is_config_key)
    if found.file_key_ref is not None:
        reference, where = found.file_key_ref, f"{path}.fileKeyRef"
        problems += checks.name_needed(f"{where}.key", reference.key, names.is_env_name)
        problems += checks.name_needed(f"{where}.volumeName", reference.volume_name, names.is_dns_label)
        problems += needed(f"{where}.path", reference.path) + checks.relative_path(f"{where}.path", reference.path)
    if not sources:
        message = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        problems.append(errors.invalid_value(path, "", message))
    elif variable.value:
        problems.append(errors.invalid_value(path, "", "may not be specified when `value` is not empty"))
    elif len(sources) > 1:
        problems.append(errors.invalid_value(path, "", "may not have more than one field specified at a time"))
    return problems


def divisor(found: Any, path: str) -> list[FieldError]:
    """What an amount is divided by: whole units, and thousandths of processors."""
    given, resource = found.divisor, (found.resource or "").partition(".")[2]
    if given in (None, "", "0", 0):
        return []
    allowed, said = (_CPU_DIVISORS, "cpu") if resource == "cpu" else (_BYTE_DIVISORS, _SAID.get(resource, resource))
    if quantity.canonical(given) in allowed:
        return []
    listed = f"{', '.join(allowed[:-1])} and {allowed[-1]}" if len(allowed) == 2 else ", ".join(allowed)
    message = f"only divisor's values {listed} are supported with the {said} resource"
    return [errors.invalid_value(f"{path}.divisor", resource, message)]


def field_reference(found: Any, path: str, allowed: tuple[str, ...]) -> list[FieldError]:
    """A reference to a field of the pod: one of the allowed, or a label or annotation by its key."""
    problems = needed(f"{path}.apiVersion", found.api_version) + needed(f"{path}.fieldPath", found.field_path)
    if problems or found.field_path in allowed:
        return problems
    subscript = _SUBSCRIPT.fullmatch(found.field_path)
    if subscript is None and found.field_path not in _KNOWN_FIELDS:
        with_key = found.field_path.endswith("']") and "['" in found.field_path
        why = f"error converting fieldPath: field label {'does not support subscript' if with_key else 'not supported'}: {found.field_path}"
        return [errors.invalid_value(f"{path}.fieldPath", found.field_path, why)]
    if subscript is None:
        return [errors.not_supported(f"{path}.fieldPath", found.field_path, allowed)]
    key = subscript[2].lower() if subscript[1] == "annotations" else subscript[2]
    return [errors.invalid_value(path, subscript[2], message) for message in names.is_qualified_name(key)]


# -- probes and hooks ------------------------------------------------------------------------------------------------------


def _probes(found: Any, path: str) -> list[FieldError]:
    problems = []
    for attribute, name in (("liveness_probe", "livenessProbe"), ("readiness_probe", "readinessProbe"), ("startup_probe", "startupProbe")):
        probe, where = getattr(found, attribute), f"{path}.{name}"
        if probe is None:
            continue
        problems += _handler(probe, where, ("exec", "httpGet", "tcpSocket", "grpc"))
        for field, value in (
            ("initialDelaySeconds", probe.initial_delay_seconds),
            ("timeoutSeconds", probe.timeout_seconds),
            ("periodSeconds", probe.period_seconds),
            ("successThreshold", probe.success_threshold),
            ("failureThreshold", probe.failure_threshold),
        ):
            problems += not_negative(f"{where}.{field}", value)
        grace_s = probe.termination_grace_period_seconds
        if grace_s is not None and attribute == "readiness_probe":
            problems.append(errors.invalid_value(f"{where}.terminationGracePeriodSeconds", grace_s, "must not be set for readinessProbes"))
        elif grace_s is not None and grace_s <= 0:
            problems.append(errors.invalid_value(f"{where}.terminationGracePeriodSeconds", grace_s, "must be greater than 0"))
        if attribute != "readiness_probe" and (probe.success_threshold or 0) > 1:
            problems.append(errors.invalid_value(f"{where}.successThreshold", probe.success_threshold, "must be 1"))
    return problems


def _lifecycle(found: Any, path: str, grace_s: int | None) -> list[FieldError]:
    problems = []
    for name, handler in (("postStart", found.post_start), ("preStop", found.pre_stop)) if found is not None else ():
        if handler is not None:
            problems += _handler(handler, f"{path}.{name}", ("exec", "httpGet", "tcpSocket", "sleep"), grace_s)
    return problems


def _handler(found: Any, path: str, kinds: tuple[str, ...], grace_s: int | None = None) -> list[FieldError]:
    given = [name for name in checks.sources_of(found) if name in kinds]
    if not given:
        return [errors.required(path, "must specify a handler type")]
    problems: list[FieldError] = []
    where = f"{path}.{given[0]}"
    if given[0] == "exec":
        problems += needed(f"{where}.command", getattr(found, "exec", None) and found.exec.command)
    elif given[0] == "httpGet":
        problems += needed(f"{where}.path", found.http_get.path) + port_or_name(f"{where}.port", found.http_get.port)
        problems += one_of(f"{where}.scheme", found.http_get.scheme, ("HTTP", "HTTPS"))
        for header in found.http_get.http_headers or ():
            if not _HEADER.fullmatch(header.name or ""):
                problems.append(errors.invalid_value(f"{where}.httpHeaders", header.name or "", _NO_HEADER))
    elif given[0] == "tcpSocket":
        problems += port_or_name(f"{where}.port", found.tcp_socket.port)
    elif given[0] == "grpc":
        problems += port(f"{where}.port", found.grpc.port)
    elif given[0] == "sleep" and grace_s is not None and not 0 <= (found.sleep.seconds or 0) <= grace_s:
        message = f"must be non-negative and less than terminationGracePeriodSeconds ({grace_s})"
        problems.append(errors.invalid_value(where, found.sleep.seconds or 0, message))
    return problems + [errors.forbidden_field(f"{path}.{name}", "may not specify more than 1 handler type") for name in given[1:]]


# -- resources and security ------------------------------------------------------------------------------------------------


def resources(found: Any, path: str, wrong_name: Callable[[str, str], list[FieldError]] = wrong_in_container) -> list[FieldError]:
    """Requests and limits: quantities, none negative, no request above its limit; what can't be shared is asked for in full."""
    problems: list[FieldError] = []
    if found is None:
        return problems
    exact: dict[tuple[str, str], Any] = {}
    for field in ("limits", "requests"):
        for name, value in (getattr(found, field) or {}).items():
            where = f"{path}.{field}[{name}]"
            wrong = wrong_amount(name, value, where)
            problems += wrong_name(name, where) + wrong
            if not wrong:
                exact[(field, name)] = quantity.parse(value)
    problems += _pages(exact, found, path)
    for (field, name), asked in exact.items():
        if field == "requests":
            problems += _against_limit(name, asked, exact.get(("limits", name)), found, path)
    return problems


def _pages(exact: dict[tuple[str, str], Any], found: Any, path: str) -> list[FieldError]:
    """Huge pages come whole, and beside cpu or memory."""
    pages = [key for key in exact if key[1].startswith("hugepages-")]
    if not pages:
        return []
    problems = []
    for field, name in pages:
        size = name.removeprefix("hugepages-")
        try:
            whole = exact[field, name] > 0 and exact[field, name] % quantity.parse(size) == 0
        except (quantity.QuantityError, ZeroDivisionError):
            problems.append(errors.invalid_value(f"{path}.{field}[{name}]", name, "must name the size of its pages"))
            continue
        if not whole:
            shown = quantity.canonical(getattr(found, field)[name])
            message = f"{shown} is not positive integer multiple of {size}"
            problems.append(errors.invalid_value(f"{path}.{field}[{name}]", shown, message))
    if not any(name in ("cpu", "memory") for _, name in exact):
        problems.append(errors.forbidden_field(path, "HugePages require cpu or memory"))
    return problems


def _against_limit(name: str, asked: Any, limit: Any, found: Any, path: str) -> list[FieldError]:
    given = str(found.requests[name])
    if limit is None:
        return [] if is_shared(name) else [errors.required(f"{path}.limits", "Limit must be set for non overcommitable resources")]
    said = quantity.canonical(found.limits[name])
    if not is_shared(name) and asked != limit:
        return [errors.invalid_value(f"{path}.requests", given, f"must be equal to {name} limit of {said}")]
    if asked > limit:
        return [errors.invalid_value(f"{path}.requests", given, f"must be less than or equal to {name} limit of {said}")]
    return []


def _security(found: Any, path: str) -> list[FieldError]:
    if found is None:
        return []
    problems = within(f"{path}.runAsUser", found.run_as_user, 0, checks.INT32_MAX)
    problems += within(f"{path}.runAsGroup", found.run_as_group, 0, checks.INT32_MAX)
    problems += one_of(f"{path}.procMount", found.proc_mount, ("Default", "Unmasked"), optional=True)
    problems += seccomp(found.seccomp_profile, f"{path}.seccompProfile")
    if found.allow_privilege_escalation is False:
        added = (found.capabilities.add or ()) if found.capabilities is not None else ()
        if found.privileged:
            message = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            problems.append(errors.invalid_value(path, found, message))
        if "CAP_SYS_ADMIN" in added:
            message = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            problems.append(errors.invalid_value(path, found, message))
    return problems + app_armor(found.app_armor_profile, f"{path}.appArmorProfile")


def seccomp(profile: Any, path: str) -> list[FieldError]:
    """Of a pod or a container."""
    if profile is None:
        return []
    if not profile.type:
        problems = [errors.required(f"{path}.type", "type is required when seccompProfile is set")]
    else:
        problems = one_of(f"{path}.type", profile.type, _PROFILES)
    where, local = f"{path}.localhostProfile", profile.localhost_profile
    if profile.type != "Localhost":
        message = "can only be set when seccomp type is Localhost"
        return problems + ([errors.invalid_value(where, profile, message)] if local is not None else [])
    if local is None:
        return [*problems, errors.required(where, "must be set when seccomp type is Localhost")]
    return problems + checks.relative_path(where, local)


def app_armor(profile: Any, path: str) -> list[FieldError]:
    """Of a pod or a container."""
    if profile is None:
        return []
    where, local = f"{path}.localhostProfile", profile.localhost_profile
    if not profile.type:
        return [errors.required(f"{path}.type", "type is required when appArmorProfile is set")]
    if profile.type != "Localhost":
        problems = one_of(f"{path}.type", profile.type, _PROFILES)
        if local is not None and not problems:
            problems.append(errors.invalid_value(where, local, "can only be set when AppArmor type is Localhost"))
        return problems
    if not local:
        return [errors.required(where, "must be set when AppArmor type is Localhost")]
    problems = [errors.invalid_value(where, local, "must not be padded with whitespace")] if local != local.strip() else []
    return problems + ([errors.too_long(where, MAX_PROFILE)] if len(local) > MAX_PROFILE else [])
