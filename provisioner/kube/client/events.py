"""Events about objects (core/v1 Event), written in the background: like events become one with a count, those that differ in their message alone
become one from the tenth message on, and a flood is dropped.

Recording never blocks and never fails its caller: events are notes to people, and the cluster works without them.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import secrets
from collections import OrderedDict
from typing import Any

from provisioner.kube.api._generated import core_v1, meta_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.client.client import Client, ConnectionFailed
from provisioner.kube.client.clock import Clock, SystemClock

log = logging.getLogger(__name__)

# As client-go: 4096 remembered events; one source may send 25 about one object at once, then one in 5 minutes.
REMEMBERED = 4096
BURST = 25
REFILL_S = 300.0
# Events that differ in their message alone are told apart until there are ten within ten minutes, as by client-go.
SIMILAR = 10
SIMILAR_S = 600.0
WAITING = 1000
# Of whom about what: the event's type and reason, and its message where it is told of by itself.
Identity = tuple[str | None, ...]


def reference_to(obj: Any) -> core_v1.ObjectReference:
    """The ObjectReference of any kind's object."""
    metadata = obj.metadata
    return core_v1.ObjectReference(
        api_version=obj.api_version,
        kind=obj.kind,
        name=metadata.name,
        namespace=metadata.namespace,
        uid=metadata.uid,
        resource_version=metadata.resource_version,
    )


class EventRecorder:
    """`component` is the daemon's name, `host` its node where that matters (kubelet, kube-proxy)."""

    def __init__(self, client: Client, component: str, host: str = "", *, clock: Clock | None = None) -> None:
        self._client, self._component, self._host = client, component, host
        self._clock = clock or SystemClock()
        self._waiting: asyncio.Queue[tuple[Identity, core_v1.Event]] = asyncio.Queue(maxsize=WAITING)
        # event's identity -> the Event as the server has it
        self._known: OrderedDict[Identity, core_v1.Event] = OrderedDict()
        # identity without the message -> (messages, when the last one came)
        self._similar: OrderedDict[Identity, tuple[set[str], float]] = OrderedDict()
        # (component, object's uid) -> (tokens, as of)
        self._budget: OrderedDict[Identity, tuple[float, float]] = OrderedDict()
        self._named_ns = 0

    def named(self, component: str) -> EventRecorder:
        """The same, for what is a component of its own in the same daemon."""
        other = copy.copy(self)
        other._component = component
        return other

    def event(self, obj: Any, type_: str, reason: str, message: str) -> None:
        """Note something about `obj` (an object, or an ObjectReference). `type_` is Normal or Warning; `reason` is CamelCase."""
        about = obj if isinstance(obj, core_v1.ObjectReference) else reference_to(obj)
        identity, message = self._told_apart(about, type_, reason, message)
        if not self._allowed((self._component, about.uid or about.name)):
            return
        moment = self._clock.now()
        now = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        # As upstream: names tell the order of those within one second. Below a microsecond it is chance, so that no two daemons give one name.
        self._named_ns = max(self._named_ns + 1, int(moment.timestamp() * 1e6) * 1000 + secrets.randbelow(1000))
        made = core_v1.Event(
            metadata=meta_v1.ObjectMeta(name=f"{about.name}.{self._named_ns:x}", namespace=about.namespace or "default"),
            involved_object=about,
            type=type_,
            reason=reason,
            message=message[:1024],
            count=1,
            first_timestamp=now,
            last_timestamp=now,
            source=core_v1.EventSource(component=self._component, host=self._host or None),
            reporting_component=self._component,
            reporting_instance=self._host,
        )
        try:
            self._waiting.put_nowait((identity, made))
        except asyncio.QueueFull:
            log.warning("event dropped reason=%s object=%s: %d wait already", reason, about.name, WAITING)

    def _told_apart(self, about: core_v1.ObjectReference, type_: str, reason: str, message: str) -> tuple[Identity, str]:
        """(the event's identity, its message): of many that differ in their messages alone, the newest stands for all."""
        now = self._clock.monotonic()
        group = (self._component, about.kind, about.namespace, about.name, about.uid, type_, reason)
        messages, last = self._similar.pop(group, (set[str](), now))
        if now - last > SIMILAR_S:
            messages = set()
        messages.add(message)
        self._similar[group] = messages, now
        while len(self._similar) > REMEMBERED:
            self._similar.popitem(last=False)
        if len(messages) < SIMILAR:
            return (*group, about.field_path, message), message
        messages.pop()
        return group, f"(combined from similar events): {message}"

    def _allowed(self, source: Identity) -> bool:
        now = self._clock.monotonic()
        tokens, since = self._budget.pop(source, (float(BURST), now))
        tokens = min(float(BURST), tokens + (now - since) / REFILL_S)
        allowed = tokens >= 1
        self._budget[source] = (tokens - 1 if allowed else tokens, now)
        while len(self._budget) > REMEMBERED:
            self._budget.popitem(last=False)
        return allowed

    async def run(self) -> None:
        """Write what was recorded, one at a time, for ever."""
        while True:
            await self._write(*await self._waiting.get())

    async def _write(self, identity: Identity, made: core_v1.Event) -> None:
        known = self._known.pop(identity, None)
        try:
            if known is not None:
                count = (known.count or 1) + 1
                body = {"count": count, "lastTimestamp": made.last_timestamp, "message": made.message}
                try:
                    name = known.metadata.name or ""
                    self._known[identity] = await self._client.patch(core_v1.Event, name, known.metadata.namespace, body=body)
                    return
                except StatusError as error:
                    if error.code != 404:
                        raise
            self._known[identity] = await self._client.create(made)
        except (StatusError, ConnectionFailed) as error:
            log.info("event not written reason=%s event=%s: %s", made.reason, made.metadata.name, error)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
