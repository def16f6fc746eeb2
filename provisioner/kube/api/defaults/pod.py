"""Defaults of pods and of pod templates wherever they stand (core/v1 PodSpec, Container, Probe, Volume)."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api._generated import core_v1, meta_v1
from provisioner.kube.api.defaults import default

PROBES = ("liveness_probe", "readiness_probe", "startup_probe")


def pod(obj: core_v1.Pod) -> None:
    spec(obj.spec)
    # Only pods, not templates: limits stand in for missing requests, and host networking fixes the host ports.
    for container in [*(obj.spec.containers or ()), *(obj.spec.init_containers or ())]:
        resources = container.resources
        if resources is not None and resources.limits:
            resources.requests = {**dict(resources.limits.items()), **(resources.requests or {})}
    if obj.spec.enable_service_links is None:
        obj.spec.enable_service_links = True


def podtemplate(obj: core_v1.PodTemplate) -> None:
    template(obj.template)


def template(found: core_v1.PodTemplateSpec | None) -> None:
    if found is not None:
        if found.metadata is None:
            found.metadata = meta_v1.ObjectMeta()
        if found.spec is not None:
            spec(found.spec)


def spec(found: core_v1.PodSpec) -> None:
    default(
        found,
        dns_policy="ClusterFirst",
        restart_policy="Always",
        termination_grace_period_seconds=30,
        security_context=core_v1.PodSecurityContext(),
        scheduler_name="default-scheduler",
    )
    if found.service_account_name and not found.service_account:
        found.service_account = found.service_account_name
    elif found.service_account and not found.service_account_name:
        found.service_account_name = found.service_account
    for constraint in found.topology_spread_constraints or ():
        default(constraint, max_skew=1)
    for one in [*(found.init_containers or ()), *(found.containers or ()), *(found.ephemeral_containers or ())]:
        container(one)
        if found.host_network:
            for port in one.ports or ():
                if port.host_port is None and port.container_port:
                    port.host_port = port.container_port
    for one in found.volumes or ():
        volume(one)


def container(found: Any) -> None:
    """A container, init container or ephemeral container."""
    default(
        found, termination_message_path="/dev/termination-log", termination_message_policy="File", resources=core_v1.ResourceRequirements()
    )
    if found.image_pull_policy is None:
        found.image_pull_policy = pull_policy(found.image or "")
    for port in found.ports or ():
        default(port, protocol="TCP")
    for variable in found.env or ():
        source = variable.value_from
        if source is not None and source.field_ref is not None:
            default(source.field_ref, api_version="v1")
        if source is not None and source.resource_field_ref is not None:
            default(source.resource_field_ref, divisor="0")
    for name in PROBES:
        found_probe = getattr(found, name)
        if found_probe is not None:
            probe(found_probe)
    lifecycle = found.lifecycle
    for handler in (lifecycle.post_start, lifecycle.pre_stop) if lifecycle is not None else ():
        if handler is not None and handler.http_get is not None:
            default(handler.http_get, path="/", scheme="HTTP")


def pull_policy(image: str) -> str:
    """Always for a mutable tag (`latest`, or none), IfNotPresent for a fixed one and for digests."""
    if "@" in image:
        return "IfNotPresent"
    tag = image.rpartition("/")[2].partition(":")[2]
    return "Always" if tag in ("", "latest") else "IfNotPresent"


def probe(found: core_v1.Probe) -> None:
    default(found, timeout_seconds=1, period_seconds=10, success_threshold=1, failure_threshold=3)
    for name in ("timeout_seconds", "period_seconds", "success_threshold", "failure_threshold"):
        if getattr(found, name) == 0:
            setattr(found, name, {"timeout_seconds": 1, "period_seconds": 10, "success_threshold": 1, "failure_threshold": 3}[name])
    if found.http_get is not None:
        default(found.http_get, path="/", scheme="HTTP")
    if found.grpc is not None:
        default(found.grpc, service="")


def volume(found: core_v1.Volume) -> None:
    sources = [name for name in found.__struct_fields__ if name != "name" and getattr(found, name) is not None]
    if not sources:
        found.empty_dir = core_v1.EmptyDirVolumeSource()
    if found.secret is not None:
        default(found.secret, default_mode=0o644)
    if found.config_map is not None:
        default(found.config_map, default_mode=0o644)
    if found.downward_api is not None:
        default(found.downward_api, default_mode=0o644)
        for item in found.downward_api.items or ():
            if item.field_ref is not None:
                default(item.field_ref, api_version="v1")
    if found.host_path is not None:
        default(found.host_path, type="")
    if found.projected is not None:
        default(found.projected, default_mode=0o644)
        for source in found.projected.sources or ():
            if source.service_account_token is not None:
                default(source.service_account_token, expiration_seconds=3600)
            for item in (source.downward_api.items or ()) if source.downward_api is not None else ():
                if item.field_ref is not None:
                    default(item.field_ref, api_version="v1")
    if found.ephemeral is not None and found.ephemeral.volume_claim_template is not None:
        claim = found.ephemeral.volume_claim_template.spec
        if claim is not None:
            default(claim, volume_mode="Filesystem")
    if found.iscsi is not None:
        default(found.iscsi, iscsi_interface="default")
