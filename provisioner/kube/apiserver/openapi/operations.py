"""OpenAPI paths: each verb of each resource, with upstream's operation ids, options and answers, so that clients can be generated. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from provisioner.kube.api._generated import meta_v1
from provisioner.kube.api._generated.resources import Resource, Subresource
from provisioner.kube.apiserver.kinds import Kind

if TYPE_CHECKING:
    from provisioner.kube.apiserver.openapi.schemas import Definitions

JSON = "application/json"
_PATCHES = ("apply-patch+yaml", "json-patch+json", "merge-patch+json", "strategic-merge-patch+json")
# Subresources that are streams or other servers' answers: connected to, not read.
_CONNECTED = frozenset({"attach", "exec", "portforward", "proxy"})
_WRITE = ("dryRun", "fieldManager", "fieldValidation")
_LIST = (
    *("allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit", "resourceVersion", "resourceVersionMatch"),
    *("sendInitialEvents", "timeoutSeconds", "watch"),
)
_DELETE = ("dryRun", "gracePeriodSeconds", "ignoreStoreReadErrorWithClusterBreakingPotential", "orphanDependents", "propagationPolicy")
_OPTIONS: dict[str, tuple[str, ...]] = {
    "list": _LIST,
    "create": _WRITE,
    "update": _WRITE,
    "patch": (*_WRITE, "force"),
    "delete": _DELETE,
    "deletecollection": tuple(sorted({*_DELETE, *_LIST} - {"allowWatchBookmarks", "watch"})),
}
# As of the types PodLogOptions, PodExecOptions, PodAttachOptions, PodPortForwardOptions and *ProxyOptions.
_STREAM_OPTIONS: dict[str, tuple[str, ...]] = {
    "log": (
        *("container", "follow", "insecureSkipTLSVerifyBackend", "limitBytes", "previous", "sinceSeconds", "stream"),
        *("tailLines", "timestamps"),
    ),
    "exec": ("command", "container", "stderr", "stdin", "stdout", "tty"),
    "attach": ("container", "stderr", "stdin", "stdout", "tty"),
    "portforward": ("ports",),
    "proxy": ("path",),
}
_BOOLEANS = frozenset(
    {
        *("allowWatchBookmarks", "follow", "force", "ignoreStoreReadErrorWithClusterBreakingPotential", "insecureSkipTLSVerifyBackend"),
        *("orphanDependents", "previous", "sendInitialEvents", "stderr", "stdin", "stdout", "timestamps", "tty", "watch"),
    }
)
_INTEGERS = frozenset({"gracePeriodSeconds", "limit", "limitBytes", "ports", "sinceSeconds", "tailLines", "timeoutSeconds"})
# verb -> (method, how operation ids call it, x-kubernetes-action, codes of success)
_VERBS: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "get": ("get", "read", "get", ("200",)),
    "list": ("get", "list", "list", ("200",)),
    "create": ("post", "create", "post", ("200", "201", "202")),
    "update": ("put", "replace", "put", ("200", "201")),
    "patch": ("patch", "patch", "patch", ("200", "201")),
    "delete": ("delete", "delete", "delete", ("200", "202")),
    "deletecollection": ("delete", "deleteCollection", "deletecollection", ("200",)),
}
_DESCRIPTIONS = {"200": "OK", "201": "Created", "202": "Accepted"}


class _Operation(NamedTuple):
    kind: Kind
    path: str
    verb: str
    sub: Subresource | None = None
    # a list of every namespace's objects
    everywhere: bool = False


def paths(kinds: Iterable[Kind], definitions: Definitions) -> dict[str, dict[str, Any]]:
    """The paths of the kinds; what they refer to is added to the definitions."""
    found: dict[str, dict[str, Any]] = {}
    for kind in kinds:
        schemas = definitions.kind(kind)
        for operation in _operations(kind):
            named = _path_parameters(operation.path, definitions)
            item = found.setdefault(operation.path, {"parameters": named} if named else {})
            for method, document in _documents(operation, schemas, definitions):
                item[method] = document
    return found


def _operations(kind: Kind) -> Iterator[_Operation]:
    resource = kind.resource
    root = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
    below = f"{root}/namespaces/{{namespace}}" if resource.namespaced else root
    for verb in resource.verbs:
        if verb in _VERBS:
            path = f"{below}/{resource.plural}"
            yield _Operation(kind, path if verb in ("list", "create", "deletecollection") else path + "/{name}", verb)
    if resource.namespaced and "list" in resource.verbs:
        yield _Operation(kind, f"{root}/{resource.plural}", "list", everywhere=True)
    for sub in resource.subresources:
        path = f"{below}/{resource.plural}/{{name}}/{sub.name}"
        for verb in sub.verbs:
            if verb in _VERBS:
                yield _Operation(kind, path, verb, sub)
                if sub.name == "proxy":
                    yield _Operation(kind, path + "/{path}", verb, sub)


def group_name(group: str) -> str:
    """`rbac.authorization.k8s.io` -> `RbacAuthorization`: how operation ids name a group."""
    words = (group.removesuffix(".k8s.io") or "core").replace("-", ".").split(".")
    return "".join(word[:1].upper() + word[1:] for word in words)


def operation_id(resource: Resource, verb: str, sub: str = "", *, everywhere: bool = False, with_path: bool = False) -> str:
    """As upstream's client generators have them: `readCoreV1NamespacedPodStatus`, `listAppsV1DeploymentForAllNamespaces`."""
    method, word, _, _ = _VERBS[verb]
    prefix = f"{group_name(resource.group)}{resource.version[:1].upper()}{resource.version[1:]}"
    scope = "Namespaced" if resource.namespaced and not everywhere else ""
    subject = f"{resource.kind}{sub[:1].upper()}{sub[1:]}{'ForAllNamespaces' if everywhere else ''}{'WithPath' if with_path else ''}"
    if sub in _CONNECTED:
        return f"connect{prefix}{method.capitalize()}{scope}{subject}"
    if verb == "deletecollection":
        return f"delete{prefix}Collection{scope}{subject}"
    return f"{word}{prefix}{scope}{subject}"


def _documents(
    operation: _Operation, schemas: tuple[dict[str, Any], dict[str, Any]], definitions: Definitions
) -> Iterator[tuple[str, dict[str, Any]]]:
    kind, path, verb, sub, everywhere = operation
    resource, name = kind.resource, sub.name if sub is not None else ""
    method, _, action, codes = _VERBS[verb]
    connected = name in _CONNECTED
    group, version = (sub.group, sub.version) if sub is not None else (resource.group, resource.version)
    if sub is None or sub.kind == resource.kind:
        own, listed = schemas
    else:
        own = listed = definitions.body(sub.group, sub.version, sub.kind)
    answer = listed if verb == "list" else definitions.reference(meta_v1.Status) if verb.startswith("delete") else own
    if connected or name == "log":
        codes, answer = ("200",), {"type": "string"}
    options = _STREAM_OPTIONS.get(name, ()) if connected or name == "log" else _OPTIONS.get(verb, ())
    if not connected:
        options = (*options, "pretty")
    document = {
        "operationId": operation_id(resource, verb, name, everywhere=everywhere, with_path=path.endswith("{path}")),
        "parameters": [_parameter(option, definitions) for option in options],
        "responses": {code: _response(code, answer, definitions) for code in codes} | {"401": {"description": "Unauthorized"}},
        "tags": [f"{group_name(resource.group)[:1].lower()}{group_name(resource.group)[1:]}_{resource.version}"],
        "x-kubernetes-action": "connect" if connected else action,
        "x-kubernetes-group-version-kind": {"group": group, "version": version, "kind": sub.kind if sub is not None else resource.kind},
    }
    if not definitions.is_v3:
        document["produces"] = ["*/*"] if connected else [JSON, "application/yaml"]
    if not connected:
        _take_body(document, kind, verb, own, definitions)
    yield method, document


def _take_body(document: dict[str, Any], kind: Kind, verb: str, own: dict[str, Any], definitions: Definitions) -> None:
    if verb in ("get", "list"):
        return
    schema = definitions.reference(meta_v1.DeleteOptions) if verb.startswith("delete") else {"type": "object"} if verb == "patch" else own
    media = patches_of(kind) if verb == "patch" else ["*/*"]
    needed = not verb.startswith("delete")
    if definitions.is_v3:
        document["requestBody"] = {"content": {one: {"schema": schema} for one in media}, **({"required": True} if needed else {})}
    else:
        body = {"name": "body", "in": "body", **({"required": True} if needed else {}), "schema": schema}
        document["parameters"] = [body, *document["parameters"]]
        document["consumes"] = media


def _response(code: str, schema: dict[str, Any], definitions: Definitions) -> dict[str, Any]:
    if definitions.is_v3:
        return {"description": _DESCRIPTIONS[code], "content": {JSON: {"schema": schema}}}
    return {"description": _DESCRIPTIONS[code], "schema": schema}


def _parameter(name: str, definitions: Definitions) -> dict[str, Any]:
    kind = "boolean" if name in _BOOLEANS else "integer" if name in _INTEGERS else "string"
    shape: dict[str, Any] = {"type": kind, "uniqueItems": True}
    return {"name": name, "in": "query", **({"schema": shape} if definitions.is_v3 else shape)}


def _path_parameters(path: str, definitions: Definitions) -> list[dict[str, Any]]:
    shape: dict[str, Any] = {"type": "string", "uniqueItems": True}
    spec = {"schema": shape} if definitions.is_v3 else shape
    return [{"name": n, "in": "path", "required": True, **spec} for n in ("name", "namespace", "path") if f"{{{n}}}" in path]


def patches_of(kind: Kind) -> list[str]:
    """The media types of patches that a kind takes: kubectl sends a strategic one wherever it finds it here."""
    return [f"application/{name}" for name in (_PATCHES[:-1] if kind.type_key is None else _PATCHES)]
