"""x-kubernetes-validations: rules in CEL on the parts of a custom object, and on how they may change. Pure.

A rule that looks at oldSelf is asked only where there was an old value: in lists, only of items that keys tell apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from provisioner.kube.api import cel, errors
from provisioner.kube.api.cel.functions import parse_duration, parse_timestamp
from provisioner.kube.api.cel.values import NOTHING, Exceeded, Optional
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation.schemas import uses_old
from provisioner.kube.apiserver.custom.schema import identity, same

# Upstream's budget for all rules of one object.
STEPS = 10_000_000
_NAMES = frozenset(("self", "oldSelf"))
_looks_back = lru_cache(maxsize=2048)(uses_old)

Schema = Mapping[str, Any]


@dataclass(slots=True)
class _Run:
    budget: cel.Budget = field(default_factory=lambda: cel.Budget(STEPS))
    found: list[FieldError] = field(default_factory=list)


def has_rules(schema: Schema) -> bool:
    """Whether there is a rule anywhere in a schema."""
    if schema.get("x-kubernetes-validations"):
        return True
    below = [*(schema.get("properties") or {}).values(), schema.get("items"), schema.get("additionalProperties")]
    return any(has_rules(child) for child in below if isinstance(child, dict))


def broken(value: Any, old: Any, schema: Schema) -> list[FieldError]:
    """The rules that an object breaks. `old` is None for a new one."""
    run = _Run()
    try:
        _walk(value, old, schema, "", run)
    except Exceeded:
        message = "validation failed due to running out of cost budget, no further validation rules will be run"
        run.found.append(errors.invalid_value("", "object", message))
    return run.found


def _walk(value: Any, old: Any, schema: Schema, path: str, run: _Run) -> None:
    if value is None:
        return
    if schema.get("x-kubernetes-validations"):
        _ask(value, old, schema, path, run)
    if isinstance(value, dict):
        properties, more = schema.get("properties") or {}, schema.get("additionalProperties")
        before = old if isinstance(old, dict) else {}
        for key, item in value.items():
            child = properties.get(key, more)
            if isinstance(child, dict):
                _walk(
                    item, before.get(key), child, f"{path}.{key}" if path and key in properties else f"{path}[{key}]" if path else key, run
                )
    elif isinstance(value, list):
        items = schema.get("items")
        if isinstance(items, dict):
            keys = schema.get("x-kubernetes-list-map-keys") or ()
            known = {identity(item, keys): item for item in old} if keys and isinstance(old, list) else {}
            for index, item in enumerate(value):
                _walk(item, known.get(identity(item, keys)) if keys else None, items, f"{path}[{index}]", run)


def _ask(value: Any, old: Any, schema: Schema, path: str, run: _Run) -> None:
    values: dict[str, Any] = {"self": typed(value, schema), "oldSelf": typed(old, schema)}
    # Ratcheting: what has not changed is not judged by rules that may be newer than it is.
    is_borne = old is not None and same(value, old)
    for rule in schema["x-kubernetes-validations"]:
        text = rule["rule"]
        asked = dict(values)
        if rule.get("optionalOldSelf"):
            asked["oldSelf"] = Optional(values["oldSelf"]) if old is not None else NOTHING
        elif _looks_back(text):
            if old is None:
                continue
        elif is_borne:
            continue
        wrong = _failure(text, rule, asked, run)
        if wrong is not None:
            run.found.append(_error(wrong, rule, schema, path))


def _failure(text: str, rule: Mapping[str, Any], values: dict[str, Any], run: _Run) -> str | None:
    """What to say of a rule that does not hold, None if it does."""
    allowed = min(1_000_000, run.budget.left)
    own = cel.Budget(allowed)
    try:
        holds = cel.compile(text, _NAMES).run(values, own)
    except Exceeded:
        return f"call cost exceeds limit for rule: {text}" if run.budget.left > allowed else _spent(run)
    except cel.CelError as error:
        return (
            f"rule compile error: {error}" if str(error).startswith("ERROR") else f"{error} evaluating rule: {rule.get('message') or text}"
        )
    finally:
        run.budget.left -= allowed - max(own.left, 0)
    if holds is True:
        return None
    if rule.get("messageExpression"):
        try:
            said = cel.compile(rule["messageExpression"], _NAMES).run(values)
            if isinstance(said, str) and said.strip() and "\n" not in said:
                return said
        except cel.CelError:
            pass
    return rule.get("message") or f"failed rule: {text.strip()}"


def _spent(run: _Run) -> str:
    raise Exceeded("budget")


def _error(message: str, rule: Mapping[str, Any], schema: Schema, path: str) -> FieldError:
    where = path + (rule.get("fieldPath") or "" if path else (rule.get("fieldPath") or "").lstrip("."))
    shown = schema.get("type") or "object"
    match rule.get("reason"):
        case "FieldValueForbidden":
            return errors.forbidden_field(where or "<nil>", message)
        case "FieldValueRequired":
            return errors.required(where or "<nil>", message)
        case "FieldValueDuplicate":
            return errors.duplicate(where or "<nil>", shown)
    return errors.invalid_value(where or "<nil>", shown, message)


def typed(value: Any, schema: Schema) -> Any:
    """A value as expressions see it: times, durations and bytes by the schema's formats."""
    if isinstance(value, str):
        return _formatted(value, schema.get("format"))
    if isinstance(value, dict):
        properties, more = schema.get("properties") or {}, schema.get("additionalProperties")
        children = {key: properties.get(key, more) for key in value}
        return {key: typed(item, child) if isinstance(child := children[key], dict) else item for key, item in value.items()}
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        return [typed(item, schema["items"]) for item in value]
    if schema.get("type") == "number" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _formatted(value: str, form: str | None) -> Any:
    try:
        if form == "date-time":
            return parse_timestamp(value)
        if form == "date":
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
        if form == "duration":
            return parse_duration(value)
        if form == "byte":
            import base64

            return base64.b64decode(value)
    except (ValueError, cel.CelError):
        return value
    return value
