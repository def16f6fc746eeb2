"""In which form an answer is wanted, and in which a body came: JSON, YAML, Table, PartialObjectMetadata; protobuf bodies are read,
answers are never protobuf."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import yaml

from provisioner.kube.api import go_json, protobuf, strict
from provisioner.kube.api.accept import by_preference
from provisioner.kube.api.errors import StatusError, not_acceptable, unsupported_media_type
from provisioner.kube.apiserver.body_refusals import unrecognized
from provisioner.kube.apiserver.yaml_bodies import read_yaml, told

JSON = "application/json"
YAML = "application/yaml"
SUPPORTED = f"{JSON}, {YAML}"


@dataclass(frozen=True, slots=True)
class Form:
    """`shape` is "", Table, PartialObjectMetadata or PartialObjectMetadataList; `version` the version of meta.k8s.io it is wanted in."""

    media_type: str = JSON
    shape: str = ""
    version: str = "v1"


def accepted(header: str | None) -> Form:
    """The best form of an Accept header that we can give, by quality, then order. Raises 406."""
    if not header or header == JSON:
        return Form()
    for media, given in by_preference(header):
        media_type = {JSON: JSON, "*/*": JSON, "application/*": JSON, YAML: YAML, "text/yaml": YAML, "application/x-yaml": YAML}.get(media)
        shape = given.get("as", "")
        if media_type is None or (shape and (given.get("g") != "meta.k8s.io" or given.get("v") not in ("v1", "v1beta1"))):
            continue
        if shape in ("", "Table", "PartialObjectMetadata", "PartialObjectMetadataList"):
            return Form(media_type, shape, given.get("v", "v1"))
    raise refused()


def prefers_yaml(header: str | None) -> bool:
    """Whether YAML comes first, for what is told as it can be even to who takes neither."""
    if header is None or "yaml" not in header:
        return False
    try:
        return accepted(header).media_type == YAML
    except StatusError:
        return False


def refused() -> StatusError:
    """406."""
    return not_acceptable(f"only the following media types are accepted: {SUPPORTED}")


def read_document(body: bytes, content_type: str | None, kind: str) -> Any:
    """The document in a request's body, which is to be of a kind. Raises 400 for text that is none, 415 for a type that we don't read."""
    media = media_of(content_type)
    if media in (JSON, "") or media.endswith("+json"):
        try:
            return msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            why = go_json.syntax_error(body) or str(error)
            raise unrecognized(kind, f"couldn't get version/kind; json parse error: {why}", body) from error
    if media in (YAML, "text/yaml", "application/x-yaml") or media.endswith("+yaml"):
        try:
            return read_yaml(body)
        except yaml.YAMLError as error:
            raise unrecognized(kind, f"error converting YAML to JSON: {told(error)}", body) from error
    if media == protobuf.MEDIA_TYPE:
        try:
            return protobuf.decode(body)
        except (protobuf.ProtobufError, UnicodeDecodeError) as error:
            raise unrecognized(kind, str(error), body) from error
    raise unsupported_media_type(f"the body of the request was in an unknown format - accepted media types include: {SUPPORTED}")


def doubles(body: bytes, content_type: str | None, document: Any) -> strict.Doubles:
    """What a body has twice that `read_document` has read as `document`."""
    media = media_of(content_type)
    if media in (JSON, "") or media.endswith("+json"):
        return json_doubles(body, document)
    return strict.NONE if media == protobuf.MEDIA_TYPE else strict.doubles_in_yaml(body)


def json_doubles(body: bytes, document: Any) -> strict.Doubles:
    """What is the same when written again has nothing twice: most clients' bodies, at a tenth of the cost of looking."""
    return strict.NONE if msgspec.json.encode(document) == body.rstrip() else strict.doubles_in_json(body)


def to_yaml(data: bytes) -> bytes:
    """A JSON answer as YAML."""
    return yaml.dump(msgspec.json.decode(data), Dumper=yaml.CSafeDumper, default_flow_style=False, sort_keys=True).encode()


def partial_metadata(data: bytes, version: str) -> bytes:
    """PartialObjectMetadata of an encoded object: its metadata bytes, untouched."""
    found = _metadata.decode(data)
    return b'{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/%b","metadata":%b}' % (version.encode(), bytes(found.metadata))


class _Metadata(msgspec.Struct):
    metadata: msgspec.Raw


_metadata = msgspec.json.Decoder(_Metadata)


def media_of(content_type: str | None) -> str:
    """A Content-Type without its parameters; JSON where there is none."""
    return (content_type or JSON).partition(";")[0].strip().lower()
