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
from provisioner.kube.api.accept import by_preference
from provisioner.kube.apiserver.aggregation.openapi_v2 import Foreign, merged
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.openapi import schemas
from provisioner.kube.apiserver.registry import Registry

JSON = "application/json"
# Asked for as `…spec.v2@v1.0+protobuf`, too; as upstream, answered with a name that media type parsers take.
PROTOBUF = {version: f"application/com.github.proto-openapi.spec.{version}.v1.0+protobuf" for version in ("v2", "v3")}


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
        if parts == ["openapi", "v3"]:
            return web.Response(body=msgspec.json.encode(self._index()), headers={"Content-Type": JSON})
        if parts == ["openapi", "v2"]:
            return await self._v2(request)
        if len(parts) >= 3 and parts[1] == "v3":
            path = "/".join(parts[2:])
            kinds = [k for k in self._registry.kinds() if schemas.root_of(k.resource) == path]
            if kinds:
                return await self._v3(path, kinds, request)
        raise errors.PageNotFound()

    async def _v2(self, request: web.Request) -> web.StreamResponse:
        foreign = await self.foreign()
        stamp = hashlib.sha256(msgspec.json.encode(foreign)).hexdigest() if foreign else ""
        if stamp != self._foreign_stamp:
            self._foreign_stamp = stamp
            for name in ("v2", "v2.pb"):
                self._made.pop(name, None)

        def make() -> dict[str, Any]:
            return merged(schemas.v2(self._registry.kinds()), foreign)

        return await self._document("v2", request, make)

    async def _v3(self, path: str, kinds: list[Kind], request: web.Request) -> web.StreamResponse:
        """Who has an old hash is sent to the new one."""
        asked, stamp = request.query.get("hash"), _stamp(kinds)
        if asked and asked != stamp:
            return web.Response(status=301, headers={"Location": _url(path, stamp)})
        return await self._document(path, request, lambda: schemas.v3(kinds))

    def _index(self) -> dict[str, Any]:
        """Each document's URL is another one when what it describes has changed: clients keep documents by it."""
        found: dict[str, list[Kind]] = {}
        for kind in self._registry.kinds():
            found.setdefault(schemas.root_of(kind.resource), []).append(kind)
        return {"paths": {root: {"serverRelativeURL": _url(root, _stamp(kinds))} for root, kinds in found.items()}}

    async def _document(self, name: str, request: web.Request, make: Callable[[], dict[str, Any]]) -> web.StreamResponse:
        version = "v2" if name == "v2" else "v3"
        media = _form(request.headers.get("Accept") or "*/*", version)
        encode: Callable[[Any], bytes] = msgspec.json.encode
        if media != JSON:
            name += ".pb"
            from provisioner.kube.apiserver.openapi import openapi_protobuf, openapi_v3_protobuf

            encode = openapi_protobuf.encode if version == "v2" else openapi_v3_protobuf.encode
        if name not in self._made:
            async with self._making:
                if name not in self._made:
                    self._made[name] = await asyncio.to_thread(_packed, lambda: encode(make()))
        etag, body = self._made[name]
        headers = {"Content-Type": media, "ETag": f'"{etag}"', "Vary": "Accept"}
        if request.headers.get("If-None-Match", "").strip('"') == etag:
            return web.Response(status=304, headers=headers)
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            return web.Response(body=body, headers={**headers, "Content-Encoding": "gzip"})
        return web.Response(body=gzip.decompress(body), headers=headers)


def _form(accept: str, version: str) -> str:
    """The media type of an answer. Raises 406."""
    for media, _ in by_preference(accept):
        if media in ("*/*", "application/*", JSON):
            return JSON
        if media.replace("@", ".") == PROTOBUF[version]:
            return PROTOBUF[version]
    raise errors.not_acceptable(f"only the following media types are accepted: {JSON}, {PROTOBUF[version]}")


def _stamp(kinds: list[Kind]) -> str:
    """Another one when what is described has changed."""
    found = hashlib.sha256()
    for kind in kinds:
        found.update(f"{kind.resource.plural}\n".encode() + kind.described)
    return found.hexdigest()[:32].upper()


def _url(root: str, stamp: str) -> str:
    return f"/openapi/v3/{root}?hash={stamp}"


async def _nobody() -> list[Foreign]:
    return []


def _packed(make: Callable[[], bytes]) -> tuple[str, bytes]:
    body = make()
    return hashlib.sha256(body).hexdigest()[:32].upper(), gzip.compress(body, 6, mtime=0)
