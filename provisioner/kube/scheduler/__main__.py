"""kube-scheduler's main: flags, leader election, informers, the scheduling loop."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from provisioner.kube.client import leader, serving
from provisioner.kube.client.client import Client
from provisioner.kube.client.daemon import Daemon, run_daemon
from provisioner.kube.client.events import EventRecorder
from provisioner.kube.client.flags import Flags, FlagSet
from provisioner.kube.client.informer import InformerSet
from provisioner.kube.scheduler.loop import Scheduler
from provisioner.kube.scheduler.profiles import Configuration, ProfileSettings, profiles_of, read
from provisioner.kube.scheduler.queue import SchedulingQueue

log = logging.getLogger(__name__)

SYNC_S = 60.0


def flag_set() -> FlagSet:
    flags = FlagSet("kube-scheduler", "gives each pod the best node that can take it")
    serving.add_flags(flags, 10259)
    flags.add("config", str, "", "a KubeSchedulerConfiguration file: profiles, their scoring plugins, back-off")
    flags.add("scheduler-name", str, "", "one profile of this name, where no file names any")
    leader.add_flags(flags, "kube-scheduler")
    return flags


async def start(daemon: Daemon, flags: Flags) -> None:
    config = read(Path(flags.config)) if flags.config else Configuration()
    if flags.scheduler_name:
        config = msgspec.structs.replace(config, profiles=(ProfileSettings(scheduler_name=flags.scheduler_name),))
    profiles = profiles_of(config)
    kubeconfig = flags.kubeconfig or config.client_connection.kubeconfig
    client = Client.from_kubeconfig(kubeconfig or None, user_agent="kube-scheduler", max_connections=80)
    daemon.on_stop("client", client.close)
    daemon.configured("kubescheduler.config.k8s.io", config)
    await daemon.serve(serving.listener(flags))
    recorder = EventRecorder(client, "default-scheduler")
    daemon.spawn("events", recorder.run())

    async def lead() -> None:
        informers = InformerSet(client)
        queue = SchedulingQueue(config.pod_initial_backoff_seconds, config.pod_max_backoff_seconds)
        scheduler = Scheduler(client, informers, recorder, profiles=profiles, queue=queue)
        informers.start()
        try:
            await informers.wait_synced(SYNC_S)
            await scheduler.run()
        finally:
            await informers.stop()

    if flags.leader_elect and config.leader_election.leader_elect is not False:
        leader.lead_by_flags(daemon, client, flags, "kube-scheduler", lead)
    else:
        daemon.spawn("scheduling", lead())
    await daemon.ready()


def main(argv: Sequence[str] | None = None) -> int:
    return run_daemon(flag_set(), argv, start)


if __name__ == "__main__":
    sys.exit(main())
