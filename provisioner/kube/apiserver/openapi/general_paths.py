"""OpenAPI v2 of what is no resource: discovery, the version, the token issuer's documents; client generators make their own classes of these. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from provisioner.kube.api._generated import meta_v1
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.openapi.operations import JSON, group_name

if TYPE_CHECKING:
    from provisioner.kube.apiserver.openapi.schemas import Definitions

INFO = "io.k8s.apimachinery.pkg.version.Info"
_ALWAYS = ("major", "minor", "gitVersion", "gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform")
_SINCE = ("emulationMajor", "emulationMinor", "minCompatibilityMajor", "minCompatibilityMinor")
SECURITY: dict[str, Any] = {
    "securityDefinitions": {
        "BearerToken": {"description": "Bearer Token authentication", "type": "apiKey", "name": "authorization", "in": "header"}
    },
    "security": [{"BearerToken": []}],
}


def general_paths(kinds: Iterable[Kind], definitions: Definitions) -> dict[str, dict[str, Any]]:
    """Definitions that these need are added."""
    definitions.found[INFO] = {
        "description": "Info says which version the server is.",
        "type": "object",
        "required": list(_ALWAYS),
        "properties": {name: {"type": "string"} for name in sorted((*_ALWAYS, *_SINCE))},
    }
    groups, resources = definitions.reference(meta_v1.APIGroup), definitions.reference(meta_v1.APIResourceList)
    text = {"type": "string"}
    found = {
        "/.well-known/openid-configuration/": _get("getServiceAccountIssuerOpenIDConfiguration", "WellKnown", text),
        "/openid/v1/jwks/": _get("getServiceAccountIssuerOpenIDKeyset", "openid", text),
        "/version/": _get("getCodeVersion", "version", {"$ref": f"#/definitions/{INFO}"}),
        "/api/": _get("getCoreAPIVersions", "core", definitions.reference(meta_v1.APIVersions)),
        "/apis/": _get("getAPIVersions", "apis", definitions.reference(meta_v1.APIGroupList)),
    }
    for group, version in dict.fromkeys((kind.resource.group, kind.resource.version) for kind in kinds):
        name = group_name(group)
        tag = name[:1].lower() + name[1:]
        if group:
            found.setdefault(f"/apis/{group}/", _get(f"get{name}APIGroup", tag, groups))
        root = f"/apis/{group}/{version}/" if group else f"/api/{version}/"
        identity = f"get{name}{version[:1].upper()}{version[1:]}APIResources"
        found[root] = _get(identity, f"{tag}_{version}", resources)
    return found


def _get(identity: str, tag: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "get": {
            "operationId": identity,
            "parameters": [],
            "consumes": [JSON],
            "produces": [JSON],
            "responses": {"200": {"description": "OK", "schema": schema}, "401": {"description": "Unauthorized"}},
            "tags": [tag],
        }
    }
