"""Proves that a failure says what failed, where its task stands, and shows the lines there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.cli.error_blocks import error_block, excerpt, warning_block
from provisioner.engine.events import Warned
from provisioner.inventory.documents import Location


def test_the_task_is_shown_with_the_lines_above(tmp_path: Path) -> None:
    file = tmp_path / "play.yml"
    file.write_text("- hosts: a\n  tasks:\n\n  - name: t\n    apt: {}\n")
    text = error_block("apt", {"msg": "no"}, Location(str(file), 4, 5))
    assert text.splitlines() == [
        "[ERROR]: Task failed: Module failed: no",
        f"Origin: {file}:4:5",
        "",
        "2   tasks:",
        "3",
        "4   - name: t",
        "      ^ column 5",
        "",
    ]


def test_what_to_do_about_a_condition_that_is_no_boolean_is_said() -> None:
    text = error_block("ping", {"msg": "Task failed: ... Conditionals must have a boolean result."}, Location("/nowhere", 1, 1))
    assert "allow_broken_conditionals = true" in text.splitlines()[3]


@pytest.mark.parametrize(
    ("action", "result", "first"),
    [
        ("fail", {"msg": "boo"}, "[ERROR]: Task failed: Action failed: boo"),
        ("debug", {"msg": "Task failed: 'x' is undefined"}, "[ERROR]: Task failed: 'x' is undefined"),
        ("ping", {"msg": "gone", "unreachable": True}, "[ERROR]: Task failed: gone"),
        ("file", {"msg": "Not done.", "exception": "[Errno 2] x"}, "[ERROR]: Task failed: Module failed: Not done: [Errno 2] x"),
        ("file", {"msg": "Not done.", "exception": "Traceback\n  x"}, "[ERROR]: Task failed: Module failed: Not done."),
        ("apt", {"censored": "x", "msg": "secret"}, ""),
        ("include_tasks", {"reason": "gone"}, "[ERROR]: Task failed: Action failed: gone"),
        (
            "debug",
            {"msg": "The `loop` value must resolve to a 'list', not 'str'."},
            "[ERROR]: The `loop` value must resolve to a 'list', not 'str'.",
        ),
        ("command", {"failed_when_result": True}, "[ERROR]: Task failed: Action failed."),
    ],
)
def test_what_failed_is_named(action: str, result: dict[str, Any], first: str) -> None:
    assert error_block(action, result, Location("/nowhere/play.yml", 1, 1)).split("\n")[0] == first


def test_places_that_cannot_be_shown_have_no_lines(tmp_path: Path) -> None:
    file = tmp_path / "sealed.yml"
    file.write_text("$ANSIBLE_VAULT;1.1;AES256\n6162\n")
    assert (
        excerpt(Location(str(file), 2, 1))
        == excerpt(Location(str(file), 9, 1))
        == excerpt(Location("/nowhere", 1, 1))
        == excerpt(None)
        == []
    )


def test_a_warning_shows_the_place_it_is_about(tmp_path: Path) -> None:
    file = tmp_path / "play.yml"
    file.write_text("- hosts: a\n  vars: {tags: 1}\n")
    assert warning_block(Warned("no")) == "[WARNING]: no"
    assert warning_block(Warned("no", Location(str(file), 2, 10))).splitlines() == [
        "[WARNING]: no",
        f"Origin: {file}:2:10",
        "",
        "1 - hosts: a",
        "2   vars: {tags: 1}",
        "           ^ column 10",
    ]
