"""kube-apiserver's entry point."""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Sequence

from provisioner.kube.apiserver.options import WITHOUT_EFFECT, flag_set
from provisioner.kube.apiserver.settings import settings_of
from provisioner.kube.client.clock import SystemClock
from provisioner.kube.client.daemon import Daemon, run_daemon
from provisioner.kube.client.flags import FlagError, Flags

log = logging.getLogger(__name__)


def outward_address() -> str:
    """The address that packets to other hosts leave from; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(sock.getsockname()[0])


async def start(daemon: Daemon, flags: Flags) -> None:
    from provisioner.kube.apiserver.aggregation.local import LocalServices
    from provisioner.kube.apiserver.bootstrap.objects import Bootstrap
    from provisioner.kube.apiserver.fairness.objects import FlowObjects
    from provisioner.kube.apiserver.identity_lease import IdentityLease
    from provisioner.kube.apiserver.masters import Masters
    from provisioner.kube.apiserver.policy_status import PolicyStatus
    from provisioner.kube.apiserver.server import Server
    from provisioner.kube.apiserver.service_repair import ServiceRepair
    from provisioner.kube.client import memory

    memory.tune()
    idle = sorted(name for name in WITHOUT_EFFECT if name.replace("-", "_") in flags.given)
    if idle:
        log.info("flags without effect here: %s", ", ".join(f"--{name}" for name in idle))
    try:
        settings = settings_of(flags)
        server = Server(settings, SystemClock(), flags.advertise_address or outward_address())
    except (ValueError, OSError) as error:
        raise FlagError(str(error)) from error
    daemon.on_stop("server", server.close)
    await server.start()
    masters = Masters(server)
    daemon.on_stop("masters", masters.close)
    await Bootstrap(server).run()
    daemon.spawn("custom resource definitions", server.definitions.run(server.rest))
    local = LocalServices(server)
    daemon.spawn("local api services", local.run())
    daemon.spawn("api services", server.services.run(local.record))
    daemon.spawn("status of policies", PolicyStatus(server).run())
    daemon.spawn("repair of service numbers", ServiceRepair(server.cache, server.store, server.clock).run())
    daemon.spawn("flow schemas", FlowObjects(server).run())
    await masters.step()
    daemon.spawn("masters", masters.run())
    identity = IdentityLease(server)
    await identity.step()
    daemon.spawn("identity", identity.run())
    daemon.add_check("etcd", lambda: server.cache.failure)
    server.bootstrapped.set()
    await daemon.ready()


def main(argv: Sequence[str] | None = None) -> int:
    return run_daemon(flag_set(), argv, start)


if __name__ == "__main__":
    sys.exit(main())
