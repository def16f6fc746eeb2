"""What can be said of an expression without running it: fields that no schema has, comparisons of what can't be compared, its cost.

A type is a schema (OpenAPI v3, as custom resources have it), or None where nothing is known: then everything is let through.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.kube.api.cel import syntax
from provisioner.kube.api.cel.values import CelError, Uint

Type = Mapping[str, Any] | None

# Upstream's limit for one expression.
COST = 10_000_000
# What a list can hold that says no maximum: the largest request, with two bytes an item.
UNBOUNDED = 3 * 1024 * 1024 // 2
BOOL: Type = {"type": "boolean"}
_NUMBERS = frozenset(("integer", "number"))
_SHOWN = {"integer": "int", "number": "double", "boolean": "bool", "array": "list", "object": "object", "string": "string"}
_COMPARED = frozenset(("_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_"))
_ARITHMETIC = frozenset(("_+_", "_-_", "_*_", "_/_", "_%_"))
_LOGICAL = frozenset(("_&&_", "_||_", "!_"))
_GIVES_BOOL = frozenset(
    ("contains", "startsWith", "endsWith", "matches", "hasValue", "isSorted", "_in_", "isQuantity", "isURL", "isIP", "isCIDR")
)


def check(text: str, tree: syntax.Node, names: Mapping[str, Type]) -> tuple[Type, int]:
    """(type of the expression, an upper bound of its cost). Raises CelError where it can't be right."""
    return _Checker(text).type_of(tree, dict(names))


def _kind(found: Type) -> str:
    """The scalar or structural type's name; "" where it isn't known."""
    if found is None or found.get("x-kubernetes-int-or-string") or found.get("nullable"):
        return ""
    if found.get("format") in ("date-time", "duration", "byte", "date"):
        return ""
    return str(found.get("type") or "")


class _Checker:
    def __init__(self, text: str) -> None:
        self._text = text

    def type_of(self, node: syntax.Node, names: dict[str, Type]) -> tuple[Type, int]:
        match node:
            case syntax.Literal(value):
                return _literal(value), 1
            case syntax.Name(name):
                return names.get(name), 1
            case syntax.Select():
                return self._select(node, names)
            case syntax.Call():
                return self._call(node, names)
            case syntax.Loop():
                return self._loop(node, names)
            case syntax.Bind(_, name, value, body):
                kind, cost = self.type_of(value, names)
                result, more = self.type_of(body, {**names, name: kind if node.kind == "bind" else None})
                return (result if node.kind == "bind" else None), cost + more
            case syntax.ListOf(items):
                return {"type": "array", "maxItems": len(items)}, 1 + sum(self.type_of(item, names)[1] for item, _ in items)
            case syntax.MapOf(entries):
                return None, 1 + sum(self.type_of(k, names)[1] + self.type_of(v, names)[1] for k, v, _ in entries)
            case syntax.Message(_, fields):
                return None, 1 + sum(self.type_of(value, names)[1] for _, value, _ in fields)
        raise AssertionError(node)

    def _select(self, node: syntax.Select, names: dict[str, Type]) -> tuple[Type, int]:
        operand, cost = self.type_of(node.operand, names)
        cost += 1
        if operand is None or node.optional:
            return None, cost
        kind = _kind(operand)
        if kind in ("string", "integer", "number", "boolean", "array"):
            raise syntax.failure(self._text, node.at - 1, f"type '{_SHOWN[kind]}' does not support field selection")
        properties = operand.get("properties") or {}
        if node.field in properties:
            return (BOOL if node.tests else properties[node.field]), cost
        more = operand.get("additionalProperties")
        if isinstance(more, dict):
            return (BOOL if node.tests else more), cost
        if properties and not more and not operand.get("x-kubernetes-preserve-unknown-fields"):
            raise syntax.failure(self._text, node.at - 1, f"undefined field '{node.field}'")
        return (BOOL if node.tests else None), cost

    def _call(self, node: syntax.Call, names: dict[str, Type]) -> tuple[Type, int]:
        args = [self.type_of(arg, names) for arg in node.args]
        target = self.type_of(node.target, names) if node.target is not None else (None, 0)
        cost = 1 + target[1] + sum(cost for _, cost in args)
        name = node.name
        if name in _COMPARED:
            self._compared(node, *(kind for kind, _ in args))
            return BOOL, cost
        if name in _ARITHMETIC:
            return self._calculated(node, *(kind for kind, _ in args)), cost
        if name in _LOGICAL:
            for kind, _ in args:
                if _kind(kind) not in ("", "boolean"):
                    raise self._mismatch(node, [kind for kind, _ in args])
            return BOOL, cost
        if name == "_?_:_":
            return (args[1][0] if args[1][0] == args[2][0] else None), cost
        if name == "_[_]" and args[0][0] is not None:
            found = args[0][0].get("items") or args[0][0].get("additionalProperties")
            return (found if isinstance(found, dict) else None), cost
        if name == "size":
            return {"type": "integer"}, cost
        return (BOOL if name in _GIVES_BOOL else None), cost

    def _calculated(self, node: syntax.Call, left: Type, right: Type) -> Type:
        """Numbers of one kind with each other; `+` also joins strings and lists."""
        kinds = (_kind(left), _kind(right))
        if "" in kinds:
            return None
        joins = node.name == "_+_" and kinds[0] in ("string", "array")
        if kinds[0] != kinds[1] or not (kinds[0] in _NUMBERS or joins) or (node.name == "_%_" and kinds[0] != "integer"):
            raise self._mismatch(node, [left, right])
        return left if kinds[0] != "array" else None

    def _compared(self, node: syntax.Call, left: Type, right: Type) -> None:
        kinds = (_kind(left), _kind(right))
        if "" in kinds or kinds[0] == kinds[1] or set(kinds) <= _NUMBERS:
            return
        raise self._mismatch(node, [left, right])

    def _mismatch(self, node: syntax.Call, kinds: list[Type]) -> CelError:
        shown = ", ".join(_SHOWN.get(_kind(kind), "dyn") for kind in kinds)
        return syntax.failure(self._text, node.at, f"found no matching overload for '{node.name}' applied to '({shown})'")

    def _loop(self, node: syntax.Loop, names: dict[str, Type]) -> tuple[Type, int]:
        over, cost = self.type_of(node.over, names)
        item: Type = None
        key: Type = None
        count = UNBOUNDED if over is not None else 1
        if over is not None:
            kind = _kind(over)
            if kind in ("string", "integer", "number", "boolean"):
                raise syntax.failure(
                    self._text, 0, f"expression of type '{_SHOWN[kind]}' cannot be range of a comprehension (must be list, map, or dynamic)"
                )
            items = over.get("items") if kind == "array" else over.get("additionalProperties")
            item = items if isinstance(items, dict) else None
            key = {"type": "integer"} if kind == "array" else {"type": "string"}
            if kind != "array":
                item, key = (item, key) if len(node.names) == 2 else (key, None)
            count = min(over.get("maxItems", over.get("maxProperties", UNBOUNDED)), UNBOUNDED)
        inner = {**names, **(dict(zip(node.names, (key, item), strict=True)) if len(node.names) == 2 else {node.names[0]: item})}
        body, each = self.type_of(node.body, inner)
        if node.condition is not None:
            each += self.type_of(node.condition, inner)[1]
        total = cost + count * each
        if node.kind in ("all", "exists", "exists_one"):
            if _kind(body) not in ("", "boolean"):
                raise syntax.failure(self._text, 0, f"expected type 'bool' but found '{_SHOWN.get(_kind(body), 'dyn')}'")
            return BOOL, total
        if node.kind == "filter":
            return over, total
        return ({"type": "array", "maxItems": count, "items": body} if node.kind in ("map", "transformList") and body else None), total


def _literal(value: Any) -> Type:
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, Uint | bytes) or value is None:
        return None
    return {"type": {int: "integer", float: "number", str: "string"}[type(value)]}
