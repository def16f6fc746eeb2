"""The one OpenAPI v2 document with what aggregated servers say of their groups put in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from typing import Any

import aiohttp

from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.aggregation.services import Remote, Services
from provisioner.kube.client.clock import Clock

log = logging.getLogger(__name__)

# As upstream: how long a server's document is good for.
KEPT_S = 60.0
PREFIX = "#/definitions/"

# ((group, version), the server's whole document)
Foreign = tuple[tuple[str, str], dict[str, Any]]


class ForeignDocuments:
    def __init__(self, services: Services, clock: Clock) -> None:
        self._services, self._clock = services, clock
        # APIService -> (asked at, document); one that many ask for at once is fetched once
        self._kept: dict[str, tuple[float, dict[str, Any]]] = {}
        self._asking = asyncio.Lock()

    async def all(self) -> list[Foreign]:
        """Of every server that answers. One without a document has none here, either."""
        remotes = [r for r in self._services.remotes.values() if r.available and r.answer is None]
        if not remotes:
            return []
        async with self._asking:
            documents = await asyncio.gather(*(self._one(remote) for remote in remotes))
            self._kept = {r.name: self._kept[r.name] for r in remotes if r.name in self._kept}
        return [(remote.group_version, document) for remote, document in zip(remotes, documents, strict=True) if document]

    async def _one(self, remote: Remote) -> dict[str, Any]:
        now = self._clock.monotonic()
        asked_at, document = self._kept.get(remote.name, (-KEPT_S, {}))
        if now - asked_at >= KEPT_S:
            try:
                found = await self._services.fetch(self._services.upstream(remote), "/openapi/v2")
                document = found if isinstance(found, dict) else {}
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError, StatusError) as error:
                log.info("no OpenAPI v2 of an aggregated server service=%s: %s", remote.name, str(error) or type(error).__name__)
            self._kept[remote.name] = (now, document)
        return document


def merged(own: dict[str, Any], foreign: Iterable[Foreign]) -> dict[str, Any]:
    """Our document with the paths of foreign groups and the definitions that these need. Of a name that both have ours stays."""
    paths, definitions = dict(own["paths"]), dict(own["definitions"])
    for (group, version), document in foreign:
        root = f"/apis/{group}/{version}"
        theirs = {path: item for path, item in (document.get("paths") or {}).items() if path == root or path.startswith(root + "/")}
        known = document.get("definitions") or {}
        for name in _needed(theirs, known):
            definitions.setdefault(name, known[name])
        paths |= theirs
    return {**own, "paths": paths, "definitions": definitions}


def _needed(paths: Any, known: dict[str, Any]) -> set[str]:
    """The definitions that paths lead to, over however many steps."""
    found: set[str] = set()
    waiting = [paths]
    while waiting:
        for name in _references(waiting.pop()):
            if name in known and name not in found:
                found.add(name)
                waiting.append(known[name])
    return found


def _references(node: Any) -> Iterator[str]:
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            target = part.get("$ref")
            if isinstance(target, str):
                yield target.removeprefix(PREFIX)
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
