"""Proves that the debugger's prompt takes Ansible's commands from what is typed, survives what is wrong, and quits where nobody types."""

from __future__ import annotations

import io
from typing import Any

import pytest

from provisioner.cli.task_debugger import ask
from provisioner.engine.attributes import Attributes
from provisioner.engine.playbook import Task
from provisioner.engine.results import Status
from provisioner.engine.task_debugger import Answer, DebuggedResult, DebuggedTask, Stopped


def stopped() -> Stopped:
    task = DebuggedTask(Task("command", {"_raw_params": "echo {{ x }}"}, Attributes(), name="a"), "a", handler=False)
    return Stopped("h1", task, DebuggedResult("h1", task, {"rc": 1}, Status.FAILED), {"x": 1})


@pytest.mark.parametrize(
    ("typed", "answer", "printed"),
    [
        ("r", Answer.REDO, ""),
        ("redo", Answer.REDO, ""),
        ("c", Answer.CONTINUE, ""),
        ("continue", Answer.CONTINUE, ""),
        ("q", Answer.QUIT, "User interrupted execution"),
        ("quit", Answer.QUIT, "User interrupted execution"),
        ("", Answer.QUIT, "User interrupted execution"),
        ("p task\nc", Answer.CONTINUE, "> TASK: a\n"),
        ("p host\nc", Answer.CONTINUE, "> h1\n"),
        ("pprint task.args\nc", Answer.CONTINUE, "> {'_raw_params': 'echo {{ x }}'}\n"),
        ("p result._result\nc", Answer.CONTINUE, "> {'rc': 1}\n"),
        ("task_vars['x'] = 2\nu\np task.args\nc", Answer.CONTINUE, "> {'_raw_params': 'echo 2'}\n"),
        ("task.args['_raw_params'] = 'b'\np task.args\nr", Answer.REDO, "> {'_raw_params': 'b'}\n"),
        ("del(task.args['_raw_params'])\np task.args\nr", Answer.REDO, "> {}\n"),
        ("task.when = ['false']\np task.when\nr", Answer.REDO, "> ['false']\n"),
        ("p nothing\nc", Answer.CONTINUE, "***NameError:NameError(\"name 'nothing' is not defined\")"),
        ("what is\nc", Answer.CONTINUE, "***SyntaxError:"),
        ("task_vars.clear()\nupdate_task\nc", Answer.CONTINUE, "***UndefinedVariable:"),
        ("\n\nc", Answer.CONTINUE, "[h1] TASK: a (debug)> "),
        ("help redo\nc", Answer.CONTINUE, "Run the task again"),
    ],
)
def test_what_is_typed(
    typed: str, answer: Answer, printed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed + "\n" if typed else ""))
    assert ask(stopped()) is answer
    assert printed in capsys.readouterr().out


@pytest.mark.parametrize("stdin", [None, "closed"])
def test_without_stdin_the_run_ends(stdin: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr("sys.stdin", None if stdin is None else closed)
    assert ask(stopped()) is Answer.QUIT
    assert "User interrupted execution" in capsys.readouterr().out


def test_control_c_ends_the_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(prompt: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", interrupted)
    assert ask(stopped()) is Answer.QUIT
    assert capsys.readouterr().out == "\n"
