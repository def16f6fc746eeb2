"""Proves what a pause shows: how long it takes, what is asked, and that nothing is echoed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.engine.events import Said
from tests.unit.engine.fakes import play, tasks

KEYS = "(ctrl+C then 'C' = continue early, ctrl+C then 'A' = abort)\r"
TIMED: list[tuple[str, str]] = [
    ("{seconds: 0}", "Pausing for 1 seconds"),
    ("{seconds: 1, prompt: look, echo: false}", f"Pausing for 1 seconds (output is hidden)\n{KEYS}"),
]


@pytest.mark.parametrize(("arguments", "text"), TIMED, ids=[text for _, text in TIMED])
def test_how_long_it_takes_is_shown(tmp_path: Path, arguments: str, text: str) -> None:
    events = play(tmp_path, tasks(f"- {{name: rest, pause: {arguments}, timeout: 0.01, ignore_errors: true}}")).events
    assert [event.text for event in events if isinstance(event, Said)] == [text]


def test_what_is_asked_names_the_task(tmp_path: Path) -> None:
    asked: list[tuple[str, bool]] = []

    def prompt(text: str, private: bool) -> str:
        asked.append((text, private))
        return "yes"

    done: Any = play(tmp_path, tasks("- pause: {prompt: go?, echo: false}\n- {name: rest, pause: }"), prompt=prompt)
    assert asked == [("[pause]\ngo? (output is hidden)", True), ("[rest]\nPress enter to continue, Ctrl+C to interrupt", False)]
    assert [result["user_input"] for result in done.results("pause")] == ["yes"]


def test_a_pause_is_over_when_its_task_is(tmp_path: Path) -> None:
    done = play(tmp_path, tasks("- pause: {seconds: 30}\n  timeout: 0.01\n  ignore_errors: true", hosts="h1"))
    [result] = done.results("pause")
    assert (result["msg"], result["timedout"]["period"]) == ("Task failed: Timed out after 0.01 second(s).", 0.01)


@pytest.mark.parametrize(
    ("answers", "done"), [(["x", "C"], "ok"), (["a"], "failed"), ([KeyboardInterrupt], "failed"), ([EOFError], "failed")]
)
def test_who_interrupts_a_pause_is_asked_whether_it_goes_on(tmp_path: Path, answers: list[Any], done: str) -> None:
    given = iter([KeyboardInterrupt, *answers])

    def prompt(text: str, private: bool) -> str:
        answer = next(given)
        if not isinstance(answer, str):
            raise answer
        return answer

    played = play(tmp_path, tasks("- {name: rest, pause: }"), prompt=prompt)
    assert played.done() == [f"rest={done}"] and next(given, None) is None
    assert done == "ok" or played.results("rest")[0]["msg"] == "Task failed: user requested abort!"
