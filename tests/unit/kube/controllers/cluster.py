"""A server in memory for the controllers' tests: what a controller writes is in its informers at once, as a watch would bring it."""

from __future__ import annotations

import itertools
from typing import Any, TypeVar, cast

import msgspec

from provisioner.kube.api._generated.resources import resource_of
from provisioner.kube.api._generated.scalars import Object
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.patch import merge_patch, strategic_merge_patch
from provisioner.kube.client.client import Client
from provisioner.kube.client.clock import FakeClock
from provisioner.kube.client.events import EventRecorder
from provisioner.kube.client.informer import InformerSet, key_of
from provisioner.kube.controllers.controller import Controller, Parts
from tests.unit.kube.controllers.objects import NOW

K = TypeVar("K", bound=Object)
# A controller that isn't through after this many keys goes round in circles.
KEYS = 200


class Cluster:
    """The calls of `Client` that controllers use, on dictionaries; `events` are (type, reason, message)."""

    def __init__(self) -> None:
        self.clock = FakeClock(NOW)
        self.events: list[tuple[str, str, str]] = []
        self._informers = InformerSet(cast(Client, self))
        self._objects: dict[tuple[str, str], Object] = {}
        self._numbers = itertools.count(1)
        self.refuse: StatusError | None = None
        """What the next creation is answered with."""

    def parts(self) -> Parts:
        return Parts(cast(Client, self), self._informers, cast(EventRecorder, self), self.clock)

    def named(self, _: str) -> Cluster:
        """As the recorder's: all components note their events here."""
        return self

    def event(self, _: Any, type_: str, reason: str, message: str) -> None:
        self.events.append((type_, reason, message))

    def all(self, kind: type[K]) -> list[K]:
        return [cast(K, obj) for (name, _), obj in self._objects.items() if name == kind.KIND]

    def put(self, obj: K) -> K:
        """As if somebody had written it."""
        obj = self._copy(obj)
        metadata: Any = obj.metadata  # type: ignore[attr-defined]
        metadata.uid = metadata.uid or f"uid-{next(self._numbers)}"
        metadata.resource_version = str(next(self._numbers))
        key = (type(obj).KIND, key_of(obj))
        if metadata.deletion_timestamp and not metadata.finalizers and metadata.deletion_grace_period_seconds == 0:
            self._objects.pop(key, None)
            self._informers.get(type(obj))._deleted(key[1], obj)  # what a watch does
        else:
            self._objects[key] = obj
            self._informers.get(type(obj))._changed(key[1], obj)
        return obj

    async def settle(self, controller: Controller) -> float | None:
        """Reconcile until nothing is queued; the last wish to look again."""
        again: float | None = None
        for _ in range(KEYS):
            if not len(controller.queue):
                return again
            key = await controller.queue.get()
            try:
                again = await controller.reconcile(key)
            except StatusError as error:
                if error.reason != "Conflict":
                    raise
                controller.queue.add(key)
            finally:
                controller.queue.done(key)
        raise AssertionError(f"{controller.name} never comes to an end")

    # -- as Client ---------------------------------------------------------------------------------------------------

    async def get(self, kind: type[K], name: str, namespace: str | None = None) -> K:
        key = f"{namespace}/{name}" if namespace else name
        if (kind.KIND, key) not in self._objects:
            raise StatusError(404, "NotFound", f"{key} not found")
        return cast(K, self._objects[kind.KIND, key])

    async def create(self, obj: K) -> K:
        if self.refuse is not None:
            raise self.refuse
        metadata: Any = obj.metadata  # type: ignore[attr-defined]
        if not metadata.name:
            metadata.name = f"{metadata.generate_name}{next(self._numbers):05d}"
        if (type(obj).KIND, key_of(obj)) in self._objects:
            raise StatusError(409, "AlreadyExists", f"{metadata.name} already exists")
        metadata.creation_timestamp = self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        return self.put(obj)

    async def update(self, obj: K) -> K:
        metadata: Any = obj.metadata  # type: ignore[attr-defined]
        await self.get(type(obj), metadata.name, metadata.namespace)
        return self.put(obj)

    async def update_status(self, obj: K) -> K:
        metadata: Any = obj.metadata  # type: ignore[attr-defined]
        known = await self.get(type(obj), metadata.name, metadata.namespace)
        if known.metadata.resource_version != metadata.resource_version:  # type: ignore[attr-defined]
            raise StatusError(409, "Conflict", "the object has been modified")
        return self.put(msgspec.structs.replace(known, status=obj.status))  # type: ignore[attr-defined]

    async def patch(
        self,
        kind: type[K],
        name: str,
        namespace: str | None = None,
        *,
        body: Any,
        patch_type: str = "merge",
        subresource: str | None = None,
    ) -> K:
        plain, change = msgspec.to_builtins(await self.get(kind, name, namespace)), msgspec.to_builtins(body)
        resource = resource_of(kind)
        merged = (
            strategic_merge_patch(plain, change, f"{resource.module}.{resource.kind}")
            if patch_type == "strategic"
            else merge_patch(plain, change)
        )
        return self.put(msgspec.convert(merged, kind))

    async def delete(self, kind: type[K], name: str, namespace: str | None = None, **_: Any) -> None:
        found: Any = self._copy(await self.get(kind, name, namespace))
        found.metadata.deletion_timestamp = self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        found.metadata.deletion_grace_period_seconds = 0
        self.put(found)

    def _copy(self, obj: K) -> K:
        return msgspec.convert(msgspec.to_builtins(obj), type(obj))
