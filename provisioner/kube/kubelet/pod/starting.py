"""Makes a pod's sandbox and its containers in Docker, and starts them. Each step may be cut short, and done again afterwards."""

from __future__ import annotations

import logging

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.client.client import ConnectionFailed
from provisioner.kube.kubelet.errors import ContainerRefused, DockerError
from provisioner.kube.kubelet.pod.container_config import Making, Mount, container_config, names_groups, sandbox_config
from provisioner.kube.kubelet.pod.decide import find_container, newest, sandbox_of
from provisioner.kube.kubelet.pod.environment import environment, service_variables
from provisioner.kube.kubelet.pod.probes import about_container
from provisioner.kube.kubelet.pod.services import Services
from provisioner.kube.kubelet.pod.stopping import grace_of, stop_container
from provisioner.kube.kubelet.runtime.containers import SANDBOX, Container, docker_name
from provisioner.kube.kubelet.runtime.images import credentials_of
from provisioner.kube.kubelet.volume.pod_files import hosts_file, new_message_file, pod_dir, resolv_conf, write_file
from provisioner.kube.network.podnet import HostPort

log = logging.getLogger(__name__)

# Reasons of what is wrong with a container's own configuration; what is wrong with its image was told of already.
OF_CONFIG = ("CreateContainerConfigError", "CreateContainerError", "Blocked")
# Dead containers of one name that are kept for `kubectl logs --previous`.
KEPT_DEAD = 1


async def create_again(services: Services, name: str, config: dict[str, object]) -> str:
    """Create a container; one of that name that a crash left behind goes first."""
    try:
        return await services.docker.create(name, config)
    except DockerError as error:
        if error.status != 409:
            raise
        log.warning("removing a container in the way name=%s", name)
        await services.docker.remove(name)
        return await services.docker.create(name, config)


async def runtime_of(services: Services, pod: core_v1.Pod) -> str:
    """Docker's name of the runtime that the pod's class asks for, "" for its default. Raises DockerError for one that it has not."""
    name = pod.spec.runtime_class_name
    if not name:
        return ""
    found = await services.objects.runtime_class(name)
    if found is None:
        raise DockerError(404, f'failed to get sandbox runtime: RuntimeClass "{name}" not found')
    handler = found.handler or ""
    if handler and handler not in ((await services.docker.info()).get("Runtimes") or {}):
        raise DockerError(400, f'failed to get sandbox runtime: no runtime for "{handler}" is configured')
    return handler


async def start_sandbox(services: Services, pod: core_v1.Pod) -> None:
    """A new sandbox, running, not plugged in yet. Raises DockerError."""
    uid = pod.metadata.uid or ""
    settings = services.settings
    before = sandbox_of(services.containers.of_pod(uid))
    attempt = before.attempt + 1 if before else 0
    if before is not None:
        # The old one's cable ended with its namespace; its address is the pod's no more.
        await services.network.teardown(uid)
    name = docker_name(SANDBOX, pod.metadata.name or "", pod.metadata.namespace or "", uid, attempt)
    config = sandbox_config(pod, settings.sandbox_image, attempt, settings.log_config, settings.lowest_oom, settings.dns.domain)
    if runtime := await runtime_of(services, pod):
        config["HostConfig"]["Runtime"] = runtime
    try:
        created = await create_again(services, name, config)
    except DockerError as error:
        if error.status != 404:
            raise
        about = core_v1.ObjectReference(api_version="v1", kind="Pod", name=pod.metadata.name, namespace=pod.metadata.namespace, uid=uid)
        await services.images.ensure(about, settings.sandbox_image, "IfNotPresent", ())
        created = await create_again(services, name, config)
    await services.docker.start(created)
    await services.containers.refresh(created)
    for old in services.containers.of_pod(uid):
        if old.is_sandbox and old.id != created:
            await services.docker.remove(old.id)
            services.containers.forget(old.id)


async def plug_in(services: Services, pod: core_v1.Pod, sandbox: Container) -> str:
    """The pod's address; for a host-network pod the node's. Raises NetworkError."""
    if pod.spec.host_network:
        return services.settings.node_ip
    ports = [
        HostPort(port.protocol or "TCP", port.host_port, port.container_port or 0, port.host_ip or "")
        for container in pod.spec.containers or ()
        for port in container.ports or ()
        if port.host_port
    ]
    address = await services.network.setup(pod.metadata.uid or "", sandbox.pid, ports)
    return address.ip


async def pull_credentials(services: Services, pod: core_v1.Pod) -> list[dict[str, str]]:
    found = []
    for reference in pod.spec.image_pull_secrets or ():
        secret = await services.objects.secret(pod.metadata.namespace or "", reference.name or "")
        found += credentials_of(secret) if secret is not None else []
    return found


async def start_container(services: Services, pod: core_v1.Pod, name: str, sandbox: Container, pod_ip: str) -> None:
    """One more attempt of a container, up to and with its postStart hook. Raises ContainerRefused."""
    container = find_container(pod, name)
    if container is None:
        return
    about = about_container(pod, name)
    uid = pod.metadata.uid or ""
    try:
        config = await _configured(services, pod, container, about, sandbox, pod_ip)
    except ContainerRefused as error:
        if error.reason in OF_CONFIG:
            services.recorder.event(about, "Warning", "Failed", f"Error: {error.message}")
        raise
    except (StatusError, ConnectionFailed) as error:
        raise ContainerRefused("CreateContainerConfigError", str(error)) from error
    before = newest(services.containers.of_pod(uid), name)
    attempt = before.attempt + 1 if before else 0
    try:
        created = await create_again(
            services, docker_name(name, pod.metadata.name or "", pod.metadata.namespace or "", uid, attempt), config
        )
    except DockerError as error:
        services.recorder.event(about, "Warning", "Failed", f"Error: {error.message}")
        raise ContainerRefused("CreateContainerError", error.message) from error
    services.recorder.event(about, "Normal", "Created", "Container created")
    try:
        await services.docker.start(created)
    except DockerError as error:
        services.recorder.event(about, "Warning", "Failed", f"Error: {error.message}")
        await services.containers.refresh(created)
        raise ContainerRefused("RunContainerError", error.message) from error
    running = await services.containers.refresh(created)
    services.recorder.event(about, "Normal", "Started", "Container started")
    await _remove_old(services, uid, name, attempt)
    if running is not None and container.lifecycle and container.lifecycle.post_start:
        answer = await services.handlers.hook(container.lifecycle.post_start, container, created, pod_ip)
        if not answer.ok:
            services.recorder.event(about, "Warning", "FailedPostStartHook", "PostStartHook failed")
            await stop_container(services, pod, running, grace_of(pod), "FailedPostStartHook", pod_ip)
            raise ContainerRefused("PostStartHookError", answer.message)


async def _configured(
    services: Services,
    pod: core_v1.Pod,
    container: core_v1.Container,
    about: core_v1.ObjectReference,
    sandbox: Container,
    pod_ip: str,
) -> dict[str, object]:
    settings, name, uid = services.settings, container.name or "", pod.metadata.uid or ""
    credentials = await pull_credentials(services, pod)
    image = await services.images.ensure(about, container.image or "", container.image_pull_policy, credentials)
    linked = service_variables(services.cluster_services(), pod.metadata.namespace or "", links=pod.spec.enable_service_links is not False)
    volumes = {v.name: services.volumes.path(uid, v) for v in pod.spec.volumes or ()}
    variables = await environment(pod, container, services.place(pod_ip), services.objects, linked, volumes.get)
    mounts = services.volumes.mounts(pod, container, variables)
    inside = {mount.inside for mount in mounts}
    folder = pod_dir(settings.root, uid)
    files = {"/etc/hosts": hosts_file(pod, pod_ip, settings.dns.domain), "/etc/resolv.conf": resolv_conf(pod, settings.dns)}
    for path, text in files.items():
        if path not in inside:
            mounts.append(Mount(write_file(folder / path.strip("/").replace("/", "-"), text), path))
    target = None
    if any(extra.name == name and extra.target_container_name for extra in pod.spec.ephemeral_containers or ()):
        wanted = next(e.target_container_name for e in pod.spec.ephemeral_containers or () if e.name == name)
        found = newest(services.containers.of_pod(uid), wanted or "", sandbox.id)
        target = found.id if found is not None and found.running else None
    before = newest(services.containers.of_pod(uid), name)
    making = Making(
        sandbox_id=sandbox.id,
        attempt=before.attempt + 1 if before else 0,
        variables=variables,
        mounts=mounts,
        devices=services.volumes.devices(pod, container),
        image=image,
        node_memory_bytes=settings.node_memory_bytes,
        message_file=new_message_file(settings.root, uid, name),
        log_config=settings.log_config,
        target_id=target,
        lowest_oom=settings.lowest_oom,
        lacking=settings.lacking,
        apparmor=settings.apparmor,
        pids_limit=settings.pids_limit,
        seccomp_root=settings.root / "seccomp",
        seccomp_default=settings.seccomp_default,
        runtime=await runtime_of(services, pod),
        **({"users": await services.users.of(image.id)} if names_groups(pod, container) else {}),
    )
    return container_config(pod, container, making)


async def _remove_old(services: Services, uid: str, name: str, attempt: int) -> None:
    for old in services.containers.of_pod(uid):
        if old.name == name and old.attempt < attempt - KEPT_DEAD and not old.running:
            await services.docker.remove(old.id)
            services.containers.forget(old.id)
