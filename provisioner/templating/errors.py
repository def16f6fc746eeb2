"""What can go wrong in a template.

TemplateError
    UndefinedVariable     a variable that is not set was used
    PluginError           a filter, test or lookup refused its input
"""

from __future__ import annotations


class TemplateError(Exception):
    """A template that cannot be rendered: `message` says why, `template` and `line` say where inside it."""

    def __init__(self, message: str, *, template: str = "", line: int | None = None) -> None:
        self.message = message
        self.template = template
        self.line = line
        super().__init__(message)

    def __str__(self) -> str:
        if not self.template:
            return self.message
        where = f"{self.template}:{self.line}" if self.line else self.template
        return f"{where}: {self.message}"


class UndefinedVariable(TemplateError):
    """An undefined variable or attribute was used."""


class PluginError(TemplateError):
    """A filter, test or lookup was given something it cannot work with."""
