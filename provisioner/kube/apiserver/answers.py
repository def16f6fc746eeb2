"""Answers to requests for resources: finds the kind, calls the verb or the subresource, and gives the result the form that was wanted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
from aiohttp import web

from provisioner.kube.api import errors
from provisioner.kube.api._generated import meta_v1
from provisioner.kube.api.validation.cluster import SYSTEM_PRIORITIES
from provisioner.kube.apiserver import negotiation, tabular, watches, writes
from provisioner.kube.apiserver.app import json_response
from provisioner.kube.apiserver.audit.events import BODY as AUDITED
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.lists import Lists, Page, encode_list, list_meta, selection_of
from provisioner.kube.apiserver.metrics import Metrics
from provisioner.kube.apiserver.negotiation import Form
from provisioner.kube.apiserver.registry import VIRTUAL, Registry
from provisioner.kube.apiserver.replies import COMPRESSED_BYTES, Listed, Reply
from provisioner.kube.apiserver.requests import flag, whole
from provisioner.kube.apiserver.rest import Rest
from provisioner.kube.apiserver.routes import check_route
from provisioner.kube.apiserver.subresources.dispatch import Subresources
from provisioner.kube.apiserver.subresources.pods import decoded
from provisioner.kube.apiserver.watches import Watches
from provisioner.kube.apiserver.web_sockets import send_lines, wants_socket
from provisioner.kube.client.clock import Clock

log = logging.getLogger(__name__)

# A request's body at most; an object may have half of that, a patch of it all.
BODY_BYTES = 3 * 1024 * 1024
# Upstream's --request-timeout.
BODY_S = 60.0
# What upstream calls the list of kinds that options may be of.
_OPTIONS_SCHEME = "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:30"
METHODS = {
    "get": "get",
    "list": "list",
    "watch": "watch",
    "create": "write",
    "update": "write",
    "patch": "write",
    "delete": "delete",
    "deletecollection": "deletecollection",
}


class Resources:
    def __init__(
        self, registry: Registry, rest: Rest, watches: Watches, subresources: Subresources, metrics: Metrics, clock: Clock
    ) -> None:
        self._registry, self._rest, self._watches = registry, rest, watches
        self._subresources, self._metrics, self._clock = subresources, metrics, clock
        self.lists, self.writes = Lists(rest.cache), writes.Writes(rest)

    async def answer(self, request: web.Request, call: Call) -> web.StreamResponse:
        target = call.target
        kind = self._registry.find(target.group, target.version, target.resource)
        if kind is None:
            raise errors.no_route() if self._registry.is_built_in(target.group) else errors.PageNotFound()
        if kind.deprecation:
            call.warnings.append(kind.deprecation)
        check_route(kind, target)
        if request.method == "HEAD" and kind.type_key is not None and target.subresource != "proxy":
            # Upstream's own kinds have no such routes; custom resources are found by the verb, which is get.
            raise errors.no_method()
        if target.resource == "componentstatuses" and target.verb in ("get", "list"):
            return self._subresources.components(kind, request, call)
        if target.resource in VIRTUAL:
            if negotiation.accepted(request.headers.get("Accept")).shape:
                raise negotiation.refused()
            return json_response(await self._subresources.review(kind, call, await read_body(request, kind.resource.kind)), 201)
        if target.subresource and target.subresource != "status":
            return await self._subresources.answer(kind, call, request)
        form = negotiation.accepted(request.headers.get("Accept"))
        method: Callable[..., Any] = getattr(self, f"_{METHODS[target.verb]}")
        response: web.StreamResponse = await method(request, kind, call, form)
        return response

    # -- reading ---------------------------------------------------------------------------------------------------

    async def _get(self, request: web.Request, kind: Kind, call: Call, form: Form) -> web.StreamResponse:
        entry = await self._rest.get(kind, call)
        return await self._formed(kind, entry.data, form, call)

    async def _list(self, request: web.Request, kind: Kind, call: Call, form: Form) -> web.StreamResponse:
        selection = selection_of(kind, call.target.namespace, "", call.query)
        page = await self.lists.page(kind, selection, call.query)
        if kind.converts:
            await kind.prepare(entry.data for entry in page.entries)
        return self._listed(request, kind, page, call, form)

    def _listed(self, request: web.Request, kind: Kind, page: Page, call: Call, form: Form) -> web.Response:
        if form.shape == "Table":
            body = tabular.table(kind, [e.data for e in page.entries], self._clock.now(), call.query, form.version, list_meta(page))
        elif form.shape in ("PartialObjectMetadataList", "PartialObjectMetadata"):
            items = b",".join(negotiation.partial_metadata(e.data, form.version) for e in page.entries)
            meta = msgspec.json.encode(list_meta(page))
            head = f'{{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/{form.version}","metadata":'
            body = b'%b%b,"items":[%b]}' % (head.encode(), meta, items)
        else:
            return _packed(request, encode_list(kind, page), form)
        return _packed(request, body, form)

    async def _watch(self, request: web.Request, kind: Kind, call: Call, form: Form) -> web.StreamResponse:
        selection = selection_of(kind, call.target.namespace, call.target.name, call.query)
        if form.media_type != negotiation.JSON:
            raise negotiation.refused()
        if request.transport is None:
            raise ConnectionResetError("the client has left")
        # Messages have borders of their own.
        transport = None if wants_socket(request) else request.transport
        chunks = await self._watches.stream(kind, selection, call.query, self._watch_form(kind, form, call), transport)
        try:
            with self._metrics.long_running(call.target):
                if wants_socket(request):
                    call.begun()
                    return await send_lines(request, chunks)
                return await _events(request, call, chunks)
        finally:
            await chunks.aclose()

    def _watch_form(self, kind: Kind, form: Form, call: Call) -> watches.Form:
        own, meta = kind.resource, f"meta.k8s.io/{form.version}"
        if form.shape == "Table":
            tabular.included(call.query)
            first = [True]

            def as_table(data: bytes) -> bytes:
                body = tabular.table(kind, [data], self._clock.now(), call.query, form.version, columns=first[0])
                first[0] = False
                return body

            # The mark at the end of an initial list is among the row's metadata.
            return watches.Form(
                as_table,
                lambda version, annotations: as_table(watches.bookmark(own.kind, own.api_version, version, annotations)),
            )
        if form.shape:
            return watches.Form(
                lambda data: negotiation.partial_metadata(data, form.version),
                lambda version, annotations: watches.bookmark("PartialObjectMetadata", meta, version, annotations),
            )
        return watches.Form(kind.shown, lambda version, annotations: watches.bookmark(own.kind, own.api_version, version, annotations))

    async def _formed(self, kind: Kind, data: bytes, form: Form, call: Call, status: int = 200) -> web.Response:
        if kind.converts:
            await kind.prepare([data])
        if form.shape == "Table":
            data = tabular.table(kind, [data], self._clock.now(), call.query, form.version)
        elif form.shape:
            data = negotiation.partial_metadata(data, form.version)
        else:
            data = kind.shown(data)
        if form.media_type == negotiation.YAML:
            return web.Response(status=status, body=negotiation.to_yaml(data), headers={"Content-Type": negotiation.YAML})
        return json_response(data, status)

    # -- writing ---------------------------------------------------------------------------------------------------

    async def _write(self, request: web.Request, kind: Kind, call: Call, form: Form) -> web.StreamResponse:
        media = request.headers.get("Content-Type")
        if call.target.verb == "patch":
            writes.patch_type(media)
        data, status = await self.writes.answer(kind, call, await read_bytes(request), media)
        return await self._formed(kind, data, form, call, status)

    async def _delete(self, request: web.Request, kind: Kind, call: Call, form: Form) -> web.StreamResponse:
        options = await delete_options(request, call)
        if kind.stored_as == "scheduling.k8s.io/priorityclasses" and call.target.name in SYSTEM_PRIORITIES:
            refused = "this is a system priority class and cannot be deleted"
            raise errors.forbidden(kind.resource.plural, call.target.name, refused, kind.resource.group)
        if options.ignore_store_read_error_with_cluster_breaking_potential:
            await self._subresources.may_delete_unread(call)
            if await self._rest.delete_unread(kind, call):
                return json_response({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})
        data, gone = await self._rest.delete(kind, call, options)
        if gone and kind.resource.kind not in ("Pod", "PersistentVolumeClaim", "ServiceAccount", "Service", "ResourceQuota", "PodTemplate"):
            return json_response(_deleted(kind, data, call))
        return await self._formed(kind, data, form, call)

    async def _deletecollection(self, request: web.Request, kind: Kind, call: Call, form: Form) -> web.StreamResponse:
        from dataclasses import replace

        options = await delete_options(request, call)
        selection = selection_of(kind, call.target.namespace, "", call.query)
        page = await self.lists.page(kind, selection, call.query)
        if kind.converts:
            await kind.prepare(entry.data for entry in page.entries)
        for entry in page.entries:
            namespace, _, name = entry.key.rpartition("/")
            each = replace(call, target=replace(call.target, verb="delete", namespace=namespace, name=name))
            try:
                await self._rest.delete(kind, each, options)
            except errors.StatusError as error:
                if error.code != 404:
                    raise
        return self._listed(request, kind, page, call, form)


async def _events(request: web.Request, call: Call, chunks: AsyncIterator[bytes]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": negotiation.JSON, "Cache-Control": "no-cache, private"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    call.begun()
    try:
        async for chunk in chunks:
            await response.write(chunk)
        await response.write_eof()
    except ConnectionResetError:
        log.debug("watcher left resource=%s", call.target.resource)
    return response


def _deleted(kind: Kind, data: bytes, call: Call) -> dict[str, Any]:
    metadata = msgspec.json.decode(data)["metadata"]
    details = {"name": metadata["name"], "group": kind.resource.group, "kind": kind.resource.plural, "uid": metadata.get("uid", "")}
    details = {k: v for k, v in details.items() if v}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def _packed(request: web.Request, body: bytes | Listed, form: Form) -> web.Response:
    if form.media_type == negotiation.YAML:
        whole = body if isinstance(body, bytes) else body.whole()
        return web.Response(body=negotiation.to_yaml(whole), headers={"Content-Type": negotiation.YAML})
    # Compressing more than this blocks the loop too long: a thread does it.
    response = Reply(body=body, headers={"Content-Type": negotiation.JSON}, zlib_executor_size=COMPRESSED_BYTES)
    if "gzip" in request.headers.get("Accept-Encoding", "") and len(body) > COMPRESSED_BYTES:
        response.joined().enable_compression(web.ContentCoding.gzip)
    return response


async def read_bytes(request: web.Request) -> bytes:
    if (request.content_length or 0) > BODY_BYTES:
        raise errors.too_large(f"Request entity too large: limit is {BODY_BYTES}")
    if request.content.is_eof():
        body = bytearray(request.content.read_nowait())
    else:
        body = await _coming(request)
    if AUDITED in request:
        request[AUDITED] = bytes(body)
    return bytes(body)


async def _coming(request: web.Request) -> bytearray:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > BODY_BYTES:
                    raise errors.too_large(f"Request entity too large: limit is {BODY_BYTES}")
    except TimeoutError:
        raise errors.timeout(f"Timeout: the body of the request did not come within {BODY_S:.0f} s") from None
    except web.RequestPayloadError as error:
        raise errors.bad_request(f"the body of the request can't be read: {error}") from error
    return body


async def read_body(request: web.Request, kind: str, call: Call | None = None) -> Any:
    """The body's document, which is to be of a kind; `call` is told what it has twice."""
    return writes.document_of(await read_bytes(request), request.headers.get("Content-Type"), kind, call)


async def read_patch(request: web.Request, call: Call | None = None) -> tuple[str, Any]:
    """(json, merge, strategic or apply; the patch)."""
    how = writes.patch_type(request.headers.get("Content-Type"))
    return how, writes.patch_of(how, await read_bytes(request), call)


async def delete_options(request: web.Request, call: Call) -> meta_v1.DeleteOptions:
    """From the body, with the query's parameters over it."""
    body = await read_bytes(request)
    document = negotiation.read_document(body, request.headers.get("Content-Type"), "DeleteOptions") if body.strip() else {}
    if not isinstance(document, dict | None):
        raise errors.bad_request("the body of the request must be DeleteOptions")
    if document and (kind := document.get("kind")) not in (None, "", "DeleteOptions"):
        version = document.get("apiVersion") or ""
        raise errors.bad_request(f'no kind "{kind}" is registered for version "{version}" in scheme "{_OPTIONS_SCHEME}"')
    given: dict[str, Any] = {key: value for key, value in (document or {}).items() if key not in ("kind", "apiVersion")}
    query = call.query
    if "gracePeriodSeconds" in query:
        given["gracePeriodSeconds"] = whole(query, "gracePeriodSeconds")
    if query.get("propagationPolicy"):
        given["propagationPolicy"] = query["propagationPolicy"]
    if "orphanDependents" in query:
        given["orphanDependents"] = flag(query, "orphanDependents")
    breaking = "ignoreStoreReadErrorWithClusterBreakingPotential"
    if breaking in query:
        given[breaking] = flag(query, breaking)
    options: meta_v1.DeleteOptions = decoded(meta_v1.DeleteOptions, given)
    found = []
    if options.propagation_policy not in (None, "", "Orphan", "Background", "Foreground"):
        supported = ("Foreground", "Background", "Orphan", "nil")
        found.append(errors.not_supported("propagationPolicy", options.propagation_policy, supported))
    if options.propagation_policy and options.orphan_dependents is not None:
        message = "orphanDependents and deletionPropagation cannot be both set"
        found.append(errors.invalid_value("propagationPolicy", options.propagation_policy, message))
    if set(options.dry_run or ()) - {"All"}:
        found.append(errors.not_supported("dryRun", options.dry_run, ("All",)))
    if found:
        raise errors.invalid("DeleteOptions", "", found, "meta.k8s.io")
    options.propagation_policy = options.propagation_policy or None
    if options.dry_run:
        call.dry_run = True
    call.delete_options = given | ({"dryRun": ["All"]} if call.dry_run else {})
    return options
