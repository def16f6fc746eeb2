"""Pods and pod templates as wholes, and the few fields of a pod that an update may change."""

from __future__ import annotations

import copy
from typing import Any

from provisioner.kube.api import errors, names
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.qos import qos_class
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.checks import Once, named, needed, one_of, within
from provisioner.kube.api.validation.containers import app_armor, container, long_running, padded, seccomp
from provisioner.kube.api.validation.differences import differences
from provisioner.kube.api.validation.metadata import labels
from provisioner.kube.api.validation.pod_host import claims_of, host, override, sysctls, system
from provisioner.kube.api.validation.pod_resources import pod_resources
from provisioner.kube.api.validation.restarts import resizes, restarts
from provisioner.kube.api.validation.scheduling import affinities, narrowed, spread, tolerations
from provisioner.kube.api.validation.volumes import mounts, volumes

# The annotation of a pod that shows what a kubelet runs by a file.
MIRROR = "kubernetes.io/config.mirror"
RESTART_POLICIES = ("Always", "OnFailure", "Never")
PREEMPTION = ("PreemptLowerPriority", "Never")
DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
# What only a pod's own services have.
_NOT_EPHEMERAL = (
    *("ports", "resources", "resizePolicy", "restartPolicy", "restartPolicyRules", "livenessProbe", "readinessProbe", "startupProbe"),
    "lifecycle",
)
MAX_NAMESERVERS, MAX_SEARCHES = 3, 32


def always(obj: core_v1.Pod) -> list[FieldError]:
    groups = (("containers", obj.spec.containers), ("initContainers", obj.spec.init_containers))
    names = [(f"spec.{field}[{index}]", one) for field, group in groups for index, one in enumerate(group or ())]
    return spec(obj.spec, "spec") + [problem for where, one in names for problem in padded(one, where)]


def create(obj: core_v1.Pod) -> list[FieldError]:
    problems = always(obj)
    if obj.spec.ephemeral_containers:
        problems.append(errors.forbidden_field("spec.ephemeralContainers", "cannot be set on create"))
    if obj.spec.scheduling_gates and obj.spec.node_name:
        problems.append(errors.forbidden_field("spec.nodeName", "cannot be set until all schedulingGates have been cleared"))
    return problems


def spec(found: core_v1.PodSpec, path: str) -> list[FieldError]:
    """A PodSpec at a path."""
    by_name, problems = volumes(found.volumes, f"{path}.volumes", pod=path == "spec")
    problems += claims_of(found, path) + _containers(found, path, by_name) + pod_resources(found, path)
    problems += _own_ports(found, path) if found.host_network else []
    problems += one_of(f"{path}.restartPolicy", found.restart_policy, RESTART_POLICIES)
    problems += one_of(f"{path}.dnsPolicy", found.dns_policy, DNS_POLICIES)
    problems += labels(found.node_selector, f"{path}.nodeSelector") + _security(found, path)
    problems += affinities(found, path) + _dns(found, path) + _gates_of(found, path)
    problems += spread(found.topology_spread_constraints, f"{path}.topologySpreadConstraints") + host(found, path)
    problems += named(f"{path}.serviceAccountName", found.service_account_name, names.is_dns_subdomain)
    problems += named(f"{path}.nodeName", found.node_name, names.is_dns_subdomain)
    problems += within(f"{path}.activeDeadlineSeconds", found.active_deadline_seconds, 1, checks.INT32_MAX)
    problems += named(f"{path}.hostname", found.hostname, names.is_dns_label)
    problems += named(f"{path}.subdomain", found.subdomain, names.is_dns_label) + override(found, path)
    problems += tolerations(found.tolerations, f"{path}.tolerations")
    for index, alias in enumerate(found.host_aliases or ()):
        where = f"{path}.hostAliases[{index}]"
        problems += checks.address(f"{where}.ip", alias.ip)
        for number, name in enumerate(alias.hostnames or ()):
            problems += [errors.invalid_value(f"{where}.hostnames[{number}]", name, message) for message in names.is_dns_subdomain(name)]
    problems += named(f"{path}.priorityClassName", found.priority_class_name, names.is_dns_subdomain)
    problems += named(f"{path}.runtimeClassName", found.runtime_class_name, names.is_dns_subdomain)
    problems += one_of(f"{path}.preemptionPolicy", found.preemption_policy, PREEMPTION, optional=True)
    return problems + system(found, path)


def _gates_of(found: core_v1.PodSpec, path: str) -> list[FieldError]:
    """What a pod is ready by, and what it waits for."""
    problems: list[FieldError] = []
    for index, readiness in enumerate(found.readiness_gates or ()):
        where, kind = f"{path}.readinessGates[{index}].conditionType", readiness.condition_type or ""
        problems += [errors.invalid_value(where, kind, message) for message in names.is_qualified_name(kind)]
    gates = Once()
    for index, gate in enumerate(found.scheduling_gates or ()):
        where = f"{path}.schedulingGates[{index}]"
        problems += [errors.invalid_value(where, gate.name or "", message) for message in names.is_qualified_name(gate.name or "")]
        problems += gates.add(where, gate.name)
    return problems


def _own_ports(found: core_v1.PodSpec, path: str) -> list[FieldError]:
    """In the host's network a port is the host's; a template may leave it out, as the pod gets it then."""
    message = "must match `containerPort` when `hostNetwork` is true"
    return [
        errors.invalid_value(f"{path}.containers[{index}].ports[{number}].hostPort", given.host_port or 0, message)
        for index, one in enumerate(found.containers or ())
        for number, given in enumerate(one.ports or ())
        if (given.host_port or path == "spec") and (given.host_port or 0) != given.container_port
    ]


def _containers(found: core_v1.PodSpec, path: str, by_name: dict[str, core_v1.Volume]) -> list[FieldError]:
    problems: list[FieldError] = []
    seen = Once()
    if not found.containers:
        problems.append(errors.required(f"{path}.containers"))
    groups: tuple[tuple[str, list[Any] | None], ...] = (
        ("containers", found.containers),
        ("initContainers", found.init_containers),
        ("ephemeralContainers", found.ephemeral_containers),
    )
    for field, group in groups:
        host_ports = Once()
        ports: list[FieldError] = []
        for index, one in enumerate(group or ()):
            where, init = f"{path}.{field}[{index}]", field == "initContainers"
            problems += container(one, where, mounts(one, where, by_name), resizes(one, where, found.restart_policy, init=init))
            problems += seen.add(f"{where}.name", one.name) if one.name else []
            problems += _files_of(one, where, by_name)
            if init:
                host_ports = Once()  # they run one by one
            for number, given in enumerate(one.ports or () if field != "ephemeralContainers" else ()):
                if given.host_port:
                    key = f"{given.protocol}/{given.host_ip or ''}/{given.host_port}"
                    ports += host_ports.add(f"{where}.ports[{number}].hostPort", key)
            if field == "ephemeralContainers":
                problems += padded(one, where) + _ephemeral(one, where, found)
                continue
            once = init and one.restart_policy != "Always"
            problems += _init(one, where) if once else long_running(one, where, found.termination_grace_period_seconds)
            problems += restarts(one, where)
        problems += ports
    return problems


def _files_of(one: Any, path: str, by_name: dict[str, core_v1.Volume]) -> list[FieldError]:
    """Variables that are read from files: those lie in an emptyDir of the pod."""
    problems = []
    for index, variable in enumerate(one.env or ()):
        reference = variable.value_from.file_key_ref if variable.value_from is not None else None
        if reference is None or not reference.volume_name:
            continue
        where, volume = f"{path}.env[{index}].valueFrom.fileKeyRef.volumeName", by_name.get(reference.volume_name)
        if volume is None:
            problems.append(errors.not_found_field(where, reference.volume_name))
        elif volume.empty_dir is None:
            problems.append(errors.invalid_value(where, reference.volume_name, "must be a volume of type emptyDir"))
    return problems


def _init(one: core_v1.Container, path: str) -> list[FieldError]:
    """An init container runs to its end, unless it is a sidecar: only that one has probes and hooks."""
    problems = []
    for name, value in (
        ("lifecycle", one.lifecycle),
        ("livenessProbe", one.liveness_probe),
        ("readinessProbe", one.readiness_probe),
        ("startupProbe", one.startup_probe),
    ):
        if value is not None:
            problems.append(errors.forbidden_field(f"{path}.{name}", "may not be set for init containers without restartPolicy=Always"))
    return problems


def _ephemeral(one: core_v1.EphemeralContainer, path: str, found: core_v1.PodSpec) -> list[FieldError]:
    problems = []
    if one.target_container_name and one.target_container_name not in {
        c.name for c in [*(found.containers or ()), *(found.init_containers or ())]
    }:
        problems.append(errors.not_found_field(f"{path}.targetContainerName", one.target_container_name))
    given = set(checks.sources_of(one)) - (
        {"resources"} if not checks.sources_of(one.resources or core_v1.ResourceRequirements()) else set()
    )
    alone = [name for name in _NOT_EPHEMERAL if name in given]
    for index, mount in enumerate(one.volume_mounts or ()):
        alone += [f"volumeMounts[{index}].{name}" for name in ("subPath", "subPathExpr") if name in checks.sources_of(mount)]
    return problems + [errors.forbidden_field(f"{path}.{name}", "cannot be set for an Ephemeral Container") for name in alone]


def _dns(found: core_v1.PodSpec, path: str) -> list[FieldError]:
    config, where = found.dns_config, f"{path}.dnsConfig"
    if found.dns_policy == "None":
        if config is None:
            return [errors.required(where, "must provide `dnsConfig` when `dnsPolicy` is None")]
        if not config.nameservers:
            return [errors.required(f"{where}.nameservers", "must provide at least one DNS nameserver when `dnsPolicy` is None")]
    if config is None:
        return []
    problems = []
    if len(config.nameservers or ()) > MAX_NAMESERVERS:
        problems.append(
            errors.invalid_value(f"{where}.nameservers", config.nameservers, f"must not have more than {MAX_NAMESERVERS} nameservers")
        )
    if len(config.searches or ()) > MAX_SEARCHES:
        problems.append(errors.invalid_value(f"{where}.searches", config.searches, f"must not have more than {MAX_SEARCHES} search paths"))
    for index, server in enumerate(config.nameservers or ()):
        problems += checks.address(f"{where}.nameservers[{index}]", server)
    for index, search in enumerate(config.searches or ()):
        if search != ".":
            # Underscores are in names of services (RFC 2782), and a dot at the end says that nothing is to be added.
            wrong = names.is_dns_subdomain(search.removesuffix(".").replace("_", "a"))
            problems += [errors.invalid_value(f"{where}.searches[{index}]", search, message) for message in wrong]
    for index, option in enumerate(config.options or ()):
        problems += needed(f"{where}.options[{index}]", option.name, "must not be empty")
    return problems


def _security(found: core_v1.PodSpec, path: str) -> list[FieldError]:
    problems: list[FieldError] = []
    shared: list[FieldError] = []
    context, where = found.security_context, f"{path}.securityContext"
    if found.share_process_namespace and found.host_pid:
        message = "ShareProcessNamespace and HostPID cannot both be enabled"
        shared.append(errors.invalid_value(f"{where}.shareProcessNamespace", True, message))
    if context is None:
        return shared
    for name, value in (("fsGroup", context.fs_group), ("runAsUser", context.run_as_user), ("runAsGroup", context.run_as_group)):
        problems += within(f"{where}.{name}", value, 0, checks.INT32_MAX)
    for index, group in enumerate(context.supplemental_groups or ()):
        problems += within(f"{where}.supplementalGroups[{index}]", group, 0, checks.INT32_MAX)
    problems += shared + sysctls(found, path)
    problems += one_of(f"{where}.fsGroupChangePolicy", context.fs_group_change_policy, ("Always", "OnRootMismatch"), optional=True)
    problems += seccomp(context.seccomp_profile, f"{where}.seccompProfile") + app_armor(
        context.app_armor_profile, f"{where}.appArmorProfile"
    )
    for field, chosen, allowed in (
        ("supplementalGroupsPolicy", context.supplemental_groups_policy, ("Merge", "Strict")),
        ("seLinuxChangePolicy", context.se_linux_change_policy, ("MountOption", "Recursive")),
    ):
        problems += one_of(f"{where}.{field}", chosen, allowed, optional=True)
    return problems


# -- updates ---------------------------------------------------------------------------------------------------------------

UPDATE_MESSAGE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    "`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
    "previously negative)"
)


def update(new: core_v1.Pod, old: core_v1.Pod) -> list[FieldError]:
    """Only images, deadlines, added tolerations and lifted scheduling gates may change."""
    for name, mine, theirs in (
        ("containers", new.spec.containers, old.spec.containers),
        ("initContainers", new.spec.init_containers, old.spec.init_containers),
    ):
        if len(mine or ()) != len(theirs or ()):
            return [errors.forbidden_field(f"spec.{name}", "pod updates may not add or remove containers")]
    allowed, before = copy.deepcopy(new.spec), old.spec
    for mine_all, theirs_all in ((allowed.containers, before.containers), (allowed.init_containers, before.init_containers)):
        for mine_one, theirs_one in zip(mine_all or (), theirs_all or (), strict=True):
            mine_one.image = theirs_one.image
    problems = _deadline(new.spec, before) + _tolerations(new.spec, before) + _gates(new.spec, before)
    allowed.active_deadline_seconds = before.active_deadline_seconds
    allowed.tolerations = before.tolerations
    allowed.scheduling_gates = before.scheduling_gates
    if before.scheduling_gates:
        problems += _steered(allowed, before)
    if (before.termination_grace_period_seconds or 0) < 0 and new.spec.termination_grace_period_seconds == 1:
        allowed.termination_grace_period_seconds = before.termination_grace_period_seconds
    if allowed != before:
        problems.append(errors.forbidden_field("spec", f"{UPDATE_MESSAGE}\n{differences(before, allowed)}"))
    return problems


def _steered(allowed: core_v1.PodSpec, before: core_v1.PodSpec) -> list[FieldError]:
    """A pod that waits at gates may be steered to fewer nodes. `allowed` is left without what was checked here."""
    problems: list[FieldError] = []
    mine, theirs = allowed.node_selector or {}, before.node_selector or {}
    if any(mine.get(key) != value for key, value in theirs.items()):
        message = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
        problems.append(errors.invalid_value("spec.nodeSelector", mine, message))
    allowed.node_selector = before.node_selector
    own = allowed.affinity.node_affinity if allowed.affinity is not None else None
    old = before.affinity.node_affinity if before.affinity is not None else None
    if own == old:
        return problems
    problems += narrowed(own, old, "spec.affinity.nodeAffinity")
    affinity = allowed.affinity if allowed.affinity is not None else core_v1.Affinity()
    affinity.node_affinity = old
    allowed.affinity = affinity if before.affinity is not None or checks.sources_of(affinity) else None
    return problems


def _deadline(new: core_v1.PodSpec, old: core_v1.PodSpec) -> list[FieldError]:
    path = "spec.activeDeadlineSeconds"
    mine, theirs = new.active_deadline_seconds, old.active_deadline_seconds
    if theirs is None or mine == theirs:
        return []
    if mine is None:
        return [errors.invalid_value(path, None, "must not update from a positive integer to nil value")]
    return [errors.invalid_value(path, mine, "must be less than or equal to previous value")] if mine > theirs else []


def _tolerations(new: core_v1.PodSpec, old: core_v1.PodSpec) -> list[FieldError]:
    def known(t: core_v1.Toleration) -> Any:
        return (t.key, t.operator, t.value, t.effect)

    kept = {known(t) for t in new.tolerations or ()}
    if all(known(t) in kept for t in old.tolerations or ()):
        return []
    return [errors.forbidden_field("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")]


def _gates(new: core_v1.PodSpec, old: core_v1.PodSpec) -> list[FieldError]:
    before = {gate.name for gate in old.scheduling_gates or ()}
    return [
        errors.forbidden_field(
            f"spec.schedulingGates[{index}].name", f"only deletion is allowed, but found new scheduling gate '{gate.name}'"
        )
        for index, gate in enumerate(new.scheduling_gates or ())
        if gate.name not in before
    ]


def _new(new: core_v1.Pod, old: core_v1.Pod) -> list[FieldError]:
    """What is wrong with the spec and was not before."""
    found = spec(new.spec, "spec")
    before = spec(old.spec, "spec") if found else []
    return [problem for problem in found if problem not in before]


def ephemeral_containers(new: core_v1.Pod, old: core_v1.Pod) -> list[FieldError]:
    """Through the `ephemeralcontainers` subresource: they are only added, never changed or taken away."""
    if MIRROR in (old.metadata.annotations or {}):
        return [errors.forbidden_field("", "static pods do not support ephemeral containers")]
    problems = _new(new, old)
    mine = {one.name: one for one in new.spec.ephemeral_containers or ()}
    for one in old.spec.ephemeral_containers or ():
        if one.name not in mine:
            problems.append(
                errors.forbidden_field("spec.ephemeralContainers", f'existing ephemeral containers "{one.name}" may not be removed\n')
            )
        elif mine[one.name] != one:
            problems.append(
                errors.forbidden_field(
                    "spec.ephemeralContainers",
                    f'existing ephemeral containers "{one.name}" may not be changed\n{differences(one, mine[one.name])}',
                )
            )
    return problems


def resize(new: core_v1.Pod, old: core_v1.Pod) -> list[FieldError]:
    """Through the `resize` subresource: only cpu and memory of the containers and of the pod, and what a resize does to each container."""
    if MIRROR in (old.metadata.annotations or {}):
        return [errors.forbidden_field("", "static pods cannot be resized")]
    if old.spec.os is not None and old.spec.os.name == "windows":
        return [errors.forbidden_field("", "windows pods cannot be resized")]
    problems = _new(new, old)
    allowed = copy.deepcopy(new.spec)
    for mine_all, theirs_all in ((allowed.containers, old.spec.containers), (allowed.init_containers, old.spec.init_containers)):
        if len(mine_all or ()) != len(theirs_all or ()):
            return [errors.forbidden_field("spec.containers", "pod updates may not add or remove containers")]
        for mine, theirs in zip(mine_all or (), theirs_all or (), strict=True):
            mine.resources, mine.resize_policy = theirs.resources, theirs.resize_policy
    allowed.resources = old.spec.resources
    if allowed != old.spec:
        problems.append(errors.forbidden_field("spec", "only cpu and memory resources are mutable"))
        return problems
    for field, mine_all, theirs_all in (
        ("containers", new.spec.containers, old.spec.containers),
        ("initContainers", new.spec.init_containers, old.spec.init_containers),
    ):
        for index, (mine, theirs) in enumerate(zip(mine_all or (), theirs_all or (), strict=True)):
            problems += _resized(mine.resources, theirs.resources, f"spec.{field}[{index}].resources")
    problems += _resized(new.spec.resources, old.spec.resources, "spec.resources")
    if qos_class(new.spec) != qos_class(old.spec):
        message = "Pod QOS Class may not change as a result of resizing"
        problems.append(errors.invalid_value("spec", qos_class(new.spec), message))
    return problems


def _resized(mine: core_v1.ResourceRequirements | None, theirs: core_v1.ResourceRequirements | None, path: str) -> list[FieldError]:
    """Only cpu and memory, and what was set stays set."""
    problems: list[FieldError] = []
    if mine == theirs:
        return problems
    for field in ("limits", "requests"):
        now = (getattr(mine, field) if mine is not None else None) or {}
        before = (getattr(theirs, field) if theirs is not None else None) or {}
        if any(now.get(name) != before.get(name) for name in {**now, **before} if name not in ("cpu", "memory")):
            problems.append(errors.forbidden_field(path, "only cpu and memory resources are mutable"))
        if any(name not in now for name in before):
            problems.append(errors.forbidden_field(f"{path}.{field}", f"resource {field} cannot be removed"))
    return problems
