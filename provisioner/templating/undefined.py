"""The value of names that are not set: chains through attributes, and complains only when it is used."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

import jinja2
from jinja2.runtime import StrictUndefined
from jinja2.utils import missing

MANDATORY = "Mandatory variable has not been overridden"
"""What is told of `undef()` that was given no hint."""


class Undefined(StrictUndefined):
    """As Jinja's strict one, but `a.b.c | default(1)` works when `a` is not set."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key: Any) -> Any:
        return self

    # Lists and mappings write their items so: text made of one complains, too.
    __repr__ = StrictUndefined.__str__

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint or self._undefined_obj is missing:
            return super()._undefined_message
        obj = self._undefined_obj
        if type(obj).__name__ == "HostVars":
            return f"hostvars[{self._undefined_name!r}]"
        plain = ((str, "str"), (dict, "dict"), (list, "list"))
        kind = next((name for cls, name in plain if isinstance(obj, cls)), type(obj).__name__)
        kind = "dict" if kind == "Visible" else kind  # what `vars` is
        return f"object of type '{kind}' has no attribute {self._undefined_name!r}"


def undefined_name(value: jinja2.Undefined) -> str | None:
    """The variable's name when the undefined thing is a variable rather than an attribute."""
    return value._undefined_name if value._undefined_obj is missing else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=2, cutoff=0.7)
    return f". Did you mean {' or '.join(map(repr, close))}?" if close else ""
