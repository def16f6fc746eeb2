"""Everything that is no resource: discovery, version, health, metrics, OpenAPI, the service-account issuer's documents."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping

import msgspec
from aiohttp import web

from provisioner.kube.api import errors
from provisioner.kube.apiserver import discovery, openapi
from provisioner.kube.apiserver.app import json_response
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.metrics import Metrics
from provisioner.kube.apiserver.registry import Registry
from provisioner.kube.apiserver.tokens import ServiceAccountTokens

VERSION = "v1.36.0"
HEALTH = ("healthz", "livez", "readyz")

Check = Callable[[], str | None]


class Documents:
    """`checks` are the health checks by name; each gives None when well."""

    def __init__(
        self, registry: Registry, metrics: Metrics, tokens: ServiceAccountTokens, address: str, checks: Mapping[str, Check]
    ) -> None:
        self._registry, self._metrics, self._tokens, self._address, self._checks = registry, metrics, tokens, address, checks

    async def answer(self, request: web.Request, call: Call) -> web.StreamResponse:
        """Raises 404."""
        path = request.path.rstrip("/")
        parts = path.split("/")[1:]
        head = parts[0] if parts else ""
        if head in HEALTH:
            return self._health(head, parts[1:], request)
        if head in ("api", "apis"):
            return self._discovery(parts, request)
        if path in ("", "/"):
            return json_response({"paths": self._paths()})
        if path == "/version":
            return json_response(version())
        if path == "/metrics":
            body, content_type = self._metrics.text()
            return web.Response(body=body, headers={"Content-Type": content_type})
        if path == "/openapi/v2":
            return openapi.v2(request.headers.get("Accept", ""))
        if parts[:2] == ["openapi", "v3"]:
            return self._openapi(parts[2:])
        if path == "/openid/v1/jwks":
            return json_response(self._tokens.jwks())
        if path == "/.well-known/openid-configuration":
            return json_response(self._issuer())
        raise errors.StatusError(404, "NotFound", "the server could not find the requested resource")

    def _paths(self) -> list[str]:
        groups = discovery.groups_of(self._registry.resources())
        found = ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/readyz", "/version"]
        found += [f"/apis/{g}" for g in groups if g] + [f"/apis/{g}/{v}" for g, versions in groups.items() if g for v in versions]
        return sorted(found)

    def _health(self, which: str, rest: list[str], request: web.Request) -> web.Response:
        checks = {name: check for name, check in self._checks.items() if which != "livez" or name == "ping"}
        if rest:
            if rest[0] not in checks:
                raise errors.StatusError(404, "NotFound", "the server could not find the requested resource")
            checks = {rest[0]: checks[rest[0]]}
        excluded = set(request.query.getall("exclude", []))
        lines, failed = [], False
        for name, check in checks.items():
            problem = None if name in excluded else check()
            failed = failed or problem is not None
            lines.append(f"[-]{name} failed: {problem}" if problem else f"[+]{name} excluded: ok" if name in excluded else f"[+]{name} ok")
        if failed:
            return web.Response(status=500, text="\n".join([*lines, f"{which} check failed\n"]))
        return web.Response(text="\n".join([*lines, f"{which} check passed\n"]) if "verbose" in request.query else "ok")

    def _discovery(self, parts: list[str], request: web.Request) -> web.Response:
        resources = self._registry.resources()
        if len(parts) == 1:
            form = _aggregated_version(request.headers.get("Accept", ""))
            if form is not None:
                body = discovery.aggregated(resources, core=parts[0] == "api", version=form)
                kind = f"application/json;g=apidiscovery.k8s.io;v={form};as=APIGroupDiscoveryList"
                return web.Response(body=msgspec.json.encode(body), headers={"Content-Type": kind, "Vary": "Accept"})
            return json_response(discovery.api_versions(self._address) if parts[0] == "api" else discovery.api_groups(resources))
        group, version = ("", parts[1]) if parts[0] == "api" else (parts[1], parts[2] if len(parts) > 2 else "")
        found = discovery.resource_list(resources, group, version) if version else discovery.api_group(resources, group)
        if found is None:
            raise errors.StatusError(404, "NotFound", "the server could not find the requested resource")
        return json_response(found)

    def _openapi(self, rest: list[str]) -> web.Response:
        if not rest:
            return json_response({"paths": openapi.v3_paths(self._registry.resources())})
        found = openapi.v3(self._registry.resources(), "/".join(rest))
        if found is None:
            raise errors.StatusError(404, "NotFound", "the server could not find the requested resource")
        return json_response(found)

    def _issuer(self) -> dict[str, object]:
        issuer = self._tokens.issuer
        algorithms = sorted({key["alg"] for key in self._tokens.jwks()["keys"]})
        return {
            "issuer": issuer,
            "jwks_uri": f"https://{self._address}/openid/v1/jwks",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": algorithms,
        }


def _aggregated_version(accept: str) -> str | None:
    """The version of apidiscovery.k8s.io that the client would take, preferred to the classic documents."""
    for part in accept.split(","):
        params = dict(p.strip().split("=", 1) for p in part.split(";")[1:] if "=" in p)
        if (
            part.strip().startswith("application/json")
            and params.get("as") == "APIGroupDiscoveryList"
            and params.get("v") in ("v2", "v2beta1")
        ):
            return params["v"]
    return None


def version() -> dict[str, str]:
    """version.Info of the API that we speak."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return {
        "major": "1",
        "minor": "36",
        "emulationMajor": "1",
        "emulationMinor": "36",
        "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "35",
        "gitVersion": VERSION,
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": f"python{platform.python_version()}",
        "compiler": platform.python_implementation(),
        "platform": f"linux/{machine}",
    }
