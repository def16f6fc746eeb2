"""Proves that a result of assert is shown unless it is asked to be quiet, and what it says to what is neither."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.engine.events import HostDone
from tests.unit.engine.fakes import play, tasks

CASES: list[tuple[str, bool, str]] = [
    ("that: 1 == 1", True, "All assertions passed"),
    ("that: 1 == 1, quiet: false", True, "All assertions passed"),
    ("that: 1 == 1, quiet: 'yes'", False, "All assertions passed"),
    ("that: 1 == 2, quiet: '{{ true }}'", False, "Assertion failed"),
    (
        "that: 1 == 1, quiet: maybe",
        False,
        "argument 'quiet' is of type str and we were unable to convert to bool: The value 'maybe' is not a valid",
    ),
]


@pytest.mark.parametrize(("arguments", "shown", "message"), CASES, ids=[case[0] for case in CASES])
def test_results_are_shown_unless_quiet(tmp_path: Path, arguments: str, shown: bool, message: str) -> None:
    events: list[Any] = play(tmp_path, tasks(f"- assert: {{{arguments}}}")).events
    done = next(event for event in events if isinstance(event, HostDone))
    assert bool(done.result.get("_ansible_verbose_always")) is shown
    assert done.result["msg"].startswith(message)
