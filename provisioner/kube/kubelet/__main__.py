"""kubelet's main: configuration, the node's parts, and the order in which they begin."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from provisioner.kube.api import quantity
from provisioner.kube.api._generated import core_v1
from provisioner.kube.client.client import Client
from provisioner.kube.client.clock import SystemClock
from provisioner.kube.client.daemon import Daemon, Listener, run_daemon
from provisioner.kube.client.events import EventRecorder
from provisioner.kube.client.flags import Flags, duration
from provisioner.kube.client.informer import Informer
from provisioner.kube.client.kubeconfig import ConfigError
from provisioner.kube.client.serving import serving_context
from provisioner.kube.kubelet.config import Configuration, configure, flag_set, shutdown_groups
from provisioner.kube.kubelet.node import capabilities
from provisioner.kube.kubelet.node.consumption import PodConsumption
from provisioner.kube.kubelet.node.eviction import Evictor, observe
from provisioner.kube.kubelet.node.lease import NodeLease
from provisioner.kube.kubelet.node.machine import Machine, read_machine
from provisioner.kube.kubelet.node.node import NodeKeeper, NodeSettings
from provisioner.kube.kubelet.node.pressure import Threshold, threshold
from provisioner.kube.kubelet.node.shutdown import Shutdown
from provisioner.kube.kubelet.node.status import allocatable_numbers
from provisioner.kube.kubelet.pod.handlers import Handlers
from provisioner.kube.kubelet.pod.pods import Pods
from provisioner.kube.kubelet.pod.resources import lowest_oom_score
from provisioner.kube.kubelet.pod.services import Services, Settings
from provisioner.kube.kubelet.pod.static import StaticPods
from provisioner.kube.kubelet.pod.status_writer import StatusWriter
from provisioner.kube.kubelet.runtime.containers import Containers
from provisioner.kube.kubelet.runtime.docker import Docker
from provisioner.kube.kubelet.runtime.image_collection import ImageCollector, Limits, disk_usage
from provisioner.kube.kubelet.runtime.image_users import ImageUsers
from provisioner.kube.kubelet.runtime.images import Images
from provisioner.kube.kubelet.server.access import Access, Policy
from provisioner.kube.kubelet.server.app import KubeletServer
from provisioner.kube.kubelet.server.stats import Stats
from provisioner.kube.kubelet.volume.image_files import ImageFiles
from provisioner.kube.kubelet.volume.objects import ApiObjects
from provisioner.kube.kubelet.volume.pod_files import Dns
from provisioner.kube.kubelet.volume.volumes import Volumes
from provisioner.kube.network.podnet import PodNetwork
from provisioner.kube.version import VERSION

log = logging.getLogger(__name__)


def address_towards(server: str) -> str:
    """The host's own address on the way to the API server. Raises ConfigError."""
    parts = urlsplit(server)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((parts.hostname or "", parts.port or 443))
        except OSError as error:
            raise ConfigError(f"--node-ip: no way to {server} to learn this host's address from: {error}; give --node-ip") from error
        return str(sock.getsockname()[0])


def reserved(config: Configuration, machine: Machine) -> dict[str, str]:
    """systemReserved, kubeReserved and what evictionHard keeps free, together."""
    kept = {"memory": ("memory.available", machine.memory_bytes), "ephemeral-storage": ("nodefs.available", machine.disk_bytes)}
    total = {}
    for name in {*config.system_reserved, *config.kube_reserved, *kept}:
        amount = quantity.parse(config.system_reserved.get(name, 0)) + quantity.parse(config.kube_reserved.get(name, 0))
        signal, capacity = kept.get(name, ("", 0))
        if signal in config.eviction_hard:
            amount += threshold(signal, config.eviction_hard[signal]).limit(capacity)
        total[name] = quantity.render(amount)
    return total


def most_pods(config: Configuration, machine: Machine) -> int:
    return min(config.max_pods, config.pods_per_core * machine.cpus) if config.pods_per_core else config.max_pods


def thresholds(config: Configuration) -> list[Threshold]:
    """Hard ones and soft ones."""
    soft = config.eviction_soft_grace_period
    return [
        *(threshold(signal, text) for signal, text in config.eviction_hard.items()),
        *(threshold(signal, text, duration(soft[signal])) for signal, text in config.eviction_soft.items()),
    ]


def pod_settings(config: Configuration, flags: Flags, machine: Machine, name: str, ip: str) -> Settings:
    size_mb = max(1, quantity.value(config.container_log_max_size) // 10**6)
    return Settings(
        node_name=name,
        node_ip=ip,
        root=Path(flags.root_dir),
        dns=Dns(config.cluster_dns, config.cluster_domain, Path(config.resolv_conf)),
        sandbox_image=flags.pod_infra_container_image,
        node_memory_bytes=machine.memory_bytes,
        allocatable=allocatable_numbers(machine, reserved(config, machine)),
        max_pods=most_pods(config, machine),
        seccomp_default=config.seccomp_default,
        lowest_oom=lowest_oom_score(capabilities.effective()),
        lacking=capabilities.lacking(capabilities.effective()),
        apparmor=capabilities.apparmor(),
        pids_limit=config.pod_pids_limit,
        unsafe_sysctls=config.allowed_unsafe_sysctls,
        log_config={"Type": "json-file", "Config": {"max-size": f"{size_mb}m", "max-file": str(config.container_log_max_files)}},
    )


def node_settings(config: Configuration, flags: Flags, machine: Machine, name: str, ip: str) -> NodeSettings:
    return NodeSettings(
        name=name,
        ip=ip,
        port=config.port,
        version=VERSION,
        root=Path(flags.root_dir),
        labels=flags.node_labels,
        taints=config.register_with_taints,
        register=config.register_node,
        max_pods=most_pods(config, machine),
        provider_id=config.provider_id,
        status_frequency_s=duration(config.node_status_update_frequency),
        reserved=reserved(config, machine),
    )


def access_policy(config: Configuration) -> Policy:
    return Policy(
        anonymous=config.authentication.anonymous.enabled,
        webhook=config.authentication.webhook.enabled,
        always_allow=config.authorization.mode == "AlwaysAllow",
        allowed_s=duration(config.authorization.webhook.cache_authorized_ttl),
        refused_s=duration(config.authorization.webhook.cache_unauthorized_ttl),
        token_s=duration(config.authentication.webhook.cache_ttl),
    )


async def start(daemon: Daemon, flags: Flags) -> None:
    """Docker first, then the node's object, then its pods."""
    os.umask(0o022)
    config = configure(flags)
    root = Path(flags.root_dir)
    root.mkdir(parents=True, exist_ok=True)
    client = Client.from_kubeconfig(flags.kubeconfig or None, user_agent="kubelet", max_connections=24)
    daemon.on_stop("client", client.close)
    machine = read_machine(root)
    name = (flags.hostname_override or machine.hostname).lower()
    ip = flags.node_ip or address_towards(client.access.server)
    clock = SystemClock()
    docker = Docker(config.container_runtime_endpoint)
    daemon.on_stop("docker", docker.close)
    containers = Containers(docker)
    recorder = EventRecorder(client, "kubelet", name)
    images = Images(docker, recorder, clock)
    network = PodNetwork(root / "network")
    objects = ApiObjects(client, clock)
    cluster_services: Informer[core_v1.Service] = Informer(client, core_v1.Service)
    services = Services(
        settings=pod_settings(config, flags, machine, name, ip),
        docker=docker,
        containers=containers,
        images=images,
        users=ImageUsers(docker),
        volumes=Volumes(root, objects, ImageFiles(docker, images, objects), clock),
        objects=objects,
        network=network,
        handlers=Handlers(docker),
        recorder=recorder,
        statuses=StatusWriter(client),
        clock=clock,
        cluster_services=cluster_services.store.list,
    )
    keeper = NodeKeeper(client, node_settings(config, flags, machine, name, ip), machine, docker, containers, network, recorder, clock)
    daemon.add_check("docker", lambda: containers.failure)
    await daemon.serve(Listener(config.healthz_bind_address, config.healthz_port))
    daemon.spawn("docker events", containers.run())
    daemon.spawn("events", recorder.run())
    daemon.spawn("pod status", services.statuses.run())
    await containers.synced.wait()
    pods = Pods(services)
    daemon.on_stop("pods", pods.stop)
    static = StaticPods(Path(config.static_pod_path), name, pods, services.statuses, client, clock) if config.static_pod_path else None
    if static is not None:
        daemon.spawn("static pods", static.run())
    stats = Stats(docker, containers, clock)
    await keep_usable(daemon, config, services, stats, keeper, pods, flags.pod_infra_container_image)
    access = Access(client, name, access_policy(config), clock)
    pages = {path: page for path, page in daemon.pages().items() if path != "/configz"}
    server = KubeletServer(name, services, stats, pods, access, config, machine, lambda: containers.failure, pages)
    daemon.on_stop("server", server.stop)
    tls = serving_context(
        config.tls_cert_file, config.tls_private_key_file, names=(name, ip), client_ca_file=config.authentication.x509.client_ca_file
    )
    await server.start(config.address, config.port, tls)
    daemon.spawn("cluster", follow_cluster(daemon, services, client, config, keeper, pods, cluster_services, static))
    shutdown = Shutdown(shutdown_groups(config), pods, keeper.changed)
    keeper.shutting_down = pods.shutting_down = lambda: shutdown.begun
    # The last one: pods end while everything else still serves them.
    daemon.on_stop("shutdown of the host", shutdown.run, shutdown.limit_s)
    await daemon.ready()


async def keep_usable(
    daemon: Daemon, config: Configuration, services: Services, stats: Stats, keeper: NodeKeeper, pods: Pods, sandbox_image: str
) -> None:
    """What frees disks and memory before the node has none."""
    docker, containers, clock = services.docker, services.containers, services.clock
    image_root = Path(str((await docker.info()).get("DockerRootDir") or "/var/lib/docker"))
    collector = ImageCollector(
        docker,
        Limits(
            config.image_gc_high_threshold_percent,
            config.image_gc_low_threshold_percent,
            duration(config.image_minimum_gc_age),
            duration(config.image_maximum_gc_age),
        ),
        lambda: [c.image_id for c in containers.all()],
        sandbox_image,
        lambda: disk_usage(image_root),
        services.recorder,
        keeper.reference(),
        clock,
    )
    evictor = Evictor(
        thresholds(config),
        duration(config.eviction_pressure_transition_period),
        lambda: observe(services.settings.root, image_root),
        pods,
        PodConsumption(stats, docker, containers, services.volumes),
        collector.free_all,
        services.recorder,
        keeper.reference(),
        clock,
        soft_grace_s=config.eviction_max_pod_grace_period,
        changed=keeper.changed,
    )
    keeper.pressures = pods.pressures = evictor.conditions
    daemon.spawn("eviction", evictor.run())
    daemon.spawn("image collection", collector.run())


async def follow_cluster(
    daemon: Daemon,
    services: Services,
    client: Client,
    config: Configuration,
    keeper: NodeKeeper,
    pods: Pods,
    cluster_services: Informer[core_v1.Service],
    static: StaticPods | None,
) -> None:
    """What needs the API server. We are ready without it: it may be one of our own pods' business, or late."""
    name = services.settings.node_name
    await keeper.register()
    nodes: Informer[core_v1.Node] = Informer(client, core_v1.Node, field_selector=f"metadata.name={name}")
    nodes.add_handler(keeper.observed, lambda _, new: keeper.observed(new), keeper.deleted)
    nodes.on_change(pods.node_changed)
    daemon.spawn("nodes", nodes.run())
    daemon.spawn("services", cluster_services.run())
    daemon.spawn("node status", keeper.run())
    daemon.spawn("node lease", NodeLease(client, name, config.node_lease_duration_seconds, services.clock).run())
    bound: Informer[core_v1.Pod] = Informer(client, core_v1.Pod, field_selector=f"spec.nodeName={name}")
    await cluster_services.synced.wait()
    await keeper.network_ready.wait()
    bound.add_handler(pods.added, pods.updated, pods.deleted)
    if static is not None:
        bound.add_handler(static.observe, lambda _, new: static.observe(new), static.gone)
    daemon.spawn("pods", bound.run())
    await bound.synced.wait()
    if static is not None:
        static.begin_mirrors()
    await asyncio.gather(pods.run())


def main(argv: Sequence[str] | None = None) -> int:
    return run_daemon(flag_set(), argv, start)


if __name__ == "__main__":
    sys.exit(main())
