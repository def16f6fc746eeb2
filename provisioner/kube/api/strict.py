"""What reading a body leaves out and a strict reader minds: members that are there twice. Pure.

Sources: fieldValidation of the API's write options; the wording of upstream's JSON and YAML readers.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml


class _Pairs(list[tuple[str, Any]]):
    """An object as it is written, doubles and order included."""


@dataclass(frozen=True, slots=True)
class Doubles:
    """Members that come again. `members` is every member's path in the text's order, with whether it is one of them; of YAML, `lines`
    say where. `notes` are what is said of a JSON patch itself."""

    members: Sequence[tuple[str, bool]] = ()
    lines: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.members or self.lines or self.notes)


NONE = Doubles()


def doubles_in_json(body: bytes) -> Doubles:
    """Of a text that has been read before, so that it is JSON."""
    found = [False]

    def look(pairs: list[tuple[str, Any]]) -> Any:
        if len(pairs) > 1 and len({key for key, _ in pairs}) != len(pairs):
            found[0] = True

    try:
        json.loads(body, object_pairs_hook=look)
        if not found[0]:
            return NONE
        return Doubles(list(_walk(json.loads(body, object_pairs_hook=_Pairs), "")))
    except (ValueError, RecursionError):
        return NONE


def _walk(value: Any, path: str) -> Iterator[tuple[str, bool]]:
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for key, item in value:
            here = f"{path}.{key}" if path else key
            yield here, key in seen
            if key not in seen:
                yield from _walk(item, here)
            seen.add(key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, f"{path}[{index}]")


_OPERATION = frozenset(("op", "path", "from", "value"))


def findings_in_json_patch(body: bytes, operations: Any) -> Doubles:
    """Of a JSON patch that has been read before: what it has twice, and what no operation has."""
    if not isinstance(operations, list):
        return NONE
    doubles = [path for path, again in doubles_in_json(body).members if again]
    unknown = [f"[{i}].{key}" for i, one in enumerate(operations) if isinstance(one, dict) for key in one if key not in _OPERATION]
    told = [f'json patch duplicate field "{path}"' for path in doubles] + [f'json patch unknown field "{path}"' for path in unknown]
    return Doubles(notes=tuple(told))


def doubles_in_yaml(body: bytes) -> Doubles:
    """Of a text that has been read before, so that it is YAML."""
    loader = yaml.CSafeLoader(body)
    node = loader.get_node() if loader.check_node() else None
    return Doubles((), tuple(_lines(node))) if node is not None else NONE


def _lines(node: yaml.Node) -> Iterator[str]:
    if isinstance(node, yaml.MappingNode):
        seen: set[Any] = set()
        for key, value in node.value:
            if key.value in seen:
                yield f'line {key.start_mark.line + 1}: key "{key.value}" already set in map'
            seen.add(key.value if isinstance(key.value, str) else id(key))
            yield from _lines(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _lines(item)


def findings(doubles: Doubles, unknown: Collection[str], *, is_typed: bool) -> list[str]:
    """What warnings say of a body, in upstream's order: of kinds with types as it is written, of others doubles first."""
    if not doubles.members:
        return [*doubles.notes, *doubles.lines, *(f'unknown field "{path}"' for path in (sorted(unknown) if doubles.lines else unknown))]
    if not is_typed:
        return [f'duplicate field "{path}"' for path, again in doubles.members if again] + [
            f'unknown field "{path}"' for path in sorted(unknown)
        ]
    missing, found = set(unknown), []
    for path, again in doubles.members:
        if path in missing and not again:
            found.append(f'unknown field "{path}"')
        elif again and path not in missing and not any(path.startswith((f"{other}.", f"{other}[")) for other in missing):
            found.append(f'duplicate field "{path}"')
    return found + [f'unknown field "{path}"' for path in unknown if path not in {member for member, _ in doubles.members}]


def strict_error(doubles: Doubles, found: Sequence[str]) -> str:
    """The message of a refusal for what `findings` found."""
    if doubles.lines:
        listed = "\n".join(f"  {line}" for line in doubles.lines)
        return ", ".join([f"yaml: unmarshal errors:\n{listed}", *found[len(doubles.lines) :]])
    return ", ".join(found)
