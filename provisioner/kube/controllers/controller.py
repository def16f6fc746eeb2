"""What every controller is: a name, a queue fed by informers, workers that reconcile keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from provisioner.kube.api._generated.scalars import Object
from provisioner.kube.api.meta import controller_of
from provisioner.kube.client.client import Client
from provisioner.kube.client.clock import Clock
from provisioner.kube.client.events import EventRecorder
from provisioner.kube.client.informer import InformerSet, key_of
from provisioner.kube.client.workers import run_workers
from provisioner.kube.client.workqueue import WorkQueue


@dataclass(frozen=True)
class Parts:
    """What the controllers share."""

    client: Client
    informers: InformerSet
    recorder: EventRecorder
    clock: Clock


class Controller:
    """Subclasses set `name`, register with informers in `__init__`, and write `reconcile`."""

    name = ""
    workers = 2

    def __init__(self, parts: Parts) -> None:
        self.client, self.informers, self.recorder, self.clock = parts.client, parts.informers, parts.recorder, parts.clock
        self.queue = WorkQueue(self.name, clock=parts.clock)

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

    async def reconcile(self, key: str) -> float | None:
        """Bring one object to where it is wanted; a number asks for another look after that many seconds."""
        raise LookupError(f"{self.name}: nothing to reconcile {key} with")

    async def run(self) -> None:
        await run_workers(self.name, self.queue, self.reconcile, workers=self.workers)

    def now(self) -> str:
        return self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
