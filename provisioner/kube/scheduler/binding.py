"""Brings the volumes of a pod's waiting claims to their claims before the pod is bound."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.volume_match import BIND_COMPLETED, BOUND_BY_CONTROLLER, SELECTED_NODE, reference_to
from provisioner.kube.client.client import Client
from provisioner.kube.client.clock import Clock
from provisioner.kube.client.informer import Store
from provisioner.kube.scheduler.volumes import Choice

# Upstream's bindTimeoutSeconds.
BIND_S = 600.0
LOOK_S = 0.1
MAX_LOOK_S = 2.0


class Binder:
    """`taken` are the names of volumes that decisions speak for while they are carried out."""

    def __init__(self, client: Client, claims: Store[core_v1.PersistentVolumeClaim], clock: Clock) -> None:
        self._client, self._claims, self._clock = client, claims, clock
        self.taken: set[str] = set()

    def take(self, choices: list[Choice]) -> None:
        self.taken |= {c.volume.metadata.name or "" for c in choices if c.volume is not None}

    def release(self, choices: list[Choice]) -> None:
        self.taken -= {c.volume.metadata.name or "" for c in choices if c.volume is not None}

    async def bind(self, choices: list[Choice], node: str) -> None:
        """Returns when every claim is bound. Raises StatusError, ConnectionFailed, or TimeoutError for one that isn't in BIND_S."""
        for choice in choices:
            if choice.volume is not None:
                await self._reserve(choice.volume, choice.claim)
            else:
                await self._ask_for(choice.claim, node)
        end, wait_s = self._clock.monotonic() + BIND_S, LOOK_S
        while waiting := [c for c in choices if not self._is_bound(c.claim)]:
            if self._clock.monotonic() > end:
                raise TimeoutError(f"claim {waiting[0].claim.metadata.name} was not bound within {BIND_S:g} s")
            await self._clock.sleep(wait_s)
            wait_s = min(MAX_LOOK_S, wait_s * 1.5)

    def _is_bound(self, claim: core_v1.PersistentVolumeClaim) -> bool:
        now = self._claims.get(f"{claim.metadata.namespace}/{claim.metadata.name}")
        return now is not None and bool(now.spec.volume_name) and BIND_COMPLETED in (now.metadata.annotations or {})

    async def _reserve(self, volume: core_v1.PersistentVolume, claim: core_v1.PersistentVolumeClaim) -> None:
        body: dict[str, Any] = {
            "metadata": {"resourceVersion": volume.metadata.resource_version, "annotations": {BOUND_BY_CONTROLLER: "yes"}},
            "spec": {"claimRef": reference_to(claim)},
        }
        await self._client.patch(core_v1.PersistentVolume, volume.metadata.name or "", body=body)

    async def _ask_for(self, claim: core_v1.PersistentVolumeClaim, node: str) -> None:
        """The class's provisioner makes a volume for the node that the claim names."""
        body = {"metadata": {"uid": claim.metadata.uid, "annotations": {SELECTED_NODE: node}}}
        await self._client.patch(core_v1.PersistentVolumeClaim, claim.metadata.name or "", claim.metadata.namespace, body=body)
