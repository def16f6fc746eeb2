"""What is wrong with an inventory, and where.

InventoryError
    holds every Problem found in one reading
  SealedError
      the file is a vault, and no secret opens it
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake in one place; `hint` says what to do about it."""

    file: str
    line: int
    """1-based; 0 when the place is the file as a whole."""
    column: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = self.file
        if self.line:
            place += f":{self.line}:{self.column}"
        text = f"{place}: {self.message}" if place else self.message
        return f"{text} ({self.hint})" if self.hint else text


class InventoryError(Exception):
    """The inventory cannot be used; `problems` lists everything to mend, in file order."""

    def __init__(self, problems: tuple[Problem, ...] | list[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SealedError(InventoryError):
    pass
