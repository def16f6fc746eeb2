"""Proves how results are written as JSON and YAML, and what settings choose."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from provisioner.cli.output_style import OutputStyle, log_line

VALUES = {"b": "x: y", "a": ["1", True, None, {"c": 1.5, "d": []}], "yes": "yes"}


@pytest.mark.parametrize(
    ("style", "wide", "result", "text"),
    [
        (OutputStyle(), False, {"b": 1, "a": "é"}, '{"a": "é", "b": 1}'),
        (OutputStyle(), True, {"a": 1}, '{\n    "a": 1\n}'),
        (OutputStyle(pretty=True), False, {"a": 1}, '{\n    "a": 1\n}'),
        (OutputStyle(pretty=False), True, {"a": 1}, '{"a": 1}'),
        (
            OutputStyle("yaml"),
            False,
            VALUES,
            "\n    a:\n    - '1'\n    - true\n    - null\n    -   c: 1.5\n        d: []\n    b: 'x: y'\n    'yes': 'yes'",
        ),
        (OutputStyle("yaml"), False, {"msg": "one \n\ttwo\x07\n\n"}, "\n    msg: |-\n        one\n                two"),
        (OutputStyle("yaml"), False, {"stdout": "", "stdout_lines": []}, "\n    stdout: ''\n    stdout_lines: <omitted>"),
        (
            OutputStyle("yaml", headed=True),
            False,
            {"changed": True, "msg": "a\nb", "l": [1], "stdout": "", "stdout_lines": []},
            "changed=true \n  l:\n  - 1\n  msg: |-\n    a\n    b\n  stdout: ''\n  stdout_lines: <omitted>",
        ),
        (OutputStyle("yaml", headed=True), False, {"changed": False, "skipped": True}, "changed=false skipped=true"),
        (OutputStyle("yaml", headed=True), False, {"msg": "long words " * 30}, f"\n  msg: '{'long words ' * 30}'"),
        (OutputStyle("yaml", pretty=False), False, {"stdout": "", "stdout_lines": []}, "\n    stdout: ''\n    stdout_lines: []"),
        (OutputStyle("yaml", pretty=False), False, {"msg": "a\nb\n"}, "\n    msg: |\n      a\n      b"),
    ],
)
def test_dump(style: OutputStyle, wide: bool, result: dict[str, Any], text: str) -> None:
    assert style.dump(result, wide=wide) == text


@pytest.mark.parametrize(
    ("settings", "style"),
    [
        ({}, OutputStyle()),
        ({"DEFAULT_STDOUT_CALLBACK": "community.general.yaml"}, OutputStyle("yaml", headed=True)),
        ({"CALLBACK_RESULT_FORMAT": "yaml", "CALLBACK_FORMAT_PRETTY": False}, OutputStyle("yaml", pretty=False)),
        ({"DISPLAY_SKIPPED_HOSTS": False, "DISPLAY_OK_HOSTS": False}, OutputStyle(skipped_hosts=False, ok_hosts=False)),
        ({"CALLBACKS_ENABLED": ["ansible.posix.timer", "profile_tasks"]}, OutputStyle(callbacks=("timer", "profile_tasks"))),
        ({"DEFAULT_LOG_PATH": "/var/log/a", "SHOW_CUSTOM_STATS": True}, OutputStyle(log=Path("/var/log/a"), custom_stats=True)),
    ],
)
def test_settings(settings: dict[str, Any], style: OutputStyle) -> None:
    assert OutputStyle.of(settings) == style
    assert style.hides is (not style.skipped_hosts)


def test_lines_of_a_log_say_whose_they_are() -> None:
    line = log_line("TASK [a]")
    assert line.endswith(" n=ansible INFO| TASK [a]\n") and " p=" in line and line[4] == "-"


@pytest.mark.parametrize(
    ("settings", "environment", "coloured"),
    [
        ({}, {}, False),
        ({"ANSIBLE_FORCE_COLOR": True}, {}, True),
        ({"ANSIBLE_FORCE_COLOR": True}, {"NO_COLOR": "1"}, True),
        ({"ANSIBLE_NOCOLOR": True}, {}, False),
    ],
)
def test_colour(settings: dict[str, Any], environment: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal has colours unless somebody wants none; a pipe has them only where they are forced."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    style = OutputStyle.of(settings)
    assert style.is_coloured(io.StringIO()) is coloured
    assert style.is_coloured(_Terminal()) is ("ANSIBLE_NOCOLOR" not in settings)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True
