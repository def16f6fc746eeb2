"""Proves expect: questions and answers on a terminal, lists of answers, echo, time limits, exit codes, and what is skipped."""

from __future__ import annotations

import time
from typing import Any

import pytest

ASK = 'sh -c \'printf "name? "; read a; printf "more? "; read b; echo got $a $b; exit ${RC:-0}\''


def test_answers(call: Any) -> None:
    made = call("expect", {"command": ASK, "responses": {"name": "bob", "more": "eve"}})
    assert (made["stdout"], made["rc"], made["changed"], made["cmd"]) == ("name? more? got bob eve", 0, True, ASK)
    assert {"start", "end", "delta"} <= made.keys()
    listed = call("expect", {"command": ASK, "responses": {r"(?i)NAME|more\?": ["one", 2]}})
    assert listed["stdout"] == "name? more? got one 2"
    echoed = call("expect", {"command": ASK, "responses": {"name": "bob", "more": "eve"}, "echo": True})
    assert echoed["stdout"] == "name? bob\r\nmore? eve\r\ngot bob eve"


def test_a_terminal_of_its_own(call: Any) -> None:
    made = call(
        "expect", {"command": "sh -c 'stty size; test -t 0 && test -t 2 && tty </dev/tty | cut -c1-8'", "responses": {}, "chdir": "/"}
    )
    assert made["stdout"] == "24 80\r\n/dev/tty"


def test_too_few_answers(call: Any) -> None:
    made = call("expect", {"command": ASK, "responses": {r"\?": ["one"]}})
    assert made["msg"].startswith("No remaining responses for '\\?', output was")


def test_time_limit(call: Any) -> None:
    started = time.monotonic()
    made = call("expect", {"command": "sleep 60", "responses": {"never": "x"}, "timeout": 1})
    assert (made["failed"], made["rc"], made["msg"]) == (True, None, "command exceeded timeout")
    assert time.monotonic() - started < 10
    assert call("expect", {"command": "sh -c 'sleep 0.1; echo done'", "responses": {}, "_forever": True})["stdout"] == "done"


def test_exit_codes(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RC", "3")
    made = call("expect", {"command": ASK, "responses": {r"\?": "x"}})
    assert (made["failed"], made["rc"], made["msg"], made["stdout"]) == (True, 3, "non-zero return code", "name? more? got x x")


SKIPPED = [({"creates": "/etc"}, "skipped, since /etc exists"), ({"removes": "/none"}, "skipped, since /none does not exist")]


@pytest.mark.parametrize(("args", "text"), SKIPPED)
def test_what_need_not_run(call: Any, args: dict[str, Any], text: str) -> None:
    made = call("expect", {"command": "false", "responses": {}, **args})
    assert (made["stdout"], made["rc"], made["changed"]) == (text, 0, False)


WRONG = [
    ({"command": "x"}, "missing required arguments: responses"),
    ({"command": " ", "responses": {}}, "no command given"),
    ({"command": "no-such-program", "responses": {}}, "The command was not found or was not executable: no-such-program."),
    ({"command": "x", "responses": {"(": "a"}}, "the question '(' is no regular expression: missing ), unterminated subpattern at position 0"),
    ({"command": "x", "responses": {}, "timeout": "a"}, "argument 'timeout' is of type <class 'str'> and we were unable to convert to int: \"'a'\" cannot be converted to an int"),
]  # fmt: skip


@pytest.mark.parametrize(("args", "msg"), WRONG)
def test_wrong_arguments(call: Any, args: dict[str, Any], msg: str) -> None:
    made = call("expect", args)
    assert (made["failed"], made["msg"]) == (True, msg)


def test_check_mode(call: Any) -> None:
    made = call("expect", {"command": "false", "responses": {}}, check=True)
    assert (made["skipped"], made["msg"]) == (True, "remote module (expect) does not support check mode")
