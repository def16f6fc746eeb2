"""YAML in request bodies, read as JSON would be: no dates, no keys that are not text, nothing that grows when it is read."""

from __future__ import annotations

import re
from typing import Any

import yaml

# An alias may stand for much: with what aliases repeat, a document has at most this many nodes, or twice as many as are written down.
MAX_REPEATED = 400_000
MAX_DEPTH = 500
# Whole numbers below this are written without an exponent.
LARGEST = 1e21
_ENDLESS = 10**12


class _Loader(yaml.CSafeLoader):
    pass


# Times stay the texts that they are in JSON, and numbers are those that Go's reader knows: none of base 60, 1e3 is one.
_OTHERWISE = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _OTHERWISE]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_WHOLE = re.compile(r"[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]+|0|[1-9][0-9_]*)$")
_REAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$")
_Loader.add_implicit_resolver(_OTHERWISE[1], _WHOLE, list("-+0123456789"))
_Loader.add_implicit_resolver(_OTHERWISE[2], _REAL, list("-+.0123456789"))


def read_yaml(body: bytes) -> Any:
    """The first document in a body, as upstream; None for nothing. Raises yaml.YAMLError."""
    try:
        loader = _Loader(body)
        node = loader.get_node() if loader.check_node() else None
        if node is None:
            return None
        known: dict[int, int] = {}
        if _expanded(node, known, 0) > max(MAX_REPEATED, 2 * len(known)):
            raise yaml.YAMLError("document contains excessive aliasing")
        return _like_json(loader.construct_document(node))
    except (RecursionError, ValueError) as error:
        raise yaml.YAMLError(f"{error}") from error


def told(error: yaml.YAMLError) -> str:
    """What Go's YAML reader, a port of the same library, says of a text that is none."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return f"yaml: {error}"
    mark = error.context_mark if error.context_mark is not None and error.context_mark.line else error.problem_mark
    line = mark.line + isinstance(error, yaml.scanner.ScannerError) if mark is not None and mark.line else 0
    return f"yaml: {f'line {line}: ' if line else ''}{error.problem or 'unknown problem parsing YAML content'}"


def _expanded(node: yaml.Node, known: dict[int, int], depth: int) -> int:
    """How many nodes there are when aliases are written out."""
    if id(node) in known:
        return known[id(node)]
    if depth > MAX_DEPTH:
        raise yaml.YAMLError("exceeded max depth")
    # An alias of what contains it never ends.
    known[id(node)] = _ENDLESS
    total = 1
    if isinstance(node, yaml.SequenceNode):
        total += sum(_expanded(item, known, depth + 1) for item in node.value)
    elif isinstance(node, yaml.MappingNode):
        total += sum(_expanded(part, known, depth + 1) for pair in node.value for part in pair)
    known[id(node)] = total
    return total


def _like_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {_key(key): _like_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_like_json(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST:
        return int(value)
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    raise yaml.YAMLError(f"{type(value).__name__} has no form in JSON")


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return "null" if key is None else str(key)
