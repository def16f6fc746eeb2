"""OpenAPI v3 (a document for each group and version) and v2, made from the kinds' types when first asked for, and kept compressed.

Enough for `kubectl explain`, for `kubectl apply` (fieldValidation, patch strategies), and for clients that are generated. Descriptions are our own,
of what is asked about most.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from provisioner.kube.api import errors
from provisioner.kube.apiserver import schemas
from provisioner.kube.apiserver.aggregation.openapi_v2 import Foreign, merged
from provisioner.kube.apiserver.registry import Registry

JSON = "application/json"
# Asked for as `…spec.v2@v1.0+protobuf`; as upstream, answered with a name that media type parsers take.
PROTOBUF_V2 = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"


class OpenApi:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        # what aggregated servers add to v2
        self.foreign: Callable[[], Awaitable[list[Foreign]]] = _nobody
        # path -> (etag, gzip of the document); a document that many ask for at once is made once
        self._made: dict[str, tuple[str, bytes]] = {}
        self._making = asyncio.Lock()
        self._foreign_stamp = ""

    def forget(self) -> None:
        """The served kinds have changed."""
        self._made.clear()

    async def answer(self, parts: list[str], request: web.Request) -> web.StreamResponse:
        """/openapi/v2, /openapi/v3, /openapi/v3/api/v1, /openapi/v3/apis/<group>/<version>."""
        accept = request.headers.get("Accept", "*/*")
        if parts == ["openapi", "v3"]:
            return web.Response(body=msgspec.json.encode(self._index()), headers={"Content-Type": JSON})
        if parts == ["openapi", "v2"]:
            return await self._v2(request, is_protobuf="protobuf" in accept and JSON not in accept)
        if len(parts) >= 3 and parts[1] == "v3":
            if "protobuf" in accept and JSON not in accept and "*/*" not in accept:
                raise errors.not_acceptable(f"only the following media types are accepted: {JSON}")
            path = "/".join(parts[2:])
            kinds = [k for k in self._registry.kinds() if schemas.root_of(k.resource) == path]
            if kinds:
                return await self._document(path, request, lambda: msgspec.json.encode(schemas.v3(kinds)), JSON)
        raise errors.StatusError(404, "NotFound", "the server could not find the requested resource")

    async def _v2(self, request: web.Request, *, is_protobuf: bool) -> web.StreamResponse:
        foreign = await self.foreign()
        stamp = hashlib.sha256(msgspec.json.encode(foreign)).hexdigest() if foreign else ""
        if stamp != self._foreign_stamp:
            self._foreign_stamp = stamp
            for name in ("v2", "v2.pb"):
                self._made.pop(name, None)

        def make() -> bytes:
            document = merged(schemas.v2(self._registry.kinds()), foreign)
            if not is_protobuf:
                return msgspec.json.encode(document)
            from provisioner.kube.apiserver.openapi_protobuf import encode

            return encode(document)

        return await self._document("v2.pb", request, make, PROTOBUF_V2) if is_protobuf else await self._document("v2", request, make, JSON)

    def _index(self) -> dict[str, Any]:
        """Each document's URL is another one when what it describes has changed: clients keep documents by it."""
        stamps: dict[str, Any] = {}
        for kind in self._registry.kinds():
            stamp = stamps.setdefault(schemas.root_of(kind.resource), hashlib.sha256())
            stamp.update(f"{kind.resource.plural}\n".encode() + kind.described)
        return {
            "paths": {
                root: {"serverRelativeURL": f"/openapi/v3/{root}?hash={stamp.hexdigest()[:32].upper()}"} for root, stamp in stamps.items()
            }
        }

    async def _document(self, name: str, request: web.Request, make: Callable[[], bytes], media: str) -> web.StreamResponse:
        if name not in self._made:
            async with self._making:
                if name not in self._made:
                    self._made[name] = await asyncio.to_thread(_packed, make)
        etag, body = self._made[name]
        headers = {"Content-Type": media, "ETag": f'"{etag}"', "Vary": "Accept"}
        if request.headers.get("If-None-Match", "").strip('"') == etag:
            return web.Response(status=304, headers=headers)
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            return web.Response(body=body, headers={**headers, "Content-Encoding": "gzip"})
        return web.Response(body=gzip.decompress(body), headers=headers)


async def _nobody() -> list[Foreign]:
    return []


def _packed(make: Callable[[], bytes]) -> tuple[str, bytes]:
    body = make()
    return hashlib.sha256(body).hexdigest()[:32].upper(), gzip.compress(body, 6, mtime=0)
