"""Answers to requests that name no resource: discovery, version, health, metrics, OpenAPI, the token issuer's documents."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry

from provisioner.kube import version
from provisioner.kube.api import errors
from provisioner.kube.apiserver import discovery, health, negotiation
from provisioner.kube.apiserver.aggregation.documents import Merged
from provisioner.kube.apiserver.app import json_response
from provisioner.kube.apiserver.authentication.tokens import ServiceAccountTokens
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.debug_pages import Page
from provisioner.kube.apiserver.metrics import Metrics
from provisioner.kube.apiserver.openapi.published import OpenApi
from provisioner.kube.apiserver.registry import Registry

GIT_VERSION = version.VERSION
VERSION = {
    "major": str(version.MAJOR),
    "minor": str(version.MINOR),
    "emulationMajor": str(version.MAJOR),
    "emulationMinor": str(version.MINOR),
    "minCompatibilityMajor": str(version.MAJOR),
    "minCompatibilityMinor": str(version.MINOR - 1),
    "gitVersion": GIT_VERSION,
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
    "goVersion": f"python{platform.python_version()}",
    "compiler": "cpython",
    "platform": f"linux/{ {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(platform.machine(), platform.machine()) }",
}
# What is below them is answered by the router that knows methods.
KNOWN_ROOTS = (["api"], ["apis"], ["version"], *([kind] for kind in health.KINDS), ["metrics"], ["openapi"])


class Documents:
    """`checks` are what health is about."""

    def __init__(
        self,
        registry: Registry,
        openapi: OpenApi,
        metrics: Metrics,
        tokens: ServiceAccountTokens,
        address: str,
        checks: Mapping[str, health.Check],
        merged: Merged,
        pages: Mapping[str, Page],
        jwks_uri: str = "",
    ) -> None:
        self._registry, self._openapi, self._metrics, self._tokens, self._address = registry, openapi, metrics, tokens, address
        self._checks, self._merged, self._pages = checks, merged, pages
        self._slis = CollectorRegistry()
        self._slis.register(health.Slis(checks))
        self._jwks_uri = jwks_uri or f"https://{address}/openid/v1/jwks"

    async def answer(self, request: web.Request, call: Call) -> web.StreamResponse:
        parts = [part for part in request.path.split("/") if part]
        head = parts[0] if parts else ""
        if request.method not in ("GET", "HEAD") and head not in health.KINDS:
            raise errors.no_method() if self._is_known(parts) else errors.PageNotFound()
        if head in health.KINDS:
            found_health = health.respond(request, head, "/".join(parts[1:]), self._checks)
            if found_health is None:
                raise errors.PageNotFound()
            return found_health
        if head in ("api", "apis"):
            return self._discovery(parts, request)
        if parts in (["metrics"], ["metrics", "slis"]):
            body, kind = self._metrics.text(self._slis if parts[1:] else None)
            return web.Response(body=body, headers={"Content-Type": kind})
        if head == "openapi":
            if len(parts) == 1:
                raise errors.PageNotFound()
            response = await self._openapi.answer(parts, request)
            return self._merged.into_openapi_index(response) if parts[1:] == ["v3"] else response
        if page := self._pages.get("/".join(parts)):
            return page(request)
        found = self._fixed().get("/".join(parts))
        if found is None:
            raise errors.no_route() if head == "version" else errors.PageNotFound()
        response = json_response(found)
        if head in ("openid", ".well-known"):
            # As upstream: who checks tokens elsewhere may keep this for an hour.
            response.headers["Cache-Control"] = "public, max-age=3600"
            if head == "openid":
                response.headers["Content-Type"] = "application/jwk-set+json"
        return response

    def _is_known(self, parts: list[str]) -> bool:
        """Whether a path is one of those that know which methods they take."""
        if parts[:1] == ["apis"] and len(parts) > 1:
            return self._registry.is_built_in(parts[1])
        return "/".join(parts) in self._fixed() or "/".join(parts) in self._pages or (parts[:1] in KNOWN_ROOTS and parts != ["openapi"])

    def _fixed(self) -> dict[str, Any]:
        return {
            "": {"paths": self._paths()},
            "version": VERSION,
            "openid/v1/jwks": self._tokens.jwks(),
            ".well-known/openid-configuration": {
                "issuer": self._tokens.issuer,
                "jwks_uri": self._jwks_uri,
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": sorted({key["alg"] for key in self._tokens.jwks()["keys"]}),
            },
        }

    def _paths(self) -> list[str]:
        paths = ["/.well-known/openid-configuration", "/api", "/api/v1", "/apis", "/metrics", "/metrics/slis", "/openapi/v2", "/openapi/v3"]
        paths += [
            "/openid/v1/jwks",
            "/version",
            *(f"/{path}" for path in self._pages),
            *(f"/{kind}" for kind in health.KINDS),
            *(f"/healthz/{name}" for name in self._checks),
        ]
        for group, versions in discovery.groups_of(self._registry.resources()).items():
            if group:
                paths += [f"/apis/{group}", *(f"/apis/{group}/{version}" for version in versions)]
        return sorted(paths)

    def _discovery(self, parts: list[str], request: web.Request) -> web.StreamResponse:
        resources = self._registry.resources()
        if len(parts) == 1:
            version = aggregated_version(request.headers.get("Accept", ""))
            if version:
                media = f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
                listed = discovery.aggregated(resources, core=parts[0] == "api", version=version)
                response = json_response(listed if parts[0] == "api" else self._merged.into_aggregated(listed))
                response.headers["Content-Type"] = media
                return _tagged(request, response)
            found: Any = (
                discovery.api_versions(self._address) if parts[0] == "api" else self._merged.into_groups(discovery.api_groups(resources))
            )
        elif parts[0] == "api":
            found = discovery.resource_list(resources, "", parts[1], self._registry.storage_hash) if len(parts) == 2 else None
        elif len(parts) == 2:
            found = self._merged.group(parts[1], discovery.api_group(resources, parts[1]))
        else:
            found = discovery.resource_list(resources, parts[1], parts[2], self._registry.storage_hash)
        if found is None:
            raise errors.no_route() if self._is_known(parts) else errors.PageNotFound()
        form = negotiation.accepted(request.headers.get("Accept"))
        if form.media_type == negotiation.YAML:
            import msgspec

            return web.Response(body=negotiation.to_yaml(msgspec.json.encode(found)), headers={"Content-Type": negotiation.YAML})
        return json_response(found)


def aggregated_version(accept: str) -> str:
    """The version of apidiscovery.k8s.io that an Accept header puts before plain JSON, or ""."""
    for part in accept.split(","):
        media, *params = (p.strip() for p in part.split(";"))
        given = dict(p.split("=", 1) for p in params if "=" in p)
        if media != negotiation.JSON:
            continue
        if given.get("as") == "APIGroupDiscoveryList" and given.get("v") in ("v2", "v2beta1"):
            return given["v"]
        if "as" not in given:
            return ""
    return ""


def _tagged(request: web.Request, response: web.Response) -> web.Response:
    """Clients keep the document, and ask whether theirs is still the one."""
    assert isinstance(response.body, bytes)
    tag = f'"{hashlib.sha512(response.body).hexdigest().upper()}"'
    if request.headers.get("If-None-Match") == tag:
        response = web.Response(status=304)
    response.headers.update({"ETag": tag, "Vary": "Accept", "Cache-Control": "public"})
    return response if response.status == 304 else _compressed(request, response)


def _compressed(request: web.Request, response: web.Response) -> web.Response:
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        response.enable_compression(web.ContentCoding.gzip)
    return response
