"""Defaults of pods and of pod templates wherever they stand (core/v1 PodSpec, Container, Probe, Volume)."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api import quantity
from provisioner.kube.api._generated import core_v1, meta_v1
from provisioner.kube.api.defaults import default, default_text
from provisioner.kube.api.pod_totals import asked

PROBES = ("liveness_probe", "readiness_probe", "startup_probe")
MODE = 0o644


def pod(obj: core_v1.Pod) -> None:
    spec(obj.spec)
    # Only pods, not templates: limits stand in for missing requests, and host networking fixes the host ports.
    for container in [*(obj.spec.containers or ()), *(obj.spec.init_containers or ())]:
        _requests_from_limits(container.resources)
        if obj.spec.host_network:
            for port in container.ports or ():
                if not port.host_port:
                    port.host_port = port.container_port
    if obj.spec.resources is not None and obj.spec.resources.limits:
        _pod_requests(obj.spec, obj.spec.resources)
    default(obj.spec, enable_service_links=True)


def _requests_from_limits(resources: core_v1.ResourceRequirements | None) -> None:
    if resources is not None and resources.limits:
        resources.requests = {**resources.limits, **(resources.requests or {})}


def _pod_requests(found: core_v1.PodSpec, own: core_v1.ResourceRequirements) -> None:
    """A pod with limits asks for what its containers ask for together, and for its limit where they ask for nothing."""
    together = {name: asked(found, name) for name in ("cpu", "memory")}
    summed = {name: quantity.render(value, "binary" if name == "memory" else "decimal") for name, value in together.items() if value}
    own.requests = {**(own.limits or {}), **summed, **(own.requests or {})}


def podtemplate(obj: core_v1.PodTemplate) -> None:
    obj.template = template(obj.template)


def template(found: core_v1.PodTemplateSpec | None) -> core_v1.PodTemplateSpec:
    """A template with its defaults; one that isn't there is an empty one, as in upstream's types."""
    made = found or core_v1.PodTemplateSpec()
    if made.metadata is None:
        made.metadata = meta_v1.ObjectMeta()
    if made.spec is None:
        made.spec = core_v1.PodSpec()
    spec(made.spec)
    return made


def spec(found: core_v1.PodSpec) -> None:
    default_text(found, dns_policy="ClusterFirst", restart_policy="Always", scheduler_name="default-scheduler")
    default(found, termination_grace_period_seconds=30)
    if found.security_context is None:
        found.security_context = core_v1.PodSecurityContext()
    if found.service_account_name and not found.service_account:
        found.service_account = found.service_account_name
    elif found.service_account and not found.service_account_name:
        found.service_account_name = found.service_account
    for one in [*(found.init_containers or ()), *(found.containers or ()), *(found.ephemeral_containers or ())]:
        container(one)
    for one in found.volumes or ():
        volume(one)


def container(found: Any) -> None:
    """A container, init container or ephemeral container."""
    default_text(found, termination_message_path="/dev/termination-log", termination_message_policy="File")
    if found.resources is None:
        found.resources = core_v1.ResourceRequirements()
    if not found.image_pull_policy:
        found.image_pull_policy = pull_policy(found.image or "")
    for port in found.ports or ():
        default_text(port, protocol="TCP")
    for variable in found.env or ():
        source = variable.value_from
        if source is not None:
            _references(source)
            if source.file_key_ref is not None:
                default(source.file_key_ref, optional=False)
    for name in PROBES:
        found_probe = getattr(found, name)
        if found_probe is not None:
            probe(found_probe)
    lifecycle = found.lifecycle
    for handler in (lifecycle.post_start, lifecycle.pre_stop) if lifecycle is not None else ():
        if handler is not None and handler.http_get is not None:
            default_text(handler.http_get, path="/", scheme="HTTP")


def _references(source: Any) -> None:
    """References to the pod's own fields, in variables and in volumes' files."""
    if source.field_ref is not None:
        default_text(source.field_ref, api_version="v1")
    if source.resource_field_ref is not None:
        default(source.resource_field_ref, divisor="0")


def pull_policy(image: str) -> str:
    """Always for a mutable tag (`latest`, or none), IfNotPresent for a fixed one and for digests."""
    if "@" in image:
        return "IfNotPresent"
    tag = image.rpartition("/")[2].partition(":")[2]
    return "Always" if tag in ("", "latest") else "IfNotPresent"


def probe(found: core_v1.Probe) -> None:
    for name, value in (("timeout_seconds", 1), ("period_seconds", 10), ("success_threshold", 1), ("failure_threshold", 3)):
        if not getattr(found, name):
            setattr(found, name, value)
    if found.http_get is not None:
        default_text(found.http_get, path="/", scheme="HTTP")
    if found.grpc is not None:
        default(found.grpc, service="")


def volume(found: core_v1.Volume) -> None:
    if all(getattr(found, name) is None for name in found.__struct_fields__ if name != "name"):
        found.empty_dir = core_v1.EmptyDirVolumeSource()
    for source in (found.secret, found.config_map, found.downward_api, found.projected):
        if source is not None:
            default(source, default_mode=MODE)
    for item in (found.downward_api.items or ()) if found.downward_api is not None else ():
        _references(item)
    if found.projected is not None:
        _projected(found.projected)
    if found.image is not None and not found.image.pull_policy:
        found.image.pull_policy = pull_policy(found.image.reference or "")
    if found.ephemeral is not None and found.ephemeral.volume_claim_template is not None:
        claim = found.ephemeral.volume_claim_template.spec
        if claim is not None:
            default(claim, volume_mode="Filesystem")
    source_defaults(found)


def _projected(found: core_v1.ProjectedVolumeSource) -> None:
    for source in found.sources or ():
        if source.service_account_token is not None:
            default(source.service_account_token, expiration_seconds=3600)
        if source.pod_certificate is not None:
            # A day.
            default(source.pod_certificate, max_expiration_seconds=86400)
        for item in (source.downward_api.items or ()) if source.downward_api is not None else ():
            _references(item)


def source_defaults(found: Any) -> None:
    """Volume sources that pods and persistent volumes share."""
    if found.host_path is not None:
        default(found.host_path, type="")
    if found.iscsi is not None:
        default_text(found.iscsi, iscsi_interface="default")
    if found.rbd is not None:
        default_text(found.rbd, pool="rbd", user="admin", keyring="/etc/ceph/keyring")
    if found.azure_disk is not None:
        default(found.azure_disk, caching_mode="ReadWrite", kind="Shared", fs_type="ext4", read_only=False)
    if found.scale_io is not None:
        default_text(found.scale_io, storage_mode="ThinProvisioned", fs_type="xfs")
