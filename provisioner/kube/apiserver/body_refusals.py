"""What is said of a body, or of a patch's result, that is not what the resource takes: upstream's words for each way of not being it. Pure."""

from __future__ import annotations

import re
from typing import Any

from provisioner.kube.api._generated.resources import BY_KIND, Resource
from provisioner.kube.api.errors import StatusError, bad_request, invalid, invalid_value
from provisioner.kube.api.go_json import shape

SUMMARY_BYTES = 30
_TYPE_META = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
_SCHEME = "pkg/api/legacyscheme/scheme.go:30"
_MISMATCH = re.compile(r"json: cannot unmarshal (\w+)(?: ([^ ]+))? into Go .* of type (.+)")
_REFLECTED = {"string": "string", "bool": "bool", "object": "map", "array": "slice"}


class Unfit(StatusError):
    """400: a document that is none of the kind; `text` says why. `given` is the (kind, version) it says it is of."""

    def __init__(self, resource: Resource, text: str, given: tuple[str, str] | None = None) -> None:
        kind, version = given or (resource.kind, resource.version)
        super().__init__(400, "BadRequest", f'{kind} in version "{version}" cannot be handled as a {resource.kind}: {text}')
        self.text = text


def unrecognized(kind: str, why: str, body: bytes) -> StatusError:
    """400 for a text that says nothing that could be of the kind."""
    start = body[:SUMMARY_BYTES].decode(errors="replace") if body[:1] == b"{" else body[:SUMMARY_BYTES].hex()
    summary = (start + (" ..." if len(body) > SUMMARY_BYTES else "")) if body else "<empty>"
    return bad_request(f"the object provided is unrecognized (must be of type {kind}): {why} ({summary})")


def no_object(kind: str, document: Any, body: bytes) -> StatusError:
    """400 for a body that is a list, a text or a number."""
    why = f"json: cannot unmarshal {shape(document)} into Go value of type {_TYPE_META}"
    return unrecognized(kind, f"couldn't get version/kind; json parse error: {why}", body)


def another_kind(resource: Resource, api_version: str, kind: str, *, custom: bool) -> StatusError:
    """400 for a body that says that it is something else than the resource's kind; 422 for another kind of a custom resource's version."""
    group, _, version = api_version.rpartition("/")
    known = (group, version, kind) in BY_KIND
    if custom and api_version == resource.api_version:
        return invalid(kind, "", [invalid_value("kind", kind, f"must be {resource.kind}")], group)
    if custom or (known and (group, kind) == (resource.group, resource.kind)):
        return bad_request(f"the API version in the data ({api_version}) does not match the expected API version ({resource.api_version})")
    if not known:
        return Unfit(resource, f'no kind "{kind}" is registered for version "{api_version}" in scheme "{_SCHEME}"', (kind, version))
    inside = resource.module.partition("_")[0]
    return Unfit(resource, f"converting ({version}.{kind}) to ({inside}.{resource.kind}): unknown conversion", (kind, version))


def unconverted(text: str) -> str:
    """What the converter of strategic merge patches says where the JSON decoder would say `text`: it goes from maps to types."""
    found = _MISMATCH.fullmatch(text)
    if found is None:
        return text
    given, number, wanted = found.groups()
    source = _REFLECTED.get(given) or ("float64" if "." in (number or "") else "int64")
    if wanted.startswith("map["):
        return f"cannot restore map from {source}"
    if wanted.startswith("[]"):
        return f"cannot restore slice from {source}"
    if "." in wanted:
        return text if wanted in ("resource.Quantity", "intstr.IntOrString") else f"cannot restore struct from: {source}"
    converts = (source == "int64" and wanted == "string") or (source == "float64" and wanted in ("int32", "int64"))
    return f"cannot convert {source} to {wanted}" if converts else f"unrecognized type: {wanted}"
