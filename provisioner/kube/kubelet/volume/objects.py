"""ConfigMaps, Secrets and service account tokens that this node's pods use: read one at a time, since that is all a node may read.

A copy is good for MAX_AGE_S; pods look again about every minute, so a change arrives within two (upstream: the same, by watches).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from provisioner.kube.api._generated import authentication_v1, certificates_v1beta1, core_v1, node_v1
from provisioner.kube.api._generated.scalars import Object
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import parse_time
from provisioner.kube.client.client import Client
from provisioner.kube.client.clock import Clock, SystemClock

K = TypeVar("K", bound=Object)

MAX_AGE_S = 30.0
REMEMBERED = 1024
# Upstream's: a token is asked for anew when 80% of its life is over, and at least once a day.
RENEW_AT = 0.8
TOKEN_S = 3607


@dataclass(frozen=True, slots=True)
class _Copy:
    obj: Object | None
    taken: float


class ApiObjects:
    """Implements `Objects` over the API. Concurrent readers of one object share one request."""

    def __init__(self, client: Client, clock: Clock | None = None) -> None:
        self._client = client
        self._clock = clock or SystemClock()
        self._copies: OrderedDict[tuple[str, str, str], _Copy] = OrderedDict()
        self._reading: dict[tuple[str, str, str], asyncio.Lock] = {}
        self._tokens: dict[tuple[str, str, str, int, str], tuple[str, float]] = {}

    async def config_map(self, namespace: str, name: str) -> core_v1.ConfigMap | None:
        return await self._object(core_v1.ConfigMap, namespace, name)

    async def secret(self, namespace: str, name: str) -> core_v1.Secret | None:
        return await self._object(core_v1.Secret, namespace, name)

    async def claim(self, namespace: str, name: str) -> core_v1.PersistentVolumeClaim | None:
        return await self._object(core_v1.PersistentVolumeClaim, namespace, name)

    async def persistent_volume(self, name: str) -> core_v1.PersistentVolume | None:
        return await self._object(core_v1.PersistentVolume, "", name)

    async def node(self, name: str) -> core_v1.Node | None:
        return await self._object(core_v1.Node, "", name)

    async def runtime_class(self, name: str) -> node_v1.RuntimeClass | None:
        return await self._object(node_v1.RuntimeClass, "", name)

    async def trust_bundle(self, name: str) -> certificates_v1beta1.ClusterTrustBundle | None:
        return await self._object(certificates_v1beta1.ClusterTrustBundle, "", name)

    async def trust_bundles(self, signer: str) -> list[certificates_v1beta1.ClusterTrustBundle]:
        """Those of one signer."""
        listed = await self._client.list(certificates_v1beta1.ClusterTrustBundle, field_selector=f"spec.signerName={signer}")
        return list(listed.items)

    async def _object(self, kind: type[K], namespace: str, name: str) -> K | None:
        key = (kind.KIND, namespace, name)
        lock = self._reading.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                known = self._copies.get(key)
                if known is None or self._clock.monotonic() - known.taken > MAX_AGE_S:
                    known = self._copies[key] = _Copy(await self._read(kind, namespace, name), self._clock.monotonic())
                    self._copies.move_to_end(key)
                    while len(self._copies) > REMEMBERED:
                        self._copies.popitem(last=False)
        finally:
            if not lock.locked():
                self._reading.pop(key, None)
        if known.obj is None:
            # What is missing may be made any moment, and a pod waits for it.
            self._copies.pop(key, None)
            return None
        return known.obj if isinstance(known.obj, kind) else None

    async def _read(self, kind: type[K], namespace: str, name: str) -> K | None:
        try:
            return await self._client.get(kind, name, namespace or None)
        except StatusError as error:
            if error.code == 404:
                return None
            raise

    async def token(self, pod: core_v1.Pod, audience: str, expires_s: int) -> str:
        """A token of the pod's service account, bound to the pod. Raises StatusError, ConnectionFailed."""
        account = pod.spec.service_account_name or "default"
        key = (pod.metadata.namespace or "", account, audience, expires_s, pod.metadata.uid or "")
        known = self._tokens.get(key)
        if known is not None and self._clock.now().timestamp() < known[1]:
            return known[0]
        request = authentication_v1.TokenRequest(
            spec=authentication_v1.TokenRequestSpec(
                audiences=[audience] if audience else [],
                expiration_seconds=expires_s,
                bound_object_ref=authentication_v1.BoundObjectReference(
                    api_version="v1", kind="Pod", name=pod.metadata.name, uid=pod.metadata.uid
                ),
            )
        )
        raw = await self._client.create_subresource(core_v1.ServiceAccount, account, pod.metadata.namespace, "token", request)
        answer = msgspec.json.decode(raw, type=authentication_v1.TokenRequest)
        now = self._clock.now().timestamp()
        expires = parse_time(answer.status.expiration_timestamp)
        life_s = (expires.timestamp() - now) if expires else float(expires_s)
        token = answer.status.token or ""
        self._tokens[key] = (token, now + min(life_s * RENEW_AT, 24 * 3600))
        return token

    def forget_pod(self, pod_uid: str) -> None:
        for key in [key for key in self._tokens if key[4] == pod_uid]:
            del self._tokens[key]
