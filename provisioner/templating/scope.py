"""The variables that a template sees: rendered when first asked for, each once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jinja2.runtime import Undefined as JinjaUndefined

from provisioner.templating.errors import TemplateError, UndefinedVariable
from provisioner.templating.values import Resolved, is_template

_MISSING: Any = object()


class View(Mapping[str, Any]):
    """Variables, rendered when read out of it; a plain mapping of all of them where it is kept or shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(dict(self))


class Visible(View):
    """The variable `vars`: a scope without what is ours in it."""

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __getitem__(self, name: str) -> Any:
        return self._scope[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._scope if not name.startswith("__") and name not in ("omit", "vars"))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return name in self._scope


class Scope(Mapping[str, Any]):
    """A read-only view of raw variables that renders on access. `local` values (loop variables, macros) are final.

    Scopes of includes and macros see their template's own variables; what they look up of the rest is rendered by the root, so that
    a variable never depends on where it was first used.
    """

    __slots__ = ("_cache", "_pending", "_raw", "_render", "_root", "local")

    def __init__(
        self, raw: Mapping[str, Any], render: Callable[[Any, Scope], Any], local: dict[str, Any] | None = None, root: Scope | None = None
    ) -> None:
        self._raw = raw
        self._render = render
        self._root = root
        self._cache: dict[str, Any] = {}
        self._pending: set[str] = set()
        self.local = local or {}

    def child(self, local: Mapping[str, Any]) -> Scope:
        """This scope with a template's own variables over it."""
        root = self._root or self
        return Scope(self._raw, self._render, {**self.local, **local}, root)

    def apart(self) -> Scope:
        """This scope with values that a template may change without anybody else seeing it."""
        return _Apart(self._raw, self._render, dict(self.local), self._root or self)

    def __getitem__(self, name: str) -> Any:
        if name in self.local:
            return self.local[name]
        if self._root is not None:
            return self._root[name]
        value = self._cache.get(name, _MISSING)
        if value is not _MISSING:
            return value
        raw = self._raw[name]
        if type(raw) is Resolved:
            return raw.value
        if not isinstance(raw, str | list | dict | tuple):
            return raw
        if name in self._pending:
            raise TemplateError(f"Recursive loop detected in template: variable {name!r} is defined by itself: {raw!r}")
        self._pending.add(name)
        try:
            value = self._render(raw, self)
        except UndefinedVariable as e:
            raise UndefinedVariable(f"in variable {name!r} ({_short(raw)}): {e}") from e
        finally:
            self._pending.discard(name)
        self._cache[name] = value
        return value

    def __contains__(self, name: object) -> bool:
        return name in self.local or name in self._raw

    def __iter__(self) -> Iterator[str]:
        yield from self._raw
        for name in self.local:
            if name not in self._raw:
                yield name

    def __len__(self) -> int:
        return len(self._raw.keys() | self.local.keys())

    def raw(self, name: str) -> Any:
        value = self.local.get(name, _MISSING)
        return self._raw[name] if value is _MISSING else value


class _Apart(Scope):
    """Gives copies of lists and dicts, each name's the same one each time."""

    __slots__ = ()

    def child(self, local: Mapping[str, Any]) -> Scope:
        return Scope(self._raw, self._render, {**self.local, **local}, self)

    def __getitem__(self, name: str) -> Any:
        value = self._cache.get(name, _MISSING)
        if value is _MISSING:
            value = self._cache[name] = copied(super().__getitem__(name))
        return value


def copied(value: Any) -> Any:
    """Lists and dicts that may be changed without anybody else seeing it."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list) else value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."


def holds_template(value: Any) -> bool:
    """Whether anything inside a value may be rendered."""
    if isinstance(value, str):
        return is_template(value)
    if isinstance(value, dict):
        return any(holds_template(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(holds_template(item) for item in value)
    return False


def first_undefined(value: Any) -> JinjaUndefined | None:
    """The first undefined thing inside a value, if any."""
    if isinstance(value, JinjaUndefined):
        return value
    if isinstance(value, dict):
        for item in value.values():
            found = first_undefined(item)
            if found is not None:
                return found
    elif isinstance(value, list | tuple):
        for item in value:
            found = first_undefined(item)
            if found is not None:
                return found
    return None
