"""Values that templates treat specially: unsafe strings, resolved values and the omit marker."""

from __future__ import annotations

from typing import Any, Final, TypeVar, cast

T = TypeVar("T")


class Unsafe(str):
    """A string that is never taken for a template, wherever it travels."""

    __slots__ = ()


class Vaulted(str):
    """Text that was encrypted where it was written (`!vault`); decrypted, and never taken for a template."""

    __slots__ = ("envelope",)
    envelope: str

    @classmethod
    def opened(cls, text: str, envelope: str) -> Vaulted:
        """Of an envelope and what was found inside."""
        made = cls(text)
        made.envelope = envelope
        return made


class Sealed(str):
    """An envelope (`!vault`) that the secrets at hand do not open: harmless until somebody uses the variable."""

    __slots__ = ("reason",)
    reason: str

    @classmethod
    def because(cls, envelope: str, reason: str) -> Sealed:
        made = cls(envelope)
        made.reason = reason
        return made

    @property
    def envelope(self) -> str:
        return str(self)


class Resolved:
    """A variable's value that is final: facts, registered results and `set_fact` values are data, not templates."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"Resolved({self.value!r})"


class Omit:
    """The value of `omit`: a parameter that renders to it is left out."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "omit"

    def __str__(self) -> str:
        return "__omit_place_holder__"


OMIT: Final = Omit()


HEADER: Final = "#jinja2:"
"""How a first line begins that holds settings of Jinja, in a file as in a value."""


def is_template(value: Any) -> bool:
    """Whether a value is a string that holds Jinja, or says by its first line how it does, and may be rendered."""
    if not isinstance(value, str) or type(value) is Unsafe or type(value) is Vaulted:
        return False
    return "{{" in value or "{%" in value or "{#" in value or value[:8] == HEADER or type(value) is Sealed


def is_whole_template(value: Any) -> bool:
    """Whether a text begins and ends with Jinja."""
    return is_template(value) and value.lstrip().startswith(("{{", "{%", "{#")) and value.rstrip().endswith(("}}", "%}", "#}"))


def final(value: T) -> T:
    """The same value, of which nothing is taken for a template by whoever gets it."""
    return cast(T, _final(value))


def _final(value: Any) -> Any:
    if isinstance(value, str):
        return Unsafe(value) if type(value) is not Sealed and is_template(value) else value
    if isinstance(value, dict):
        return {key: _final(item) for key, item in value.items()}
    return type(value)(map(_final, value)) if type(value) in (list, tuple) else value
