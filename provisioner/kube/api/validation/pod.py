"""Pods and pod templates: containers, volumes, ports, probes, resources; and the few fields that an update may change."""

from __future__ import annotations

from typing import Any

import msgspec

from provisioner.kube.api import errors, names, quantity
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import FieldError

RESTART_POLICIES = ("Always", "OnFailure", "Never")
DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
PULL_POLICIES = ("Always", "IfNotPresent", "Never")
PROTOCOLS = ("SCTP", "TCP", "UDP")


def create(obj: core_v1.Pod) -> list[FieldError]:
    return spec(obj.spec, "spec")


def spec(found: core_v1.PodSpec, path: str) -> list[FieldError]:
    """A PodSpec at a path."""
    problems: list[FieldError] = []
    volumes = _volumes(found, path)
    problems += volumes[1]
    if not found.containers:
        problems.append(errors.required(f"{path}.containers"))
    seen: set[str] = set()
    for field, containers in (("containers", found.containers), ("initContainers", found.init_containers)):
        for index, container in enumerate(containers or ()):
            problems += _container(container, f"{path}.{field}[{index}]", seen, volumes[0])
    if found.restart_policy not in RESTART_POLICIES:
        problems.append(errors.not_supported(f"{path}.restartPolicy", found.restart_policy or "", RESTART_POLICIES))
    if found.dns_policy not in DNS_POLICIES:
        problems.append(errors.not_supported(f"{path}.dnsPolicy", found.dns_policy or "", DNS_POLICIES))
    if (found.termination_grace_period_seconds or 0) < 0:
        problems.append(
            errors.invalid_value(
                f"{path}.terminationGracePeriodSeconds", found.termination_grace_period_seconds, "must be greater than or equal to 0"
            )
        )
    if found.active_deadline_seconds is not None and found.active_deadline_seconds < 1:
        problems.append(
            errors.invalid_value(
                f"{path}.activeDeadlineSeconds", found.active_deadline_seconds, "must be between 1 and 2147483647, inclusive"
            )
        )
    for name, value, check in (
        ("nodeName", found.node_name, names.is_dns_subdomain),
        ("serviceAccountName", found.service_account_name, names.is_dns_subdomain),
        ("hostname", found.hostname, names.is_dns_label),
        ("subdomain", found.subdomain, names.is_dns_label),
    ):
        if value:
            problems += [errors.invalid_value(f"{path}.{name}", value, message) for message in check(value)]
    return problems + _tolerations(found, path)


def _volumes(found: core_v1.PodSpec, path: str) -> tuple[set[str], list[FieldError]]:
    seen: set[str] = set()
    problems = []
    for index, volume in enumerate(found.volumes or ()):
        where = f"{path}.volumes[{index}]"
        if not volume.name:
            problems.append(errors.required(f"{where}.name"))
            continue
        problems += [errors.invalid_value(f"{where}.name", volume.name, message) for message in names.is_dns_label(volume.name)]
        if volume.name in seen:
            problems.append(errors.duplicate(f"{where}.name", volume.name))
        seen.add(volume.name)
        sources = [name for name in volume.__struct_fields__ if name != "name" and getattr(volume, name) is not None]
        if len(sources) > 1:
            problems += [errors.forbidden_field(f"{where}.{source}", "may not specify more than 1 volume type") for source in sources[1:]]
        if volume.host_path is not None and not volume.host_path.path:
            problems.append(errors.required(f"{where}.hostPath.path"))
        if volume.secret is not None and not volume.secret.secret_name:
            problems.append(errors.required(f"{where}.secret.secretName"))
        if volume.config_map is not None and not volume.config_map.name:
            problems.append(errors.required(f"{where}.configMap.name"))
    return seen, problems


def _container(container: core_v1.Container, path: str, seen: set[str], volumes: set[str]) -> list[FieldError]:
    problems = []
    if not container.name:
        problems.append(errors.required(f"{path}.name"))
    else:
        problems += [errors.invalid_value(f"{path}.name", container.name, message) for message in names.is_dns_label(container.name)]
        if container.name in seen:
            problems.append(errors.duplicate(f"{path}.name", container.name))
        seen.add(container.name)
    if not container.image:
        problems.append(errors.required(f"{path}.image"))
    elif container.image != container.image.strip():
        problems.append(errors.invalid_value(f"{path}.image", container.image, "must not have leading or trailing whitespace"))
    if container.image_pull_policy not in PULL_POLICIES:
        problems.append(errors.not_supported(f"{path}.imagePullPolicy", container.image_pull_policy or "", PULL_POLICIES))
    problems += _ports(container, path) + _environment(container, path) + resources(container.resources, f"{path}.resources")
    mounted: set[str] = set()
    for index, mount in enumerate(container.volume_mounts or ()):
        where = f"{path}.volumeMounts[{index}]"
        if not mount.name:
            problems.append(errors.required(f"{where}.name"))
        elif mount.name not in volumes:
            problems.append(errors.not_found_field(f"{where}.name", mount.name))
        if not mount.mount_path:
            problems.append(errors.required(f"{where}.mountPath"))
        elif mount.mount_path in mounted:
            problems.append(errors.invalid_value(f"{where}.mountPath", mount.mount_path, "must be unique"))
        mounted.add(mount.mount_path or "")
    for name in ("liveness_probe", "readiness_probe", "startup_probe"):
        found = getattr(container, name)
        if found is not None:
            problems += _probe(found, f"{path}.{name.partition('_')[0]}Probe", must_be_one=name != "readiness_probe")
    return problems


def _ports(container: core_v1.Container, path: str) -> list[FieldError]:
    problems = []
    seen: set[str] = set()
    for index, port in enumerate(container.ports or ()):
        where = f"{path}.ports[{index}]"
        if port.name:
            problems += [errors.invalid_value(f"{where}.name", port.name, message) for message in names.is_port_name(port.name)]
            if port.name in seen:
                problems.append(errors.duplicate(f"{where}.name", port.name))
            seen.add(port.name)
        if not port.container_port:
            problems.append(errors.required(f"{where}.containerPort"))
        else:
            problems += port_number(port.container_port, f"{where}.containerPort")
        if port.host_port:
            problems += port_number(port.host_port, f"{where}.hostPort")
        if port.protocol not in PROTOCOLS:
            problems.append(errors.not_supported(f"{where}.protocol", port.protocol or "", PROTOCOLS))
    return problems


def port_number(number: int, path: str) -> list[FieldError]:
    return [] if 1 <= number <= 65535 else [errors.invalid_value(path, number, "must be between 1 and 65535, inclusive")]


def _environment(container: core_v1.Container, path: str) -> list[FieldError]:
    problems = []
    for index, variable in enumerate(container.env or ()):
        where = f"{path}.env[{index}]"
        if not variable.name:
            problems.append(errors.required(f"{where}.name"))
        else:
            problems += [errors.invalid_value(f"{where}.name", variable.name, message) for message in names.is_env_name(variable.name)]
        if variable.value_from is not None:
            sources = [n for n in variable.value_from.__struct_fields__ if getattr(variable.value_from, n) is not None]
            if variable.value:
                problems.append(errors.invalid_value(f"{where}.valueFrom", "", "may not be specified when `value` is not empty"))
            if len(sources) != 1:
                message = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
                problems.append(
                    errors.invalid_value(
                        f"{where}.valueFrom", "", message if not sources else "may not have more than one field specified at a time"
                    )
                )
    return problems


def resources(found: Any, path: str) -> list[FieldError]:
    """Requests and limits: quantities, none negative, no request above its limit."""
    problems: list[FieldError] = []
    if found is None:
        return problems
    parsed: dict[tuple[str, str], Any] = {}
    for field in ("limits", "requests"):
        for name, value in (getattr(found, field) or {}).items():
            where = f"{path}.{field}[{name}]"
            try:
                parsed[(field, name)] = quantity.parse(value)
            except quantity.QuantityError as error:
                problems.append(errors.invalid_value(where, value, str(error)))
                continue
            if parsed[(field, name)] < 0:
                problems.append(errors.invalid_value(where, str(value), "must be greater than or equal to 0"))
    for (field, name), asked in parsed.items():
        limit = parsed.get(("limits", name))
        if field == "requests" and limit is not None and asked > limit:
            problems.append(
                errors.invalid_value(
                    f"{path}.requests", str(found.requests[name]), f"must be less than or equal to {name} limit of {found.limits[name]}"
                )
            )
    return problems


def _probe(found: core_v1.Probe, path: str, *, must_be_one: bool) -> list[FieldError]:
    problems = []
    handlers = [
        name
        for name in ("exec", "http_get", "tcp_socket", "grpc")
        if getattr(found, name, None) is not None or getattr(found, f"{name}_", None) is not None
    ]
    if not handlers:
        problems.append(errors.required(path, "must specify a handler type"))
    if len(handlers) > 1:
        problems.append(errors.forbidden_field(f"{path}.{handlers[1]}", "may not specify more than 1 handler type"))
    for name, attribute in (
        ("initialDelaySeconds", found.initial_delay_seconds),
        ("timeoutSeconds", found.timeout_seconds),
        ("periodSeconds", found.period_seconds),
        ("successThreshold", found.success_threshold),
        ("failureThreshold", found.failure_threshold),
    ):
        if (attribute or 0) < 0:
            problems.append(errors.invalid_value(f"{path}.{name}", attribute, "must be greater than or equal to 0"))
    if must_be_one and found.success_threshold != 1:
        problems.append(errors.invalid_value(f"{path}.successThreshold", found.success_threshold, "must be 1"))
    return problems


def _tolerations(found: core_v1.PodSpec, path: str) -> list[FieldError]:
    problems = []
    for index, toleration in enumerate(found.tolerations or ()):
        where = f"{path}.tolerations[{index}]"
        if toleration.operator not in (None, "", "Equal", "Exists", "Gt", "Lt"):
            problems.append(errors.not_supported(f"{where}.operator", toleration.operator, ("Equal", "Exists")))
        if not toleration.key and toleration.operator != "Exists":
            problems.append(
                errors.invalid_value(
                    f"{where}.operator",
                    toleration.operator or "",
                    'operator must be Exists when `key` is empty, which means "match all values and all keys"',
                )
            )
        if toleration.operator == "Exists" and toleration.value:
            problems.append(errors.invalid_value(f"{where}.operator", toleration, "value must be empty when `operator` is 'Exists'"))
    return problems


def update(new: core_v1.Pod, old: core_v1.Pod) -> list[FieldError]:
    """Only images, deadlines, added tolerations and lifted scheduling gates may change."""
    allowed = msgspec.convert(msgspec.to_builtins(new.spec), core_v1.PodSpec)
    before = old.spec
    for field in ("containers", "init_containers"):
        for mine, theirs in zip(getattr(allowed, field) or (), getattr(before, field) or (), strict=False):
            mine.image = theirs.image
    allowed.active_deadline_seconds = before.active_deadline_seconds
    if before.scheduling_gates:
        allowed.scheduling_gates, allowed.node_selector, allowed.affinity = before.scheduling_gates, before.node_selector, before.affinity
    if all(t in (new.spec.tolerations or ()) for t in before.tolerations or ()):
        allowed.tolerations = before.tolerations
    if (before.termination_grace_period_seconds or 0) < 0:
        allowed.termination_grace_period_seconds = before.termination_grace_period_seconds
    if allowed == before:
        return []
    message = (
        "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
        "`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
        "previously negative)"
    )
    return [errors.forbidden_field("spec", message)]
