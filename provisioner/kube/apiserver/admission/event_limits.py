"""EventRateLimit: nobody floods the server with events.

Source: eventratelimit.admission.k8s.io/v1alpha1 Configuration. Each limit is a token bucket, or one for each namespace, user, or source
and object; of those only the `cacheSize` ones that were used last are kept.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Literal

import msgspec

from provisioner.kube.api import errors
from provisioner.kube.apiserver.admission.chain import Plugin
from provisioner.kube.apiserver.config_files import Configuration, Section
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.client.clock import Clock, SystemClock

VERSIONS = ("eventratelimit.admission.k8s.io/v1alpha1",)
DEFAULT_CACHE_SIZE = 4096


class EventLimit(Section, frozen=True, kw_only=True):
    """`qps` events a second on average, `burst` at once."""

    type: Literal["Server", "Namespace", "User", "SourceAndObject"]
    qps: int
    burst: int
    cache_size: int = DEFAULT_CACHE_SIZE


class EventRateLimitConfiguration(Configuration, frozen=True, kw_only=True):
    limits: tuple[EventLimit, ...]


class _Buckets:
    """What is left for each key of one limit."""

    def __init__(self, limit: EventLimit, clock: Clock) -> None:
        self._limit, self._clock = limit, clock
        # key -> (tokens, when they were counted)
        self._left: OrderedDict[Any, tuple[float, float]] = OrderedDict()

    def take(self, key: Any) -> bool:
        now, limit = self._clock.monotonic(), self._limit
        tokens, counted = self._left.pop(key, (float(limit.burst), now))
        tokens = min(float(limit.burst), tokens + (now - counted) * limit.qps)
        taken = tokens >= 1
        self._left[key] = (tokens - taken, now)
        while len(self._left) > max(limit.cache_size, 1):
            self._left.popitem(last=False)
        return taken


class EventRateLimit(Plugin):
    name = "EventRateLimit"
    kinds = frozenset({"core/events"})

    def __init__(self, limits: tuple[EventLimit, ...], clock: Clock | None = None) -> None:
        self._limits = [(limit.type, _Buckets(limit, clock or SystemClock())) for limit in limits]

    async def validate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        """Raises 429 where any limit is reached; a dry run takes nothing."""
        if kind.stored_as != "core/events" or call.dry_run:
            return
        keys = {"Server": "", "Namespace": call.target.namespace, "User": call.user.name, "SourceAndObject": _source(new)}
        refused = [name for name, buckets in self._limits if not buckets.take(keys[name])]
        if refused:
            raise errors.too_many_requests(f"limit reached on type {refused[0]} for key {keys[refused[0]]!r}")


def _source(event: Obj) -> str:
    """Who says it, of what."""
    plain = msgspec.to_builtins(event)
    about = plain.get("involved_object") or plain.get("involvedObject") or plain.get("regarding") or {}
    source = plain.get("source") or plain.get("deprecatedSource") or {}
    parts = [source.get("component"), source.get("host"), plain.get("reportingController"), *about.values()]
    return "".join(str(part) for part in parts if part)
