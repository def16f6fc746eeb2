"""JSON to Structs and back. Decoding is validation: an error names the field's path, in upstream's words.

JSON null means absent, in lists' and maps' elements too as far as upstream allows it; unknown fields are dropped, and `unknown_fields`
finds them for those who asked to be told.
"""

from __future__ import annotations

from typing import Any, TypeVar, get_args, get_origin

import msgspec

T = TypeVar("T")

_encoder = msgspec.json.Encoder()
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


class DecodeError(ValueError):
    """A body that is no such object. `path` is the field's, empty where the text is no JSON at all."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path, self.message = path, message


def encode(obj: Any) -> bytes:
    return _encoder.encode(obj)


def to_dict(obj: Any) -> dict[str, Any]:
    """Plain dicts and lists with the API's names."""
    plain: dict[str, Any] = msgspec.to_builtins(obj)
    return plain


def decode(cls: type[T], data: bytes | msgspec.Raw) -> T:
    """The object in a JSON text. Raises DecodeError."""
    decoder = _decoders.get(cls)
    if decoder is None:
        decoder = _decoders[cls] = msgspec.json.Decoder(cls)
    try:
        found: T = decoder.decode(data)
        return found
    except msgspec.ValidationError:
        pass
    except msgspec.DecodeError as error:
        raise DecodeError("", f"invalid JSON: {error}") from error
    return decode_dict(cls, msgspec.json.decode(data))


def decode_dict(cls: type[T], document: Any) -> T:
    """The object in plain dicts. Raises DecodeError."""
    try:
        return msgspec.convert(without_nulls(document), cls)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `")
        raise DecodeError(where.rstrip("`").removeprefix("$").removeprefix("."), message.lower().rstrip(".")) from error


def without_nulls(value: Any) -> Any:
    """The document without null members; a null element of a list stays an empty object, as Go's decoder leaves it."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def unknown_fields(cls: Any, document: Any, prefix: str = "") -> list[str]:
    """Paths of members that the type has no field for, in the document's order."""
    cls = _struct_in(cls)
    found: list[str] = []
    if isinstance(document, list):
        for index, item in enumerate(document):
            found += unknown_fields(cls, item, f"{prefix}[{index}]")
    elif isinstance(document, dict) and isinstance(cls, type) and issubclass(cls, msgspec.Struct):
        fields = {field.encode_name: field.type for field in msgspec.structs.fields(cls)}
        for key, value in document.items():
            path = f"{prefix}.{key}" if prefix else key
            if key not in fields:
                found.append(path)
            else:
                found += _unknown_inside(fields[key], value, path)
    return found


def _unknown_inside(annotation: Any, value: Any, path: str) -> list[str]:
    for option in get_args(annotation) or (annotation,):
        if get_origin(option) is dict and isinstance(value, dict):
            return [p for key, item in value.items() for p in unknown_fields(get_args(option)[1], item, f"{path}[{key}]")]
    return unknown_fields(annotation, value, path)


def _struct_in(annotation: Any) -> Any:
    """The Struct inside Optional, list and the like; the annotation itself where there is none."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return annotation
    for option in get_args(annotation):
        found = _struct_in(option)
        if isinstance(found, type) and issubclass(found, msgspec.Struct):
            return found
    return annotation
