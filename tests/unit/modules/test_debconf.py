"""Proves debconf with programs of the test's own: what is set and how, what is so already, check mode, its messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.module_calls import Call


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "shown").write_text("* foo/str: old\n  foo/bool: true\n  foo/multi: a, b\n  foo/pass: (password omitted)\n")
    for name, text in (
        ("debconf-show", 'cat "$(dirname "$0")/shown"'),
        ("debconf-get-selections", "printf 'foo\\tfoo/pass\\tpassword\\tsecret\\n'"),
        ("debconf-set-selections", 'here=$(dirname "$0"); { echo "$@"; cat; } >"$here/set"'),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


@pytest.mark.parametrize(
    ("question", "vtype", "value", "line"),
    [
        ("foo/str", "string", "new one", "foo foo/str string new one"),
        ("foo/str", "string", "old", None),
        ("foo/bool", "boolean", True, None),
        ("foo/bool", "boolean", "TRUE", None),
        ("foo/bool", "boolean", "yes", "foo foo/bool boolean yes"),  # debconf keeps the word
        ("foo/bool", "boolean", "False", "foo foo/bool boolean false"),
        ("foo/multi", "multiselect", ["b", "a"], None),
        ("foo/multi", "multiselect", ["c", "b"], "foo foo/multi multiselect b, c"),
        ("foo/first", "multiselect", ["c", "b"], "foo foo/first multiselect c, b"),
        ("foo/multi", "multiselect", "a, b", None),
        ("foo/multi", "multiselect", "b, a", "foo foo/multi multiselect b, a"),  # a text's order is what debconf is told
        ("foo/pass", "password", "secret", None),
        ("foo/pass", "password", "other", "foo foo/pass password other"),
        ("foo/new", "string", 12, "foo foo/new string 12"),
    ],
)
def test_answers(call: Call, programs: Path, question: str, vtype: str, value: Any, line: str | None) -> None:
    args = {"name": "foo", "question": question, "vtype": vtype, "value": value}
    assert call("debconf", args, check=True)["changed"] is (line is not None) and not (programs / "set").exists()
    result = call("debconf", {**args, "unseen": True}, diff=True)
    assert result["changed"] is (line is not None)
    if line is not None:
        assert (programs / "set").read_text() == f"-u\n{line}"
        shown = "********" if vtype == "password" else line.split(" ", 3)[3]
        assert result["diff"]["after"][question] == shown and question in result["previous"]


def test_without_a_question_all_are_told(call: Call) -> None:
    told = call("debconf", {"name": "foo"})
    assert (told["changed"], told["current"]["foo/str"]) == (False, "old")


def test_messages(call: Call) -> None:
    assert call("debconf", {"name": "foo", "question": "q"})["msg"] == "parameters are required together: question, vtype, value"
    wrong = call("debconf", {"name": "foo", "question": "q", "vtype": "string", "value": ["a"]})
    assert wrong["msg"] == "Invalid value provided: a list is no answer to a question of type string"


def test_what_debconf_refuses_is_told_in_its_words(call: Call, programs: Path) -> None:
    (programs / "debconf-set-selections").write_text("#!/bin/sh\necho 'error: Cannot find a question for q' >&2; exit 1\n")
    result = call("debconf", {"name": "foo", "question": "q", "vtype": "seen", "value": "true"})
    assert (result["failed"], result["msg"], "rc" in result) == (True, "error: Cannot find a question for q\n", False)
