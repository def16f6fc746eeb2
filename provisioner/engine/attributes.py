"""Keywords that plays, roles and blocks hand down to their tasks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Handed down as they are; a task's own value replaces what it inherits.
REPLACED = (
    "any_errors_fatal",
    "become",
    "become_exe",
    "become_flags",
    "become_method",
    "become_user",
    "check_mode",
    "connection",
    "debugger",
    "delegate_facts",
    "delegate_to",
    "diff",
    "ignore_errors",
    "ignore_unreachable",
    "no_log",
    "notify",
    "port",
    "remote_user",
    "run_once",
    "throttle",
    "timeout",
)
KEYWORDS = frozenset((*REPLACED, "collections", "environment", "module_defaults", "name", "tags", "vars", "when"))


@dataclass(frozen=True)
class Attributes:
    """What a task inherits, as written; templates in it are rendered for each host."""

    values: Mapping[str, Any] = field(default_factory=dict)
    """The REPLACED keywords that were set somewhere."""
    tags: frozenset[str] = frozenset()
    when: tuple[Any, ...] = ()
    """All must hold, outermost first."""
    vars: Mapping[str, Any] = field(default_factory=dict)
    environment: tuple[Any, ...] = ()
    """Mappings or templates of mappings, outermost first."""
    module_defaults: tuple[Mapping[str, Any], ...] = ()
    collections: tuple[str, ...] = ()
    """Where short names of modules and roles are looked for, first one first."""

    def derive(self, raw: Mapping[str, Any], *, with_vars: bool = True) -> Attributes:
        """These attributes overlaid with a mapping's keywords."""
        own = {key: raw[key] for key in REPLACED if key in raw and raw[key] is not None}
        changes: dict[str, Any] = {}
        if own:
            changes["values"] = {**self.values, **own}
        if raw.get("tags"):
            changes["tags"] = self.tags | tag_set(raw["tags"])
        if raw.get("when") is not None:
            changes["when"] = self.when + as_tuple(raw["when"])
        if with_vars and raw.get("vars"):
            changes["vars"] = {**self.vars, **raw["vars"]} if self.vars else raw["vars"]
        if raw.get("environment"):
            changes["environment"] = self.environment + as_tuple(raw["environment"])
        if raw.get("collections"):
            changes["collections"] = (*map(str, as_tuple(raw["collections"])), *self.collections)
        if raw.get("module_defaults"):
            changes["module_defaults"] = self.module_defaults + tuple(as_tuple(raw["module_defaults"]))
        return dataclasses.replace(self, **changes) if changes else self

    def get(self, name: str) -> Any:
        return self.values.get(name)


def as_tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def tag_set(value: Any) -> frozenset[str]:
    """A text is split at its commas, items of a list are tags as they are."""
    items = value if isinstance(value, list | tuple) else str(value).split(",")
    return frozenset(str(tag).strip() for tag in items if str(tag).strip())
