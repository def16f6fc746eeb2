"""What every controller is: a name, a queue fed by informers, workers that reconcile keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from provisioner.kube.api._generated.scalars import Object
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import controller_of
from provisioner.kube.api.patch import merge_patch
from provisioner.kube.client.client import Client
from provisioner.kube.client.clock import Clock
from provisioner.kube.client.events import EventRecorder
from provisioner.kube.client.informer import Informer, InformerSet, key_of
from provisioner.kube.client.tasks import spawn, stop
from provisioner.kube.client.workers import run_workers
from provisioner.kube.client.workqueue import WorkQueue

K = TypeVar("K", bound=Object)


@dataclass(frozen=True)
class Parts:
    """What the controllers share. `accounts` gives the client that acts as a service account, where each controller has its own."""

    client: Client
    informers: InformerSet
    recorder: EventRecorder
    clock: Clock
    accounts: Callable[[str], Client] | None = None

    def client_of(self, account: str) -> Client:
        """For what upstream does in another controller than this one."""
        return self.client if self.accounts is None else self.accounts(account)


class Controller:
    """Subclasses set `name`, register with informers in `__init__`, and write `reconcile`."""

    name = ""
    workers = 2

    def __init__(self, parts: Parts) -> None:
        self.client, self.informers, self.recorder, self.clock = parts.client, parts.informers, parts.recorder, parts.clock
        self.queue = WorkQueue(self.name, clock=parts.clock)
        self._own: list[Informer[Any]] = []

    def enqueue(self, obj: Any) -> None:
        self.queue.add(key_of(obj))

    def enqueue_owner(self, kind: str, obj: Any) -> None:
        """Look at the object's controller, where that is of `kind`."""
        owner = controller_of(obj)
        if owner is not None and owner.kind == kind:
            self.queue.add(f"{obj.metadata.namespace}/{owner.name}")

    def watch(self, kind: type[Object]) -> Any:
        """The kind's informer, whose changes are keys of ours."""
        informer = self.informers.get(kind)
        informer.on_change(self.enqueue)
        return informer

    def watch_own(self, kind: type[Object], **chosen: Any) -> Any:
        """An informer of this controller's alone, for a part of what is there (`Informer`'s selectors): nothing else comes into the process."""
        informer = Informer(self.client, kind, **chosen)
        self._own.append(informer)
        return informer

    async def reconcile(self, key: str) -> float | None:
        """Bring one object to where it is wanted; a number asks for another look after that many seconds."""
        raise LookupError(f"{self.name}: nothing to reconcile {key} with")

    async def changed(self, obj: K, change: dict[str, Any], *, status: bool = False) -> K:
        """The object replaced by itself with a change (a JSON merge patch). Upstream's roles let most controllers update, and few patch. A conflict
        is the queue's to try again."""
        new = msgspec.convert(merge_patch(msgspec.to_builtins(obj), change), type(obj))
        return await (self.client.update_status(new) if status else self.client.update(new))

    async def remove(self, obj: Any) -> None:
        """Deletes this very object; one that is gone already, or replaced by another of its name, is none of ours."""
        metadata = obj.metadata
        try:
            await self.client.delete(type(obj), metadata.name or "", metadata.namespace, uid=metadata.uid)
        except StatusError as error:
            if error.code not in (404, 409):
                raise

    async def run(self) -> None:
        watching = [spawn(f"{self.name} watch", informer.run()) for informer in self._own]
        try:
            await run_workers(self.name, self.queue, self.reconcile, workers=self.workers)
        finally:
            for task in watching:
                await stop(task)

    def now(self) -> str:
        return self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
