"""Health-check node ports: where an outer load balancer asks whether this node has endpoints of a service (externalTrafficPolicy Local)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

import msgspec
from aiohttp import web

from provisioner.kube.client.informer import split_key
from provisioner.kube.proxy.services import ServicePort

log = logging.getLogger(__name__)


class HealthPorts:
    """A listener for each service that has such a port. `healthy` tells whether the rules are in the kernel."""

    def __init__(self, healthy: Callable[[], bool], address: str = "0.0.0.0") -> None:
        self._healthy, self._address = healthy, address
        self._local: dict[str, int] = {}
        self._listening: dict[str, tuple[int, web.AppRunner]] = {}

    async def sync(self, changes: Mapping[str, Sequence[ServicePort]]) -> None:
        """Take in changed services (no ports: the service is gone). A port that is taken is told in the log, and tried at the next change."""
        for key, ports in changes.items():
            wanted = next((port.health_port for port in ports if port.health_port), 0)
            self._local[key] = max((port.local_ready for port in ports), default=0)
            listening = self._listening.get(key)
            if listening is not None and listening[0] != wanted:
                await self._listening.pop(key)[1].cleanup()
            if wanted and key not in self._listening:
                await self._listen(key, wanted)
            if not wanted:
                del self._local[key]

    async def _listen(self, key: str, port: int) -> None:

        async def answer(_: web.Request) -> web.Response:
            return self._answer(key)

        app = web.Application()
        app.router.add_get("/{tail:.*}", answer)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.5)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._address, port, reuse_address=True).start()
        except OSError as error:
            await runner.cleanup()
            log.error("health-check port not opened service=%s port=%d: %s", key, port, error)
            return
        self._listening[key] = (port, runner)

    def _answer(self, key: str) -> web.Response:
        namespace, name = split_key(key)
        count, healthy = self._local.get(key, 0), self._healthy()
        body = {"service": {"namespace": namespace, "name": name}, "localEndpoints": count, "serviceProxyHealthy": healthy}
        headers = {"X-Content-Type-Options": "nosniff", "X-Load-Balancing-Endpoint-Weight": str(count)}
        return web.Response(
            status=200 if count and healthy else 503, body=msgspec.json.encode(body), headers=headers, content_type="application/json"
        )

    async def stop(self) -> None:
        while self._listening:
            await self._listening.popitem()[1][1].cleanup()
