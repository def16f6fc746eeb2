"""Create, update and patch of stored objects: from a request's body to the object as it is stored then. Knows nothing of HTTP but the
body's media type, so that every way a request takes through the server ends here."""

from __future__ import annotations

from typing import Any

import msgspec
import yaml

from provisioner.kube.api import errors, patch
from provisioner.kube.api.go_json import printed, shape, syntax_error
from provisioner.kube.api.strict import doubles_in_yaml, findings_in_json_patch
from provisioner.kube.apiserver import negotiation
from provisioner.kube.apiserver.body_refusals import unconverted
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.requests import options_kind
from provisioner.kube.apiserver.rest import Rest
from provisioner.kube.apiserver.yaml_bodies import read_yaml, told

PATCH_OPERATIONS = 10_000
MANAGER_BYTES = 128
_UNDECODED = "error decoding patch: "
PATCHES = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
    "application/apply-patch+yaml": "apply",
    "application/apply-patch+cbor": "cbor",
}


def is_apply(media: str | None) -> bool:
    """Whether a patch of that Content-Type is a server-side apply."""
    return media is not None and media.startswith("application/apply-patch")


class Writes:
    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def answer(self, kind: Kind, call: Call, body: bytes, media: str | None) -> tuple[bytes, int]:
        """(the object as it is stored, HTTP status). `media` is the body's Content-Type. Raises StatusError."""
        if call.target.verb == "patch":
            how = patch_type(media)
            if how != "apply" and "force" in call.query:
                found = errors.forbidden_field("force", "may not be specified for non-apply patch")
                raise errors.invalid("PatchOptions", "", [found], "meta.k8s.io")
            given = patch_of(how, body, call)
            if how == "apply":
                data, created = await self._rest.apply(kind, call, given)
                return data, 201 if created else 200
            patcher = Patcher(kind, how, given)
            return await self._rest.patch(kind, call, patcher, patcher.wrong), 200
        document = document_of(body, media, kind.resource.kind, call)
        if call.target.verb == "create":
            return await self._rest.create(kind, call, document), 201
        if not call.target.subresource and kind.strategy.creates_on_update and not await self._rest.exists(kind, call):
            return await self._rest.create(kind, call, document), 201
        return await self._rest.update(kind, call, document), 200


def document_of(body: bytes, media: str | None, kind: str, call: Call | None = None) -> Any:
    """The body's document, which is to be of a kind; `call` is told what it has twice. Raises 400, 415, 422."""
    document = negotiation.read_document(body, media, kind)
    if call is not None and field_validation(call) != "Ignore":
        call.doubles = negotiation.doubles(body, media, document)
    return document


def field_validation(call: Call) -> str:
    """Ignore, Warn or Strict. Raises 422 for this and the other options of a write that can't be."""
    query, found = call.query, []
    wanted = query.get("fieldValidation") or "Warn"
    manager = query.get("fieldManager") or ""
    if len(manager.encode()) > MANAGER_BYTES:
        found.append(errors.too_long("fieldManager", MANAGER_BYTES))
    if not manager.isprintable():
        found.append(errors.invalid_value("fieldManager", manager, "should only contain printable characters"))
    if wanted not in ("Ignore", "Warn", "Strict"):
        found.append(errors.not_supported("fieldValidation", wanted, ("", "Ignore", "Strict", "Warn")))
    if found:
        raise errors.invalid(options_kind(call.target.verb), "", found, "meta.k8s.io")
    return wanted


def patch_type(media: str | None) -> str:
    """json, merge, strategic or apply. Raises 415."""
    how = PATCHES.get(negotiation.media_of(media))
    if how is None or how == "cbor":
        raise errors.unsupported_media_type(
            f"the body of the request was in an unknown format - accepted media types include: {', '.join(m for m in PATCHES if not m.endswith('cbor'))}"
        )
    return how


def patch_of(how: str, body: bytes, call: Call | None = None) -> Any:
    """The patch in a body; `call` is told what it has twice. Raises 400, 413, 422."""
    if how == "apply":
        try:
            document = read_yaml(body)
        except yaml.YAMLError as error:
            raise errors.bad_request(f"error decoding YAML: error converting YAML to JSON: {told(error)}") from error
        if call is not None and (wanted := field_validation(call)) != "Ignore":
            lines = doubles_in_yaml(body).lines
            if lines and wanted == "Strict":
                text = "\n".join(f"  {line}" for line in lines)
                raise errors.bad_request(f"error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n{text}")
            call.warnings += lines
        return document
    found = _operations(body) if how == "json" else _merged(how, body)
    if how == "json" and len(found) > PATCH_OPERATIONS:
        raise errors.too_large(f"The allowed maximum operations in a JSON patch is {PATCH_OPERATIONS}, got {len(found)}")
    if call is not None and field_validation(call) != "Ignore":
        call.doubles = findings_in_json_patch(body, found) if how == "json" else negotiation.json_doubles(body, found)
    return found


def _decoded(body: bytes, label: str) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise errors.bad_request(f"{label}{syntax_error(body) or error}") from error


def _operations(body: bytes) -> list[dict[str, Any]]:
    """Of a JSON patch; `null` is none. Raises 400."""
    found = _decoded(body, _UNDECODED)
    if not isinstance(found, list | None):
        raise errors.bad_request(f"{_UNDECODED}json: cannot unmarshal {shape(found)} into Go value of type []handlers.jsonPatchOp")
    for one in found or []:
        if not isinstance(one, dict):
            raise errors.bad_request(f"{_UNDECODED}json: cannot unmarshal {shape(one)} into Go value of type handlers.jsonPatchOp")
        for field in ("op", "path", "from"):
            if not isinstance(one.get(field), str | None):
                where = f"Go struct field jsonPatchOp.{field} of type string"
                raise errors.bad_request(f"{_UNDECODED}json: cannot unmarshal {shape(one[field])} into {where}")
    return found or []


def _merged(how: str, body: bytes) -> dict[str, Any]:
    """Of a merge patch or a strategic one. Raises 400."""
    label = _UNDECODED if how == "merge" else ""
    found = _decoded(body, label)
    if found is None and how == "merge":
        raise errors.bad_request("Invalid JSON Patch")
    if not isinstance(found, dict | None):
        raise errors.bad_request(f"{label}json: cannot unmarshal {shape(found)} into Go value of type map[string]interface {{}}")
    return found or {}


class Patcher:
    """A patch as a function on a document."""

    def __init__(self, kind: Kind, how: str, body: Any) -> None:
        self._kind, self._how, self._body = kind, how, body

    def __call__(self, document: dict[str, Any], /) -> dict[str, Any]:
        try:
            result = self._applied(document)
        except patch.PatchError as error:
            if isinstance(error, patch.BadFormat):
                raise errors.bad_request(str(error)) from error
            if self._how == "strategic":
                raise errors.StatusError(500, "", str(error)) from error
            # Upstream's answer says no more than this.
            raise errors.StatusError(422, "Invalid", "the server rejected our request due to an error in our request", {}) from error
        if not isinstance(result, dict):
            raise errors.bad_request("the patch does not leave an object")
        return result

    def _applied(self, document: dict[str, Any]) -> Any:
        if self._how == "json":
            return patch.json_patch(document, self._body)
        if self._how == "merge":
            return patch.merge_patch(document, self._body)
        if self._kind.type_key is None:
            raise errors.unsupported_media_type(
                "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
            )
        # The result is of the type that the patch was for, whatever it says.
        named = {name: document[name] for name in ("apiVersion", "kind") if name in document}
        return patch.strategic_merge_patch(document, self._body, self._kind.type_key) | named

    def wrong(self, after: dict[str, Any], text: str, /) -> errors.FieldError:
        """That the kind can't be what the patch makes of an object: as upstream, the whole result is the patch's wrong value, and of a
        strategic one the patch itself."""
        if self._how == "strategic":
            return errors.invalid_value("patch", printed(self._body), unconverted(text))
        return errors.invalid_value("patch", msgspec.json.encode(after, order="sorted").decode(), text)
