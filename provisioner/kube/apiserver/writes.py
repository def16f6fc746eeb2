"""Create, update and patch of stored objects: from a request's body to the object as it is stored then. Knows nothing of HTTP but the
body's media type, so that every way a request takes through the server ends here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import yaml

from provisioner.kube.api import errors, patch
from provisioner.kube.api.strict import doubles_in_yaml, findings_in_json_patch
from provisioner.kube.apiserver import negotiation
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.requests import options_kind
from provisioner.kube.apiserver.rest import Rest
from provisioner.kube.apiserver.yaml_bodies import read_yaml

PATCH_OPERATIONS = 10_000
MANAGER_BYTES = 128
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
            return await self._rest.patch(kind, call, patcher(kind, how, given)), 200
        document = document_of(body, media, call)
        if call.target.verb == "create":
            return await self._rest.create(kind, call, document), 201
        if not call.target.subresource and kind.strategy.creates_on_update and not await self._rest.exists(kind, call):
            return await self._rest.create(kind, call, document), 201
        return await self._rest.update(kind, call, document), 200


def document_of(body: bytes, media: str | None, call: Call | None = None) -> Any:
    """The body's document; `call` is told what it has twice. Raises 400, 415, 422."""
    document = negotiation.read_document(body, media)
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
            raise errors.bad_request(f"error decoding YAML: {error}") from error
        if call is not None and (wanted := field_validation(call)) != "Ignore":
            lines = doubles_in_yaml(body).lines
            if lines and wanted == "Strict":
                text = "\n".join(f"  {line}" for line in lines)
                raise errors.bad_request(f"error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n{text}")
            call.warnings += lines
        return document
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise errors.bad_request(f"error decoding patch: {error}") from error
    if how == "json" and isinstance(found, list) and len(found) > PATCH_OPERATIONS:
        raise errors.too_large(f"The allowed maximum operations in a JSON patch is {PATCH_OPERATIONS}, got {len(found)}")
    if call is not None and field_validation(call) != "Ignore":
        call.doubles = findings_in_json_patch(body, found) if how == "json" else negotiation.json_doubles(body, found)
    return found


def patcher(kind: Kind, how: str, body: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The patch as a function on a document."""

    def apply(document: dict[str, Any]) -> dict[str, Any]:
        try:
            if how == "json":
                result = patch.json_patch(document, body)
            elif how == "merge":
                result = patch.merge_patch(document, body)
            elif kind.type_key is None:
                raise errors.unsupported_media_type(
                    "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
                )
            else:
                result = patch.strategic_merge_patch(document, body, kind.type_key)
        except patch.PatchError as error:
            raise errors.StatusError(422, "Invalid", f"the server rejected our request due to an error in our request: {error}") from error
        if not isinstance(result, dict):
            raise errors.bad_request("the patch does not leave an object")
        return result

    return apply
