"""Proves how a task with `async` and `poll` ends: with the job's own result, which may be that its time is over, or given up."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from provisioner.engine.attributes import Attributes
from provisioner.engine.background import in_background
from provisioner.engine.errors import TaskError
from provisioner.engine.sessions import ModuleCall

STARTED = {"started": True, "finished": False, "ansible_job_id": "j1", "changed": True}
RUNS = {"started": True, "finished": False, "ansible_job_id": "j1", "results_file": "/j1", "stdout": "", "stderr": ""}
OUT_OF_TIME = {**RUNS, "finished": True, "failed": True, "msg": "Timeout exceeded", "child_pid": 7}
DONE = {**RUNS, "finished": True, "rc": 0, "changed": True}


def ran(answers: list[dict[str, Any]], limit_s: float, poll_s: float | None, **settings: Any) -> tuple[Any, list[str]]:
    """The result or the error, and what the host was asked; the last answer is repeated."""
    return told(answers, limit_s, poll_s, **settings)[:2]


def told(
    answers: list[dict[str, Any]], limit_s: float, poll_s: float | None, no_log: bool = False, **settings: Any
) -> tuple[Any, list[str], list[Any]]:
    """As `ran`, with the events that it made."""
    task = SimpleNamespace(async_s=limit_s, poll=poll_s, title="t", attributes=Attributes({"no_log": no_log}))
    events: list[Any] = []
    call: Any = SimpleNamespace(
        task=task,
        state=SimpleNamespace(name="h1"),
        templar=SimpleNamespace(render=lambda value: value),
        session=None,
        become=None,
        run=SimpleNamespace(stop=threading.Event(), options=SimpleNamespace(settings=settings), emit=events.append),
    )
    attempt = in_background(call, ModuleCall("command", {"cmd": "x"}))
    asked: list[str] = []
    answer: Any = None
    while True:
        try:
            exchange: Any = attempt.send(answer)
        except StopIteration as end:
            return end.value, asked, events
        except TaskError as error:
            return error.result, asked, events
        asked.append(str(exchange.call.args.get("mode", exchange.call.module)))
        answer = answers.pop(0) if len(answers) > 1 else answers[0]


CASES: list[tuple[list[dict[str, Any]], float, float, dict[str, Any], list[str]]] = [
    ([STARTED, RUNS, DONE], 5, 0.001, DONE, ["async_wrapper", "status", "status", "cleanup"]),
    ([STARTED, OUT_OF_TIME], 5, 0.001, OUT_OF_TIME, ["async_wrapper", "status", "cleanup"]),
    ([STARTED], 5, 0, STARTED, ["async_wrapper"]),
    ([{"failed": True, "msg": "no"}], 5, 1, {"failed": True, "msg": "no", "changed": False}, ["async_wrapper"]),
]


@pytest.mark.parametrize(("answers", "limit_s", "poll_s", "result", "asked"), CASES)
def test_the_jobs_own_result(
    answers: list[dict[str, Any]], limit_s: float, poll_s: float, result: dict[str, Any], asked: list[str]
) -> None:
    assert ran(list(answers), limit_s, poll_s) == (result, asked)


def test_a_task_that_does_not_say_how_often_is_looked_at_as_the_settings_say() -> None:
    assert ran([STARTED], 5, None, DEFAULT_POLL_INTERVAL=0) == (STARTED, ["async_wrapper"])


def test_a_host_that_never_says_that_the_time_is_over() -> None:
    result, asked = ran([STARTED, RUNS], 0.01, 0.004)
    assert result == {
        "failed": True,
        "msg": "async task did not complete within the requested time - 0s",
        "async_result": {**RUNS, "stdout_lines": [], "stderr_lines": []},
    }
    assert asked[0] == "async_wrapper" and "cleanup" not in asked


@pytest.mark.parametrize(
    ("answers", "limit_s", "states"),
    [
        ([STARTED, RUNS, RUNS, DONE], 5, ["poll", "poll", "ok"]),
        ([STARTED, {**DONE, "rc": 3, "failed": True}], 5, ["failed"]),
        ([STARTED, RUNS], 0.002, ["failed"]),
    ],
)
def test_what_becomes_of_the_job_is_told(answers: list[dict[str, Any]], limit_s: float, states: list[str]) -> None:
    events = told(list(answers), limit_s, 0.001)[2]
    assert [event.state for event in events if event.state != "poll" or limit_s > 1] == states
    assert {(event.host, event.job) for event in events} == {("h1", "j1")}


def test_a_hidden_tasks_job_tells_its_id_alone() -> None:
    assert told([STARTED, DONE], 5, 0.001, no_log=True)[2][-1].result == {"ansible_job_id": "j1"}
