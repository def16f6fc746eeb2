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
from provisioner.kube.kubelet.config import Configuration, configure, flag_set
from provisioner.kube.kubelet.node.lease import NodeLease
from provisioner.kube.kubelet.node.machine import Machine, capabilities, read_machine
from provisioner.kube.kubelet.node.node import NodeKeeper, NodeSettings
from provisioner.kube.kubelet.node.status import allocatable_numbers
from provisioner.kube.kubelet.pod.handlers import Handlers
from provisioner.kube.kubelet.pod.pods import Pods
from provisioner.kube.kubelet.pod.resources import lowest_oom_score
from provisioner.kube.kubelet.pod.services import Services, Settings
from provisioner.kube.kubelet.pod.status_writer import StatusWriter
from provisioner.kube.kubelet.runtime.containers import Containers
from provisioner.kube.kubelet.runtime.docker import Docker
from provisioner.kube.kubelet.runtime.images import Images
from provisioner.kube.kubelet.server.access import Access, Policy
from provisioner.kube.kubelet.server.app import KubeletServer
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


def reserved(config: Configuration) -> dict[str, str]:
    """systemReserved and kubeReserved together."""
    total = {}
    for name in {*config.system_reserved, *config.kube_reserved}:
        both = quantity.parse(config.system_reserved.get(name, 0)) + quantity.parse(config.kube_reserved.get(name, 0))
        total[name] = quantity.render(both)
    return total


def pod_settings(config: Configuration, flags: Flags, machine: Machine, name: str, ip: str) -> Settings:
    size_mb = max(1, quantity.value(config.container_log_max_size) // 10**6)
    return Settings(
        node_name=name,
        node_ip=ip,
        root=Path(flags.root_dir),
        dns=Dns(config.cluster_dns, config.cluster_domain, Path(config.resolv_conf)),
        sandbox_image=flags.pod_infra_container_image,
        node_memory_bytes=machine.memory_bytes,
        allocatable=allocatable_numbers(machine, reserved(config)),
        max_pods=config.max_pods,
        lowest_oom=lowest_oom_score(capabilities()),
        log_config={"Type": "json-file", "Config": {"max-size": f"{size_mb}m", "max-file": str(config.container_log_max_files)}},
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
    network = PodNetwork(root / "network")
    objects = ApiObjects(client, clock)
    cluster_services: Informer[core_v1.Service] = Informer(client, core_v1.Service)
    services = Services(
        settings=pod_settings(config, flags, machine, name, ip),
        docker=docker,
        containers=containers,
        images=Images(docker, recorder, clock),
        volumes=Volumes(root, objects, clock),
        objects=objects,
        network=network,
        handlers=Handlers(docker),
        recorder=recorder,
        statuses=StatusWriter(client),
        clock=clock,
        cluster_services=cluster_services.store.list,
    )
    node_settings = NodeSettings(
        name=name,
        ip=ip,
        port=config.port,
        version=VERSION,
        root=root,
        labels=flags.node_labels,
        taints=config.register_with_taints,
        register=config.register_node,
        max_pods=config.max_pods,
        status_frequency_s=duration(config.node_status_update_frequency),
        reserved=reserved(config),
    )
    keeper = NodeKeeper(client, node_settings, machine, docker, containers, network, recorder, clock)
    daemon.add_check("docker", lambda: containers.failure)
    await daemon.serve(Listener(config.healthz_bind_address, config.healthz_port))
    daemon.spawn("docker events", containers.run())
    daemon.spawn("events", recorder.run())
    daemon.spawn("pod status", services.statuses.run())
    await containers.synced.wait()
    pods = Pods(services)
    daemon.on_stop("pods", pods.stop)
    access = Access(client, name, access_policy(config), clock)
    server = KubeletServer(name, docker, containers, pods, access, clock, lambda: containers.failure)
    daemon.on_stop("server", server.stop)
    tls = serving_context(
        config.tls_cert_file, config.tls_private_key_file, names=(name, ip), client_ca_file=config.authentication.x509.client_ca_file
    )
    await server.start(config.address, config.port, tls)
    daemon.spawn("cluster", follow_cluster(daemon, client, config, keeper, pods, cluster_services, name))
    await daemon.ready()


async def follow_cluster(
    daemon: Daemon,
    client: Client,
    config: Configuration,
    keeper: NodeKeeper,
    pods: Pods,
    cluster_services: Informer[core_v1.Service],
    name: str,
) -> None:
    """What needs the API server. We are ready without it: it may be one of our own pods' business, or late."""
    await keeper.register()
    nodes: Informer[core_v1.Node] = Informer(client, core_v1.Node, field_selector=f"metadata.name={name}")
    nodes.add_handler(keeper.observed, lambda _, new: keeper.observed(new), keeper.deleted)
    daemon.spawn("nodes", nodes.run())
    daemon.spawn("services", cluster_services.run())
    daemon.spawn("node status", keeper.run())
    daemon.spawn("node lease", NodeLease(client, name, config.node_lease_duration_seconds, SystemClock()).run())
    bound: Informer[core_v1.Pod] = Informer(client, core_v1.Pod, field_selector=f"spec.nodeName={name}")
    await cluster_services.synced.wait()
    await keeper.network_ready.wait()
    bound.add_handler(pods.added, pods.updated, pods.deleted)
    daemon.spawn("pods", bound.run())
    await bound.synced.wait()
    await asyncio.gather(pods.run())


def main(argv: Sequence[str] | None = None) -> int:
    return run_daemon(flag_set(), argv, start)


if __name__ == "__main__":
    sys.exit(main())
