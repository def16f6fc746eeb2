"""Values that templates treat specially: unsafe strings, resolved values and the omit marker."""

from __future__ import annotations

from typing import Any, Final


class Unsafe(str):
    """A string that is never taken for a template, wherever it travels."""

    __slots__ = ()


class Vaulted(str):
    """Text that was encrypted where it was written (`!vault`); decrypted, and never taken for a template."""

    __slots__ = ()


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


def is_template(value: Any) -> bool:
    """Whether a value is a string that holds Jinja and may be rendered."""
    return isinstance(value, str) and ("{{" in value or "{%" in value or "{#" in value) and not isinstance(value, Unsafe)
