"""Proves that what a run warns of is told once, and to all who listen."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

from provisioner.engine.events import Event, Warned
from provisioner.engine.reserved_names import ReservedNames
from provisioner.engine.run_context import Run
from provisioner.inventory.errors import Problem


def run(told: list[Event]) -> tuple[Run, Any, list[Problem]]:
    """A run of which only what warnings need is there, its inventory's files, and what was judged of them."""
    files: Any = SimpleNamespace(duplicates=[])
    judged: list[Problem] = []
    content: Any = SimpleNamespace(judge_duplicates=judged.extend, warnings=[])
    inventory: Any = SimpleNamespace(files=(files,), playbook_files=())
    variables: Any = SimpleNamespace(reserved=ReservedNames())
    nothing: Any = None
    made = Run(
        inventory, nothing, variables, nothing, content, nothing, nothing, callbacks=[told.append, told.append], lock=threading.RLock()
    )
    return made, files, judged


def test_a_warning_is_told_once_to_everybody() -> None:
    told: list[Event] = []
    made, _, _ = run(told)
    made.warn("a")
    made.warn("a")
    made.warn("b")
    assert told == [Warned("a")] * 2 + [Warned("b")] * 2


def test_what_files_of_variables_have_twice_is_judged_once() -> None:
    told: list[Event] = []
    made, files, judged = run(told)
    files.duplicates = [Problem("f", 1, 1, "twice")]
    made.variables.reserved.look(["tags"])
    made.content.warnings.append("said")
    made.warn_of_content()
    made.warn_of_content()
    assert judged == [Problem("f", 1, 1, "twice")]
    assert told == [Warned("said")] * 2 + [Warned("Found variable using reserved name 'tags'.")] * 2
