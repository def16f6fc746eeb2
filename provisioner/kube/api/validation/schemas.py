"""Structural schemas of custom resources: every part says its type, keywords fit together, defaults fit, rules compile and are cheap enough.

Source: "Specifying a structural schema" and "Validation rules" in Kubernetes' documentation of custom resources.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from provisioner.kube.api import cel, errors
from provisioner.kube.api.cel import checking, syntax
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.go_regexp import syntax_error

TYPES = ("array", "boolean", "integer", "number", "object", "string")
RULE_REASONS = ("FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired", "FieldValueDuplicate")
_FORBIDDEN = (
    "$ref",
    "definitions",
    "dependencies",
    "deprecated",
    "discriminator",
    "id",
    "patternProperties",
    "readOnly",
    "writeOnly",
    "xml",
)
_LOGICAL = ("allOf", "anyOf", "oneOf")
# Keywords that stand outside of these, and what they must be inside.
_NOT_NESTED = (
    *((key, "empty") for key in ("type", "title", "description", "x-kubernetes-list-map-keys", "x-kubernetes-validations")),
    *((key, "undefined") for key in ("additionalProperties", "externalDocs", "x-kubernetes-list-type", "x-kubernetes-map-type")),
    *((key, "false") for key in ("nullable", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource")),
    ("x-kubernetes-int-or-string", "false"),
)
# The one pattern that says types inside of anyOf: of a schema itself, or of the first that all of it must be.
_EITHER = [{"type": "integer"}, {"type": "string"}]
# What self can select of an object that stands at the root.
_ROOT = {
    "apiVersion": {"type": "string"},
    "kind": {"type": "string"},
    "metadata": {"type": "object", "properties": {"name": {"type": "string"}, "generateName": {"type": "string"}}},
}

Schema = Mapping[str, Any]


def structural(schema: Schema, path: str, *, root: bool = True, item: bool = False, lost: str = "") -> list[FieldError]:
    """What is wrong with a schema at `path`; `item`: it is that of a list's items. `lost` is the path of what stands above it and is
    compared as a whole, or whose items can't be told apart; "" for none."""
    problems = [errors.forbidden_field(f"{path}.{key}", f"{key} is not supported") for key in _FORBIDDEN if schema.get(key) is not None]
    either = schema.get("x-kubernetes-int-or-string")
    kind = schema.get("type")
    embedded = schema.get("x-kubernetes-embedded-resource")
    if not kind and not either and not embedded and not schema.get("x-kubernetes-preserve-unknown-fields"):
        where = "at the root" if root else "for specified array items" if item else "for specified object fields"
        problems.append(errors.required(f"{path}.type", f"must not be empty {where}"))
    elif kind and kind not in TYPES:
        problems.append(errors.not_supported(f"{path}.type", kind, TYPES))
    if root and kind not in (None, "object"):
        problems.append(errors.invalid_value(f"{path}.type", kind, "must be object at the root"))
    if schema.get("uniqueItems"):
        message = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        problems.append(errors.forbidden_field(f"{path}.uniqueItems", message))
    if schema.get("additionalProperties") is False:
        problems.append(errors.forbidden_field(f"{path}.additionalProperties", "additionalProperties cannot be set to false"))
    elif schema.get("properties") and isinstance(schema.get("additionalProperties"), dict):
        problems.append(errors.forbidden_field(f"{path}.additionalProperties", "additionalProperties and properties are mutual exclusive"))
    problems += _extensions(schema, path, root=root)
    if root or embedded:
        problems += _of_objects(schema, path)
    if root:
        problems += _metadata((schema.get("properties") or {}).get("metadata") or {}, f"{path}.properties[metadata]")
    problems += _lists(schema, path) + rules_of(schema, path, root=root, lost=lost)
    for where, nested in _junctors(schema, path, either=True):
        problems += nested_schema(nested, where, schema, path, either=where == f"{path}.allOf[0]")
    problems += _pattern(schema, path)
    for where, child in children(schema, path):
        is_item = child is schema.get("items")
        is_lost = schema.get("x-kubernetes-list-type") != "map" if is_item else schema.get("x-kubernetes-map-type") == "atomic"
        problems += structural(child, where, root=False, item=is_item, lost=lost or (path if is_lost else ""))
    return problems


def _pattern(schema: Schema, path: str) -> list[FieldError]:
    text = schema.get("pattern")
    wrong = syntax_error(text) if isinstance(text, str) else ""
    return [errors.invalid_value(f"{path}.pattern", text, f"must be a valid regular expression, but isn't: {wrong}")] if wrong else []


def _wrong_type(kind: str | None, path: str, message: str) -> FieldError:
    return errors.invalid_value(f"{path}.type", kind, message) if kind else errors.required(f"{path}.type", message)


def _extensions(schema: Schema, path: str, *, root: bool) -> list[FieldError]:
    """Keywords of Kubernetes' own, and what they leave to others."""
    problems = []
    kind, keeps = schema.get("type"), schema.get("x-kubernetes-preserve-unknown-fields")
    if root and schema.get("nullable"):
        problems.append(errors.forbidden_field(f"{path}.nullable", "nullable cannot be true at the root"))
    if keeps is False:
        where = f"{path}.x-kubernetes-preserve-unknown-fields"
        problems.append(errors.invalid_value(where, False, "must be true or undefined"))
    if schema.get("x-kubernetes-int-or-string"):
        message = "must be false if x-kubernetes-int-or-string is true"
        for name in ("x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"):
            if schema.get(name):
                problems.append(errors.invalid_value(f"{path}.{name}", True, message))
    elif schema.get("x-kubernetes-embedded-resource"):
        if kind != "object":
            problems.append(_wrong_type(kind, path, "must be object if x-kubernetes-embedded-resource is true"))
        if schema.get("additionalProperties") is not None:
            message = "must not be used if x-kubernetes-embedded-resource is set"
            problems.append(errors.forbidden_field(f"{path}.additionalProperties", message))
        if not keeps and not schema.get("properties"):
            message = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"
            problems.append(errors.required(f"{path}.properties", message))
    maps = schema.get("x-kubernetes-map-type")
    if maps is not None:
        if kind != "object":
            problems.append(_wrong_type(kind, path, "must be object if x-kubernetes-map-type is specified"))
        if maps not in ("atomic", "granular"):
            problems.append(errors.not_supported(f"{path}.x-kubernetes-map-type", maps, ("atomic", "granular")))
    return problems


def _of_objects(schema: Schema, path: str) -> list[FieldError]:
    """What every object has is of its own type, whatever a schema says."""
    found = schema.get("properties") or {}
    return [
        errors.invalid_value(f"{path}.properties[{name}].type", found[name].get("type") or "", f"must be {kind}")
        for name, kind in (("kind", "string"), ("apiVersion", "string"), ("metadata", "object"))
        if name in found and found[name].get("type") != kind
    ]


def children(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """The schemas right below one, with their paths as upstream writes them."""
    for name, child in (schema.get("properties") or {}).items():
        yield f"{path}.properties[{name}]", child
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield f"{path}.{key}", schema[key]


def _metadata(schema: Schema, path: str) -> list[FieldError]:
    """Objects have their metadata anyhow; a schema may say more of their names alone."""
    others = set(schema.get("properties") or ()) - {"name", "generateName"}
    if not others and not any(said for key, said in schema.items() if key not in ("type", "properties", "default")):
        return []
    message = "must not specify anything other than name and generateName, but metadata is implicitly specified"
    return [errors.forbidden_field(path, message)]


def _junctors(schema: Schema, path: str, *, either: bool) -> Iterator[tuple[str, Schema]]:
    """With their paths; `either`: where they say integer or string, that is left out."""
    for key in _LOGICAL:
        if either and key == "anyOf" and schema.get(key) == _EITHER:
            continue
        for index, nested in enumerate(schema.get(key) or ()):
            yield f"{path}.{key}[{index}]", nested
    if isinstance(schema.get("not"), dict):
        yield f"{path}.not", schema["not"]


def nested_schema(nested: Schema, path: str, outer: Schema, outer_path: str, *, either: bool = False) -> list[FieldError]:
    """What may not stand inside allOf, anyOf, oneOf and not of `outer`: these only narrow what is specified outside. `either` as `_junctors`."""
    problems = [
        errors.forbidden_field(f"{path}.{key}", f"must be {empty} to be structural") for key, empty in _NOT_NESTED if nested.get(key)
    ]
    if nested.get("default") is not None:
        problems.append(errors.forbidden_field(f"{path}.default", "must be undefined to be structural"))
    for name, child in (nested.get("properties") or {}).items():
        if name == "metadata":
            problems.append(errors.forbidden_field(f"{path}.properties[metadata]", "must not be specified in a nested context"))
        there = (outer.get("properties") or {}).get(name)
        where = f"{outer_path}.properties[{name}]"
        if there is not None:
            problems += nested_schema(child, f"{path}.properties[{name}]", there, where)
        elif not isinstance(outer.get("additionalProperties"), dict):
            problems.append(errors.required(where, f"because it is defined in {path}.properties[{name}]"))
    if isinstance(nested.get("items"), dict):
        if isinstance(outer.get("items"), dict):
            problems += nested_schema(nested["items"], f"{path}.items", outer["items"], f"{outer_path}.items")
        else:
            problems.append(errors.required(f"{outer_path}.items", f"because it is defined in {path}.items"))
    for where, deeper in _junctors(nested, path, either=either):
        problems += nested_schema(deeper, where, outer, outer_path)
    return problems


def _lists(schema: Schema, path: str) -> list[FieldError]:
    problems = []
    if schema.get("type") == "array" and not isinstance(schema.get("items"), dict):
        problems.append(errors.required(f"{path}.items", "must be specified"))
    kind, keys = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys")
    if kind not in (None, "atomic", "set", "map"):
        problems.append(errors.not_supported(f"{path}.x-kubernetes-list-type", kind, ("atomic", "map", "set")))
    if kind is not None and schema.get("type") != "array":
        problems.append(_wrong_type(schema.get("type"), path, "must be array if x-kubernetes-list-type is specified"))
    if kind == "map" and not keys:
        message = "must not be empty if x-kubernetes-list-type is map"
        problems.append(errors.required(f"{path}.x-kubernetes-list-map-keys", message))
    if keys and kind != "map":
        message = "must be map if x-kubernetes-list-map-keys is non-empty"
        where = f"{path}.x-kubernetes-list-type"
        problems.append(errors.required(where, message) if kind is None else errors.invalid_value(where, kind, message))
    items = schema.get("items") or {}
    if isinstance(items, dict) and items:
        problems += _items_of_a_set(items, f"{path}.items") if kind == "set" else []
        if kind == "map" and items.get("type") != "object":
            problems.append(
                _wrong_type(items.get("type"), f"{path}.items", "must be object if parent array's x-kubernetes-list-type is map")
            )
    if kind == "map" and isinstance(items, dict):
        problems += _keys_of_a_map(items, keys or (), path)
    return problems


def _keys_of_a_map(items: Schema, keys: Sequence[str], path: str) -> list[FieldError]:
    problems = []
    if items.get("nullable"):
        problems.append(errors.forbidden_field(f"{path}.items.nullable", "cannot be nullable when x-kubernetes-list-type is map"))
    whole = f"{path}.x-kubernetes-list-map-keys"
    for index, key in enumerate(keys):
        if key in keys[:index]:
            problems.append(errors.invalid_value(whole, keys, "must not contain duplicate entries"))
        child = (items.get("properties") or {}).get(key)
        if child is None:
            if items.get("type") == "object":
                problems.append(errors.invalid_value(whole, keys, "entries must all be names of item properties"))
            continue
        where = f"{path}.items.properties[{key}]"
        if child.get("type") in ("array", "object"):
            message = "must be a scalar type if parent array's x-kubernetes-list-type is map"
            problems.append(errors.invalid_value(f"{where}.type", items.get("type"), message))
        if child.get("nullable"):
            message = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable"
            problems.append(errors.forbidden_field(f"{where}.nullable", message))
        if "default" not in child and key not in (items.get("required") or ()):
            problems.append(
                errors.required(
                    f"{path}.items.properties[{key}].default",
                    "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
                )
            )
    return problems


def _items_of_a_set(items: Schema, path: str) -> list[FieldError]:
    """Only what is compared as a whole can be in a set."""
    problems = []
    if items.get("nullable"):
        problems.append(errors.forbidden_field(f"{path}.nullable", "cannot be nullable when x-kubernetes-list-type is set"))
    for kind, name in (("object", "x-kubernetes-map-type"), ("array", "x-kubernetes-list-type")):
        allowed = ("atomic",) if kind == "object" else (None, "atomic")
        if items.get("type") == kind and items.get(name) not in allowed:
            message = "must be atomic as item of a list with x-kubernetes-list-type=set"
            where = f"{path}.{name}"
            problems.append(
                errors.required(where, message) if items.get(name) is None else errors.invalid_value(where, items[name], message)
            )
    return problems


def rules_of(schema: Schema, path: str, *, root: bool, lost: str = "") -> list[FieldError]:
    """x-kubernetes-validations of one schema."""
    problems = []
    for index, rule in enumerate(schema.get("x-kubernetes-validations") or ()):
        where = f"{path}.x-kubernetes-validations[{index}]"
        text = rule.get("rule") or ""
        if not text.strip():
            problems.append(errors.required(f"{where}.rule", "rule is not specified"))
            continue
        problems += _compiled(f"{where}.rule", text, schema, root=root, wants="boolean")
        if rule.get("messageExpression"):
            problems += _compiled(f"{where}.messageExpression", rule["messageExpression"], schema, root=root, wants="string")
        if rule.get("message") and "\n" in rule["message"]:
            problems.append(errors.invalid_value(f"{where}.message", rule["message"], "message must not contain line breaks"))
        elif "\n" in text.strip() and not rule.get("message"):
            problems.append(errors.required(f"{where}.message", "message must be specified if rule contains line breaks"))
        elif rule.get("message") == "":
            problems.append(errors.invalid_value(f"{where}.message", "", "message must be non-empty if specified"))
        if rule.get("reason") not in (None, *RULE_REASONS):
            problems.append(errors.not_supported(f"{where}.reason", rule["reason"], RULE_REASONS))
        problems += _field_path(rule.get("fieldPath") or "", schema, f"{where}.fieldPath")
        looks_back = _looks_back(text)
        if rule.get("optionalOldSelf") is not None and not looks_back:
            message = "may not be set if oldSelf is not used in rule"
            problems.append(errors.invalid_value(f"{where}.optionalOldSelf", rule["optionalOldSelf"], message))
        elif looks_back and lost and not rule.get("optionalOldSelf"):
            message = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {lost}"
            problems.append(errors.invalid_value(f"{where}.rule", text, message))
    return problems


_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\['([^']+)'\]")


def _field_path(text: str, schema: Schema, where: str) -> list[FieldError]:
    """Where a rule says its failure is: a field of what the rule stands on."""
    if not text:
        return []
    part: Any = schema
    at = 0
    for match in _STEP.finditer(text):
        name = match[1] or match[2]
        child = (part.get("properties") or {}).get(name) if match.start() == at else None
        more = part.get("additionalProperties")
        if child is None and not (isinstance(more, dict) and match.start() == at):
            break
        part, at = child if child is not None else more, match.end()
    if at == len(text):
        return []
    return [errors.invalid_value(where, text, "fieldPath must be a valid path: does not refer to a valid field")]


def _looks_back(text: str) -> bool:
    try:
        return uses_old(text)
    except cel.CelError:
        return False


def _compiled(path: str, text: str, schema: Schema, *, root: bool, wants: str) -> list[FieldError]:
    own = with_root(schema) if root or schema.get("x-kubernetes-embedded-resource") else schema
    try:
        program = cel.compile(text, ("self", "oldSelf"))
        kind, cost = checking.check(text, program.tree, {"self": own, "oldSelf": own})
    except cel.CelError as error:
        return [errors.invalid_value(path, text, f"compilation failed: {error}")]
    if kind is not None and kind.get("type") not in (None, wants) and not kind.get("x-kubernetes-int-or-string"):
        said = "must evaluate to a bool" if wants == "boolean" else "must evaluate to a string"
        return [errors.invalid_value(path, text, said)]
    if cost > checking.COST:
        over = cost / checking.COST
        factor = f"{over:.1f}x" if over < 100 else "more than 100x"
        message = (
            f"estimated rule cost exceeds budget by factor of {factor} (try simplifying the rule, or adding maxItems, maxProperties, and "
            "maxLength where arrays, maps, and strings are declared)"
        )
        return [errors.forbidden_field(path, message)]
    return []


def with_root(schema: Schema) -> dict[str, Any]:
    """A schema of a whole object with what every object has."""
    return {**schema, "properties": {**(schema.get("properties") or {}), **_ROOT}}


def uses_old(text: str) -> bool:
    """Whether a rule is about a change: it looks at oldSelf."""
    return "oldSelf" in text and _names_old(syntax.parse(text))


def _names_old(node: Any) -> bool:
    if isinstance(node, syntax.Name):
        return node.name == "oldSelf"
    if isinstance(node, tuple):
        return any(map(_names_old, node))
    return any(_names_old(getattr(node, slot)) for slot in getattr(node, "__slots__", ()))
