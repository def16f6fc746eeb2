"""The lease by which each API server is known (kube-system, label apiserver.kubernetes.io/identity), and the end of those of servers that are gone.

Source: "Leases", API server identity.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from provisioner.kube.api._generated import meta_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import parse_time, random_uuid
from provisioner.kube.apiserver.bootstrap.objects import Bootstrap
from provisioner.kube.storage.cache import NotFresh
from provisioner.kube.storage.etcd import EtcdError

if TYPE_CHECKING:
    from provisioner.kube.apiserver.server import Server

log = logging.getLogger(__name__)

GROUP, NAMESPACE = "coordination.k8s.io", "kube-system"
IDENTITY = "apiserver.kubernetes.io/identity"
# As upstream: how often it is renewed, how long it lasts without, and how often others' are looked at.
RENEW_S, LIFE_S, SWEEP_S = 10.0, 3600, 3600.0


def lease_name(host: str) -> str:
    digest = hashlib.sha256(host.encode()).digest()[:16]
    return "apiserver-" + base64.b32encode(digest).decode().rstrip("=").lower()


def expired(lease: dict[str, Any], now: datetime) -> bool:
    """Whether a server's lease has not been renewed for as long as it lasts."""
    if (lease["metadata"].get("labels") or {}).get(IDENTITY) != "kube-apiserver":
        return False
    spec = lease.get("spec") or {}
    renewed = parse_time(spec.get("renewTime"))
    return renewed is None or (now - renewed).total_seconds() > (spec.get("leaseDurationSeconds") or 0)


class IdentityLease:
    def __init__(self, server: Server, host: str = "") -> None:
        self._server, self._writer = server, Bootstrap(server)
        self._host = host or socket.gethostname()
        self.name = lease_name(self._host)
        self._holder = f"{self.name}_{random_uuid()}"
        self._swept_at = -SWEEP_S

    async def run(self) -> None:
        while True:
            await self._server.clock.sleep(RENEW_S)
            await self.step()

    async def step(self) -> None:
        """Renew our lease, and look at others' now and then. A failure waits for the next step."""
        try:
            await self.renew()
            if self._server.clock.monotonic() - self._swept_at >= SWEEP_S:
                await self.sweep()
                self._swept_at = self._server.clock.monotonic()
        except (StatusError, EtcdError, NotFresh) as error:
            log.warning("the server's lease is not renewed: %s", error)

    async def renew(self) -> None:
        spec = {"holderIdentity": self._holder, "leaseDurationSeconds": LIFE_S, "renewTime": _micro(self._server.clock.now())}
        labels = {IDENTITY: "kube-apiserver", "kubernetes.io/hostname": self._host}
        document = {"metadata": {"name": self.name, "labels": labels}, "spec": spec}
        await self._writer.ensure(GROUP, "v1", "leases", NAMESPACE, document)
        kind = self._writer.kind(GROUP, "v1", "leases")
        call = self._writer.call("patch", kind, NAMESPACE, self.name)
        await self._server.rest.patch(kind, call, lambda current: {**current, "spec": spec})

    async def sweep(self) -> None:
        kind = self._writer.kind(GROUP, "v1", "leases")
        for entry in list(self._server.cache.collection(kind.stored_as).page(f"{NAMESPACE}/", "")):
            lease = msgspec.json.decode(entry.data)
            if expired(lease, self._server.clock.now()):
                name = lease["metadata"]["name"]
                log.info("lease of an API server that is gone is removed name=%s", name)
                await self._server.rest.delete(kind, self._writer.call("delete", kind, NAMESPACE, name), meta_v1.DeleteOptions())


def _micro(now: datetime) -> str:
    """A MicroTime."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
