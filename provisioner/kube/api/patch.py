"""Patches on plain documents: JSON patch (RFC 6902), merge patch (RFC 7386) and Kubernetes' strategic merge patch. Inputs are not changed."""

from __future__ import annotations

import copy
from typing import Any

from provisioner.kube.api.go_json import printed
from provisioner.kube.api.merge_rules import RULES, FieldRule


class PatchError(ValueError):
    """A patch that can't be applied; the message says which part."""


class BadFormat(PatchError):
    """A strategic merge patch whose directives are not in their form."""


def merge_patch(document: Any, patch: Any) -> Any:
    """RFC 7386: null removes, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch) if isinstance(patch, list) else patch
    merged = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


# -- JSON patch ----------------------------------------------------------------------------------------------------------


def _pointer(text: Any) -> list[str]:
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise PatchError(f"invalid JSON pointer {text!r}")
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _index(token: str, length: int, *, may_append: bool = False) -> int:
    if may_append and token == "-":
        return length
    if not token.lstrip("-").isdigit() or (len(token) > 1 and token.startswith("0")):
        raise PatchError(f"{token!r} is no array index")
    number = int(token)
    if not 0 <= number < length + may_append:
        raise PatchError(f"array index {token} is out of bounds")
    return number


def _look(document: Any, path: list[str]) -> Any:
    for token in path:
        if isinstance(document, list):
            document = document[_index(token, len(document))]
        elif isinstance(document, dict) and token in document:
            document = document[token]
        else:
            raise PatchError(f"the path /{'/'.join(path)} does not exist")
    return document


def _add(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent = _look(document, path[:-1])
    if isinstance(parent, list):
        parent.insert(_index(path[-1], len(parent), may_append=True), value)
    elif isinstance(parent, dict):
        parent[path[-1]] = value
    else:
        raise PatchError(f"the path /{'/'.join(path)} has no parent object")
    return document


def _remove(document: Any, path: list[str]) -> Any:
    if not path:
        return None
    parent = _look(document, path[:-1])
    _look(parent, path[-1:])
    del parent[_index(path[-1], len(parent)) if isinstance(parent, list) else path[-1]]
    return document


def json_patch(document: Any, operations: Any) -> Any:
    """RFC 6902. Raises PatchError for the first operation that fails; nothing is then changed."""
    if not isinstance(operations, list):
        raise PatchError("a JSON patch is a list of operations")
    document = copy.deepcopy(document)
    for number, step in enumerate(operations):
        if not isinstance(step, dict) or "path" not in step:
            raise PatchError(f"operation {number} has no path")
        name, path = step.get("op"), _pointer(step["path"])
        if name in ("add", "replace", "test") and "value" not in step:
            raise PatchError(f"operation {number} ({name}) has no value")
        if name == "add":
            document = _add(document, path, copy.deepcopy(step["value"]))
        elif name == "remove":
            document = _remove(document, path)
        elif name == "replace":
            _look(document, path)
            document = _add(_remove(document, path), path, copy.deepcopy(step["value"])) if path else copy.deepcopy(step["value"])
        elif name in ("move", "copy"):
            source = _pointer(step.get("from"))
            value = copy.deepcopy(_look(document, source))
            document = _add(_remove(document, source) if name == "move" else document, path, value)
        elif name == "test":
            if _look(document, path) != step["value"]:
                raise PatchError(f"testing value {step['path']} failed")
        else:
            raise PatchError(f"operation {number}: unexpected kind: {name}")
    return document


# -- strategic merge -----------------------------------------------------------------------------------------------------

DIRECTIVE = "$patch"
RETAIN = "$retainKeys"
DELETE_PRIMITIVES = "$deleteFromPrimitiveList/"
ORDER = "$setElementOrder/"


def strategic_merge_patch(document: Any, patch: Any, type_key: str | None) -> Any:
    """Merge `patch` by the types' own rules. `type_key` is the type's key in RULES; None merges as plain maps and atomic lists."""
    if not isinstance(patch, dict):
        raise PatchError("a strategic merge patch is an object")
    try:
        return _merge_map(document if isinstance(document, dict) else {}, patch, type_key)
    except (TypeError, AttributeError) as error:
        # A directive's value, or a list's item, that is not what directives and merge keys are.
        raise PatchError(f"the patch does not fit the object: {error}") from error


def _merge_map(document: dict[str, Any], patch: dict[str, Any], type_key: str | None) -> dict[str, Any]:
    directive = patch.get(DIRECTIVE)
    if directive == "delete":
        return {}
    if directive == "replace":
        return _clean({key: value for key, value in patch.items() if key != DIRECTIVE})  # type: ignore[no-any-return]
    if directive not in (None, "merge"):
        raise PatchError(f"unknown patch type: {printed(directive)} in map: {printed(patch)}")
    merged = dict(document)
    if RETAIN in patch:
        kept = _retained(patch)
        merged = {key: value for key, value in merged.items() if key in kept}
    rules = RULES.get(type_key or "", {})
    for key, value in patch.items():
        if key.startswith(DELETE_PRIMITIVES):
            field = key.removeprefix(DELETE_PRIMITIVES)
            if not isinstance(value, list):
                raise BadFormat("invalid patch format of primitive list")
            merged[field] = [item for item in merged.get(field) or [] if item not in value]
    for key, value in patch.items():
        if key in (DIRECTIVE, RETAIN) or key.startswith(DELETE_PRIMITIVES):
            continue
        if key.startswith(ORDER):
            field = key.removeprefix(ORDER)
            # Only the order changed: the list itself is not in the patch.
            if field not in patch and isinstance(merged.get(field), list):
                merged[field] = _ordered(merged[field], value, rules[field].merge_key or None if field in rules else None)
        elif value is None:
            merged.pop(key, None)
        else:
            order, rule = patch.get(ORDER + key), rules.get(key)
            if order is not None:
                _check_order(value, order, rule.merge_key if rule is not None else "")
            merged[key] = _merge_field(merged.get(key), value, rule, order)
    return merged


def _retained(patch: dict[str, Any]) -> set[Any]:
    """Names that stay; what the patch sets is among them."""
    names = patch[RETAIN]
    set_here = {key for key, value in patch.items() if value is not None and not key.startswith(("$patch", DELETE_PRIMITIVES, ORDER))}
    if not isinstance(names, list) or set_here - {RETAIN} - set(names):
        raise BadFormat("invalid patch format of retainKeys")
    return set(names)


def _check_order(items: Any, order: Any, key: str) -> None:
    """A patch's own items are in the order that it asks for."""
    if not isinstance(order, list) or not isinstance(items, list):
        raise BadFormat("invalid patch format of setElementOrder list")
    kept = [item for item in items if not (key and isinstance(item, dict) and item.get(DIRECTIVE) == "delete")]
    wanted = [item.get(key) if key and isinstance(item, dict) else item for item in order]
    at = 0
    for name in wanted:
        if at < len(kept) and (kept[at].get(key) if key and isinstance(kept[at], dict) else kept[at]) == name:
            at += 1
    if wanted and at < len(kept):
        raise PatchError(f"The order in patch list:\n{printed(items)}\n doesn't match $setElementOrder list:\n{printed(order)}\n")


def _merge_field(current: Any, value: Any, rule: FieldRule | None, order: list[Any] | None) -> Any:
    if isinstance(value, dict):
        target = rule.target if rule is not None and rule.shape == "struct" else None
        if rule is not None and rule.shape == "map" and isinstance(current, dict):
            return _merge_map(current, value, rule.target)
        replace = rule is not None and "replace" in rule.patch_strategy
        return (
            _clean(value) if replace and DIRECTIVE not in value else _merge_map(current if isinstance(current, dict) else {}, value, target)
        )
    if not isinstance(value, list):
        return value
    if rule is None or "merge" not in rule.patch_strategy:
        return _clean(value)
    if not rule.merge_key:
        existing = list(current) if isinstance(current, list) else []
        return _ordered(existing + [item for item in value if item not in existing], order, None)
    return _merge_list(current if isinstance(current, list) else [], value, rule, order)


def _merge_list(current: list[Any], patch: list[Any], rule: FieldRule, order: list[Any] | None) -> list[Any]:
    key = rule.merge_key
    if any(isinstance(item, dict) and item.get(DIRECTIVE) == "replace" and key not in item for item in patch):
        return [_clean(item) for item in patch if not (isinstance(item, dict) and item.get(DIRECTIVE) == "replace" and key not in item)]
    merged = list(current)
    for item in patch:
        if not isinstance(item, dict) or key not in item:
            raise PatchError(f"map: {printed(item)} does not contain declared merge key: {key}")
        at = next((i for i, old in enumerate(merged) if isinstance(old, dict) and old.get(key) == item[key]), None)
        if item.get(DIRECTIVE) == "delete":
            merged = [old for old in merged if not (isinstance(old, dict) and old.get(key) == item[key])]
        elif at is None:
            merged.append(_clean({k: v for k, v in item.items() if k != DIRECTIVE}))
        else:
            merged[at] = _merge_map(merged[at], item, rule.target)
    return _ordered(merged, order, key)


def _ordered(items: list[Any], order: list[Any] | None, key: str | None) -> list[Any]:
    """Items named in $setElementOrder in its order; the others keep their place after those that they followed."""
    if not order:
        return items

    def identity(item: Any) -> Any:
        return item.get(key) if key and isinstance(item, dict) else item

    wanted = {identity(item): number for number, item in enumerate(order)}
    ranked: list[tuple[float, int, Any]] = []
    last = -1.0
    for number, item in enumerate(items):
        last = wanted.get(identity(item), last)
        ranked.append((last if identity(item) in wanted else last + 0.5, number, item))
    return [item for *_, item in sorted(ranked, key=lambda entry: entry[:2])]


def _clean(value: Any) -> Any:
    """A value that is new to the document: without directives and nulls."""
    if isinstance(value, dict):
        return {
            key: _clean(item)
            for key, item in value.items()
            if item is not None and key not in (DIRECTIVE, RETAIN) and not key.startswith((ORDER, DELETE_PRIMITIVES))
        }
    if isinstance(value, list):
        return [_clean(item) for item in value if not (isinstance(item, dict) and item.get(DIRECTIVE) == "delete")]
    return value
