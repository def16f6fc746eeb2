"""Proves when the task debugger stops, what a person sees and changes there, and how a task that is done again is counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from provisioner.engine.errors import PlaybookError, RunInterrupted
from provisioner.engine.task_debugger import Answer, Stopped
from tests.unit.engine.fakes import play, tasks

FAILS = "- {name: breaks, command: fail}"
WORKS = "- {name: works, command: echo 1}"
SKIPS = "- {name: skips, command: echo 1, when: false}"


class Person:
    """Continues always, or does what it is told at each stop."""

    def __init__(self, *acts: Callable[[Stopped], Answer]) -> None:
        self.stops: list[str] = []
        self._acts = list(acts)

    def __call__(self, stopped: Stopped) -> Answer:
        self.stops.append(f"{stopped.host} {stopped.task}")
        return self._acts.pop(0)(stopped) if self._acts else Answer.CONTINUE


@pytest.mark.parametrize(
    ("keyword", "task", "stops"),
    [
        ("always", WORKS, 1),
        ("always", SKIPS, 1),
        ("never", FAILS, 0),
        ("on_failed", FAILS, 1),
        ("on_failed", WORKS, 0),
        ("on_failed", "- {name: breaks, command: fail, ignore_errors: true}", 0),
        ("on_failed", "- {name: breaks, command: echo 1, failed_when: true}", 1),
        ("on_skipped", SKIPS, 1),
        ("on_skipped", FAILS, 0),
        ("on_unreachable", FAILS, 0),
        ("{{ 'on_' ~ 'failed' }}", FAILS, 1),
        (None, FAILS, 0),
    ],
)
def test_the_keyword_says_when_it_stops(tmp_path: Path, keyword: str | None, task: str, stops: int) -> None:
    person = Person()
    keys: dict[str, Any] = {"debugger": keyword} if keyword else {}
    play(tmp_path, tasks(task, **keys), debugger=person)
    assert len(person.stops) == stops


def test_a_host_that_does_not_answer_stops_it(tmp_path: Path) -> None:
    person = Person()
    play(tmp_path, tasks("- {name: far, ping: , debugger: on_unreachable}"), down=["h1"], debugger=person)
    assert person.stops == ["h1 TASK: far"]


@pytest.mark.parametrize(
    ("keys", "settings"),
    [({"strategy": "debug"}, {}), ({}, {"ENABLE_TASK_DEBUGGER": True}), ({}, {"DEFAULT_STRATEGY": "debug"})],
)
def test_without_the_keyword_a_strategy_or_a_setting_stops_at_failures(
    tmp_path: Path, keys: dict[str, Any], settings: dict[str, Any]
) -> None:
    person = Person()
    text = f"{WORKS}\n- {{name: quiet, command: fail, debugger: never, ignore_errors: true}}\n{FAILS}"
    play(tmp_path, tasks(text, **keys), settings=settings, debugger=person)
    assert person.stops == ["h1 TASK: breaks"]


def test_an_ignored_failure_stops_it_where_the_settings_say_so(tmp_path: Path) -> None:
    person = Person()
    text = "- {name: breaks, command: fail, ignore_errors: true, debugger: on_failed}"
    play(tmp_path, tasks(text), settings={"TASK_DEBUGGER_IGNORE_ERRORS": False}, debugger=person)
    assert len(person.stops) == 1


def test_a_task_with_other_arguments_is_done_again_and_counted_once(tmp_path: Path) -> None:
    def change(stopped: Stopped) -> Answer:
        stopped.task.args["_raw_params"] = "echo mended"
        return Answer.REDO

    played = play(
        tmp_path,
        tasks("- {name: breaks, command: fail, register: r, debugger: on_failed}\n- debug: {msg: '{{ r.stdout }}'}"),
        debugger=Person(change),
    )
    assert played.stats() == {"ok": 2, "changed": 1}
    assert played.messages() == ["mended"]


def test_each_host_has_its_own_changes(tmp_path: Path) -> None:
    def change(stopped: Stopped) -> Answer:
        stopped.task.args["_raw_params"] = f"echo {stopped.host}"
        return Answer.REDO

    played = play(tmp_path, tasks(FAILS, debugger="on_failed"), inventory="h1,h2,", debugger=Person(change, change))
    assert [played.results("breaks", host)[-1]["stdout"] for host in ("h1", "h2")] == ["h1", "h2"]


def test_variables_hold_for_the_task_that_is_done_again_alone(tmp_path: Path) -> None:
    def change(stopped: Stopped) -> Answer:
        assert stopped.task_vars["other"] == 1
        stopped.task_vars["unset"] = "now"
        return Answer.REDO

    text = (
        "- {name: a, command: 'echo {{ unset }}', debugger: on_failed, vars: {other: 1}}\n- debug: {msg: \"{{ unset | default('gone') }}\"}"
    )
    played = play(tmp_path, tasks(text), debugger=Person(change))
    assert played.results("a")[-1]["stdout"] == "now"
    assert played.messages() == ["gone"]


def test_a_task_made_anew_has_its_arguments_rendered(tmp_path: Path) -> None:
    def change(stopped: Stopped) -> Answer:
        stopped.task.args["_raw_params"] = "lost"
        stopped.task_vars["unset"] = "now"
        stopped.task.update(stopped.task_vars)
        assert stopped.task.args == {"_raw_params": "echo now"}
        return Answer.CONTINUE

    person = Person(change)
    play(tmp_path, tasks("- {name: a, command: 'echo {{ unset }}', debugger: on_failed}"), debugger=person)
    assert person.stops


def test_keywords_are_read_and_set(tmp_path: Path) -> None:
    def change(stopped: Stopped) -> Answer:
        task = stopped.task
        assert (task.name, task.action, task.when, task.loop, task.register, task.ignore_errors) == (
            "a",
            "command",
            ["yes_"],
            None,
            "r",
            None,
        )
        assert stopped.result.is_failed() and not stopped.result.is_skipped() and stopped.result._result["rc"] == 1
        task.ignore_errors, task.vars, task.tags, task.until = True, {"x": 2}, ["t"], []
        task.failed_when, task.environment, task.loop = ["x == 2"], [{"A": "b"}], [1]
        assert (task.vars, task.tags, task.failed_when, task.environment, task.loop) == ({"x": 2}, ["t"], ["x == 2"], [{"A": "b"}], [1])
        with pytest.raises(AttributeError, match="no 'colour'"):
            task.colour = "red"
        with pytest.raises(AttributeError, match="no 'colour'"):
            _ = task.colour
        return Answer.REDO

    played = play(
        tmp_path,
        tasks("- {name: a, command: fail, when: yes_, register: r, debugger: on_failed}", vars={"yes_": True}),
        debugger=Person(change),
    )
    assert played.stats() == {"ok": 1, "changed": 1, "ignored": 1}


@pytest.mark.parametrize("strategy", ["linear", "free"])
def test_quitting_ends_the_run(tmp_path: Path, strategy: str) -> None:
    with pytest.raises(RunInterrupted):
        play(tmp_path, tasks(FAILS, debugger="on_failed", strategy=strategy), debugger=Person(lambda stopped: Answer.QUIT))


def test_nobody_is_asked_where_there_is_no_prompt(tmp_path: Path) -> None:
    assert play(tmp_path, tasks(FAILS, debugger="on_failed")).stats() == {"failed": 1}


def test_a_wrong_value_is_told_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError, match="'debugger' of a task must be one of always, never"):
        play(tmp_path, tasks("- {command: fail, debugger: sometimes}"))


@pytest.mark.parametrize(
    ("answers", "strategy", "ran"),
    [
        (["y", "n", "YES"], "linear", ["a", "c"]),
        (["continue"], "linear", ["a", "b", "c"]),
        (["", "x", "c"], "linear", ["c"]),
        (["y", "n", "y"], "free", ["a", "c"]),
    ],
)
def test_step_asks_before_each_task(tmp_path: Path, answers: list[str], strategy: str, ran: list[str]) -> None:
    asked: list[tuple[str, str | None]] = []

    def step(task: str, host: str | None) -> str:
        asked.append((task, host))
        return answers.pop(0)

    text = "\n".join(f"- {{name: {name}, command: echo 1}}" for name in "abc")
    played = play(tmp_path, tasks(text, strategy=strategy), step=step)
    assert played.done() == [f"{name}=changed" for name in ran]
    assert asked[0] == ("TASK: a", "h1" if strategy == "free" else None)


def test_step_without_an_answer_ends_the_run(tmp_path: Path) -> None:
    def step(task: str, host: str | None) -> str:
        raise EOFError

    with pytest.raises(RunInterrupted, match="nobody is there to answer"):
        play(tmp_path, tasks(WORKS), step=step)
