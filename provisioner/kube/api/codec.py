"""JSON to Structs and back. Decoding is validation: an error names the field's path and types, in upstream's words.

JSON null means absent, in lists' and maps' elements too as far as upstream allows it; unknown fields are dropped, and `unknown_fields`
finds them for those who asked to be told. Decoding is fast where a body is right; only a wrong one, or one with nulls, is looked at again.
"""

from __future__ import annotations

import functools
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import msgspec

T = TypeVar("T")

_encoder = msgspec.json.Encoder()
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


class DecodeError(ValueError):
    """A body that is no such object. `path` is the field's, empty where the text is no JSON at all; `message` is upstream's."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
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
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError("", f"invalid JSON: {error}") from error
    return decode_dict(cls, msgspec.json.decode(data))


def decode_dict(cls: type[T], document: Any) -> T:
    """The object in plain dicts. Raises DecodeError."""
    try:
        return msgspec.convert(document, cls)
    except msgspec.ValidationError:
        pass
    except RecursionError as error:
        raise DecodeError("", "exceeded max depth") from error
    cleaned = _without_nulls(cls, document)
    try:
        return msgspec.convert(cleaned, cls)
    except msgspec.ValidationError as error:
        found = _mismatch(cls, cleaned, "", cls.__name__)
        if found is None:
            message, _, where = str(error).partition(" - at `")
            found = DecodeError(where.rstrip("`").removeprefix("$").removeprefix("."), message)
        raise found from error


# Lists that Go's types write although they are empty (no `omitempty`), of those that may be: (Struct, attribute).
_KEPT = {
    ("CSINodeSpec", "drivers"),
    ("LimitRangeSpec", "limits"),
    ("Role", "rules"),
    ("ClusterRole", "rules"),
    ("EndpointSlice", "ports"),
    ("CustomResourceDefinitionStatus", "conditions"),
    ("CustomResourceDefinitionStatus", "stored_versions"),
    ("HorizontalPodAutoscalerStatus", "current_metrics"),
}


def drop_empties(obj: msgspec.Struct) -> None:
    """In place: an empty list or map is left out where its field is optional, as upstream's types leave it out when they are written."""
    for name, optional, inner in _containers(type(obj)):
        value = getattr(obj, name)
        if value is None:
            continue
        if isinstance(value, msgspec.Struct):
            drop_empties(value)
        elif not value:
            if optional:
                setattr(obj, name, None)
        elif inner:
            for item in value.values() if isinstance(value, dict) else value:
                drop_empties(item)


@functools.cache
def _containers(cls: type[msgspec.Struct]) -> tuple[tuple[str, bool, bool], ...]:
    """(attribute, may be left out, holds Structs to look into) of each field that is, or somewhere inside holds, a list or map."""
    found = []
    for field in msgspec.structs.fields(cls):
        options = options_of(field.type)
        if len(options) != 1:
            continue
        inside = get_args(options[0])[-1] if get_origin(options[0]) in (list, dict) else None
        optional = inside is not None and field.default is None and (cls.__name__, field.name) not in _KEPT
        deeper = _holds_containers(options[0] if inside is None else inside)
        if optional or deeper:
            found.append((field.name, optional, deeper))
    return tuple(found)


def _holds_containers(annotation: Any, seen: frozenset[Any] = frozenset()) -> bool:
    """Whether a Struct has an optional list or map, itself or further inside."""
    if not _is_struct(annotation) or annotation in seen:
        return False
    for field in msgspec.structs.fields(annotation):
        option = options_of(field.type)[0]
        inside = get_args(option)[-1] if get_origin(option) in (list, dict) else None
        if (inside is not None and field.default is None) or _holds_containers(inside or option, seen | {annotation}):
            return True
    return False


def _without_nulls(annotation: Any, value: Any) -> Any:
    """The document as Go's decoder leaves it: null members are absent, null items of lists and maps the zero of their type."""
    options = options_of(annotation)
    for option in options:
        inner = get_args(option)[-1] if get_origin(option) in (list, dict) else None
        if inner is not None and isinstance(value, list):
            return [_zero(inner) if item is None else _without_nulls(inner, item) for item in value]
        if inner is not None and isinstance(value, dict):
            return {key: _zero(inner) if item is None else _without_nulls(inner, item) for key, item in value.items()}
        if isinstance(value, dict) and isinstance(option, type) and issubclass(option, msgspec.Struct):
            fields = fields_of(option)
            return {key: _without_nulls(fields.get(key, Any), item) for key, item in value.items() if item is not None}
    return value


def _zero(annotation: Any) -> Any:
    option = options_of(annotation)[0]
    if get_origin(option) is list:
        return []
    return {str: "", int: 0, bool: False}.get(option, {})


# -- what is wrong with a body ---------------------------------------------------------------------------------------------


def _mismatch(annotation: Any, value: Any, path: str, struct: str) -> DecodeError | None:
    """The first value that is not of its field's type. Paths have no indexes, as in Go's errors."""
    options = options_of(annotation)
    if Any in options:
        return None
    if isinstance(value, dict):
        return _mismatch_in_object(options, value, path, struct)
    if isinstance(value, list):
        inner = next((option for option in options if get_origin(option) is list), None)
        if inner is None:
            return _wrong("array", options, path, struct)
        found = (_mismatch(get_args(inner)[0], item, path, struct) for item in value)
        return next((error for error in found if error is not None), None)
    if _scalar_fits(value, options):
        return None
    return _wrong(_json_name(value, options), options, path, struct)


def _mismatch_in_object(options: tuple[Any, ...], value: dict[str, Any], path: str, struct: str) -> DecodeError | None:
    for option in options:
        if isinstance(option, type) and issubclass(option, msgspec.Struct):
            fields = fields_of(option)
            found = (
                _mismatch(fields[key], item, f"{path}.{key}" if path else key, option.__name__)
                for key, item in value.items()
                if key in fields
            )
            return next((error for error in found if error is not None), None)
        if get_origin(option) is dict:
            found = (_mismatch(get_args(option)[1], item, path, struct) for item in value.values())
            return next((error for error in found if error is not None), None)
    return _wrong("object", options, path, struct)


def options_of(annotation: Any) -> tuple[Any, ...]:
    """The types of a union without None."""
    if get_origin(annotation) in (Union, UnionType):
        return tuple(option for option in get_args(annotation) if option is not type(None))
    return (annotation,)


def _scalar_fits(value: Any, options: tuple[Any, ...]) -> bool:
    for option in options:
        base = get_args(option)[0] if get_origin(option) is Annotated else option
        if isinstance(value, bool):
            fits = base is bool
        elif base is int:
            whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
            limit = 2**31 if get_origin(option) is Annotated else 2**63
            fits = whole and -limit <= value < limit
        elif base is float:
            fits = isinstance(value, int | float)
        else:
            fits = isinstance(base, type) and isinstance(value, base)
        if fits:
            return True
    return False


def _json_name(value: Any, options: tuple[Any, ...]) -> str:
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "bool"
    # Go tells the number itself when it is one of the wrong size or kind.
    numeric = any((get_args(o)[0] if get_origin(o) is Annotated else o) in (int, float) for o in options)
    return f"number {value}" if numeric else "number"


def _wrong(given: str, options: tuple[Any, ...], path: str, struct: str) -> DecodeError:
    where = f"Go struct field {struct}.{path}" if path else "Go value"
    return DecodeError(path, f"json: cannot unmarshal {given} into {where} of type {_go_name(options)}")


def _go_name(options: tuple[Any, ...]) -> str:
    if str in options and len(options) > 1:
        return "resource.Quantity" if float in options else "intstr.IntOrString"
    option = options[0]
    if get_origin(option) is Annotated:
        return "int32"
    if get_origin(option) is list:
        return f"[]{_go_name(options_of(get_args(option)[0]))}"
    if get_origin(option) is dict:
        return f"map[string]{_go_name(options_of(get_args(option)[1]))}"
    if isinstance(option, type) and issubclass(option, msgspec.Struct):
        return f"{option.__module__.rpartition('_')[2]}.{option.__name__}"
    return {str: "string", int: "int64", float: "float64", bool: "bool"}.get(option, "interface {}")


# -- unknown fields --------------------------------------------------------------------------------------------------------


def unknown_fields(cls: Any, document: Any, prefix: str = "") -> list[str]:
    """Paths of members that the type has no field for, in the document's order."""
    found: list[str] = []
    struct = _struct_in(cls)
    if _is_struct(struct):
        _add_unknown(struct, document, prefix, found)
    return found


def _add_unknown(struct: Any, document: Any, prefix: str, found: list[str]) -> None:
    if isinstance(document, list):
        for index, item in enumerate(document):
            _add_unknown(struct, item, f"{prefix}[{index}]", found)
    elif isinstance(document, dict):
        inner = _inner_of.get(struct) or _inner(struct)
        for key, value in document.items():
            if key not in inner:
                found.append(f"{prefix}.{key}" if prefix else key)
                continue
            is_map, below = inner[key]
            if below is None or not isinstance(value, dict | list):
                continue
            path = f"{prefix}.{key}" if prefix else key
            if is_map and isinstance(value, dict):
                for name, item in value.items():
                    _add_unknown(below, item, f"{path}[{name}]", found)
            else:
                _add_unknown(below, value, path, found)


# struct -> JSON name -> (whether the field is a map, the struct of its value or values, None where there is none inside)
_inner_of: dict[Any, dict[str, tuple[bool, Any]]] = {}


def _inner(struct: Any) -> dict[str, tuple[bool, Any]]:
    made = {}
    for name, annotation in fields_of(struct).items():
        option = next((o for o in get_args(annotation) or (annotation,) if get_origin(o) is dict), None)
        below = _struct_in(get_args(option)[1] if option is not None else annotation)
        made[name] = (option is not None, below if _is_struct(below) else None)
    return _inner_of.setdefault(struct, made)


def _is_struct(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, msgspec.Struct)


_fields_of: dict[Any, dict[str, Any]] = {}


def fields_of(cls: Any) -> dict[str, Any]:
    """JSON name -> annotation."""
    if cls not in _fields_of:
        _fields_of[cls] = {field.encode_name: field.type for field in msgspec.structs.fields(cls)}
    return _fields_of[cls]


def _struct_in(annotation: Any) -> Any:
    """The Struct inside Optional, list and the like; the annotation itself where there is none."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return annotation
    for option in get_args(annotation):
        found = _struct_in(option)
        if isinstance(found, type) and issubclass(found, msgspec.Struct):
            return found
    return annotation
