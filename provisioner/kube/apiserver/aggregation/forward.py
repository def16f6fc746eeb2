"""Requests for aggregated groups, passed on with our own certificate; who asks is told in the front proxy's headers."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from provisioner.kube.api import errors
from provisioner.kube.apiserver.aggregation.services import Remote, Services
from provisioner.kube.apiserver.context import Call, User
from provisioner.kube.apiserver.kubelet_proxy import Forwarder
from provisioner.kube.apiserver.requests import Target


class AggregatedGroups:
    def __init__(self, services: Services, forwarder: Forwarder) -> None:
        self._services, self._forwarder = services, forwarder

    def takes(self, target: Target) -> bool:
        return bool(self._services.remotes) and self._remote(target) is not None

    def _remote(self, target: Target) -> Remote | None:
        if target.resource:
            return self._services.remotes.get((target.group, target.version))
        parts = [part for part in target.path.split("/") if part]
        if parts[:1] == ["apis"] and len(parts) == 3:
            return self._services.remotes.get((parts[1], parts[2]))
        if parts[:3] == ["openapi", "v3", "apis"] and len(parts) == 5:
            return self._services.remotes.get((parts[3], parts[4]))
        return None

    async def answer(self, request: web.Request, call: Call) -> web.StreamResponse:
        """Raises 503 where the server is not there."""
        remote = self._remote(call.target)
        assert remote is not None
        if remote.answer is not None:
            return await remote.answer(request, call)
        if not remote.available:
            raise errors.unavailable("service unavailable")
        if call.target.verb == "watch":
            call.begun()
        upstream = self._services.upstream(remote)
        return await self._forwarder.forward(request, upstream, request.raw_path, identity(call.user))


def identity(user: User) -> list[tuple[str, str]]:
    """A user in the headers that aggregated servers believe us by our certificate."""
    found = [("X-Remote-User", user.name)]
    if user.uid:
        found.append(("X-Remote-Uid", user.uid))
    found += [("X-Remote-Group", group) for group in user.groups]
    for key, values in user.extra.items():
        found += [(f"X-Remote-Extra-{quote(key, safe='')}", value) for value in values]
    return found
