"""kube-controller-manager's main: flags, leader election, the controllers."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from provisioner.kube.client import leader, serving
from provisioner.kube.client.client import Client
from provisioner.kube.client.clock import SystemClock
from provisioner.kube.client.daemon import Daemon, run_daemon
from provisioner.kube.client.events import EventRecorder
from provisioner.kube.client.flags import FlagError, Flags, FlagSet, boolean, comma_list, duration, integer
from provisioner.kube.client.informer import InformerSet
from provisioner.kube.client.tasks import spawn, stop
from provisioner.kube.controllers.accounts import Accounts
from provisioner.kube.controllers.controller import Parts
from provisioner.kube.controllers.factories import FACTORIES, UNBOUND, account_of, chosen, event_source

SYNC_S = 60.0


SIGNERS = ("kubelet-serving", "kubelet-client", "kube-apiserver-client", "legacy-unknown")


def flag_set() -> FlagSet:
    flags = FlagSet("kube-controller-manager", "runs the loops that make what is into what is wanted")
    serving.add_flags(flags, 10257)
    for name, default, help_ in (
        ("cluster-name", "kubernetes", "the cluster's name"),
        ("cluster-cidr", "", "the pods' addresses, of which each node gets a range"),
        ("service-cluster-ip-range", "", "the services' addresses"),
        ("root-ca-file", "", "the CA that is published to every namespace"),
        ("cluster-signing-cert-file", "", "CA that signs requests"),
        ("cluster-signing-key-file", "", "its key"),
        *((f"cluster-signing-{signer}-{part}-file", "", f"for {signer} alone") for signer in SIGNERS for part in ("cert", "key")),
        ("service-account-private-key-file", "", "taken for compatibility: the API server signs tokens"),
    ):
        flags.add(name, str, default, help_)
    flags.add("controllers", comma_list, ["*"], "controllers to run: * is all, -name leaves one out")
    leader.add_flags(flags, "kube-controller-manager")
    flags.add("allocate-node-cidrs", boolean, False, "give each node a range of --cluster-cidr")
    flags.add("node-cidr-mask-size", integer, 24, "size of a node's range")
    flags.add("node-monitor-period", duration, 5.0, "how often nodes are looked at")
    flags.add("node-monitor-grace-period", duration, 50.0, "how long a node may be silent")
    flags.add("node-startup-grace-period", duration, 60.0, "the same for a node that has never reported")
    flags.add("pod-eviction-timeout", duration, 300.0, "taken for compatibility: pods' own tolerations decide")
    flags.add("terminated-pod-gc-threshold", integer, 12500, "ended pods that are kept; 0 keeps all")
    flags.add("cluster-signing-duration", duration, 365 * 86400.0, "the longest that a signed certificate holds")
    flags.add("horizontal-pod-autoscaler-sync-period", duration, 15.0, "how often autoscalers look at their metrics")
    flags.add("enable-garbage-collector", boolean, True, "delete dependents whose owners are gone")
    flags.add(
        "use-service-account-credentials", boolean, False, "each controller acts as its own service account, not as the kubeconfig's user"
    )
    return flags


def configuration_of(flags: Flags, names: Sequence[str]) -> dict[str, object]:
    """The flags as KubeControllerManagerConfiguration has them, as far as we act on them."""
    return {
        "Generic": {
            "Address": flags.bind_address,
            "Port": flags.secure_port,
            "Controllers": list(names),
            "LeaderElection": {
                "LeaderElect": flags.leader_elect,
                "ResourceName": "kube-controller-manager",
                "ResourceNamespace": "kube-system",
            },
        },
        "KubeCloudShared": {
            "AllocateNodeCIDRs": flags.allocate_node_cidrs,
            "ClusterCIDR": flags.cluster_cidr,
            "ClusterName": flags.cluster_name,
            "NodeMonitorPeriod": f"{flags.node_monitor_period:g}s",
            "UseServiceAccountCredentials": flags.use_service_account_credentials,
        },
        "GarbageCollectorController": {"EnableGarbageCollector": flags.enable_garbage_collector},
        "NodeLifecycleController": {
            "NodeMonitorGracePeriod": f"{flags.node_monitor_grace_period:g}s",
            "NodeStartupGracePeriod": f"{flags.node_startup_grace_period:g}s",
        },
        "PodGCController": {"TerminatedPodGCThreshold": flags.terminated_pod_gc_threshold},
    }


async def start(daemon: Daemon, flags: Flags) -> None:
    names = chosen(flags.controllers)
    if flags.allocate_node_cidrs and not flags.cluster_cidr:
        raise FlagError("--allocate-node-cidrs needs --cluster-cidr")
    clock = SystemClock()
    client = Client.from_kubeconfig(flags.kubeconfig or None, user_agent="kube-controller-manager", max_connections=100)
    daemon.on_stop("client", client.close)
    daemon.configured("kubecontrollermanager.config.k8s.io", configuration_of(flags, names))
    await daemon.serve(serving.listener(flags))
    recorder = EventRecorder(client, "kube-controller-manager")
    daemon.spawn("events", recorder.run())
    # Made before there is a lease to renew: importing thirty controllers keeps the loop busy, on a slow computer for ten seconds.
    informers = InformerSet(client)
    accounts = Accounts(client, clock) if flags.use_service_account_credentials else None
    if accounts is not None:
        daemon.on_stop("accounts", accounts.close)

    def parts_of(name: str) -> Parts:
        own = client if accounts is None or name == UNBOUND else accounts.client(account_of(name))
        return Parts(own, informers, recorder.named(event_source(name)), clock, accounts.client if accounts is not None else None)

    controllers = [c for name in names if (c := FACTORIES[name](parts_of(name), flags)) is not None]

    async def lead() -> None:
        informers.start()
        tasks: list[asyncio.Task[None]] = []
        try:
            await informers.wait_synced(SYNC_S)
            tasks = [spawn(controller.name, controller.run()) for controller in controllers]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await stop(*tasks)
            await informers.stop()

    if flags.leader_elect:
        leader.lead_by_flags(daemon, client, flags, "kube-controller-manager", lead)
    else:
        daemon.spawn("controllers", lead())
    await daemon.ready()


def main(argv: Sequence[str] | None = None) -> int:
    return run_daemon(flag_set(), argv, start)


if __name__ == "__main__":
    sys.exit(main())
