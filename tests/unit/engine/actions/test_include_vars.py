"""Proves which files include_vars reads, what it makes of them, and what it says of those that it cannot use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.engine.fakes import play, tasks

FILES = {
    "vars/a.yml": "a: {x: 1, y: 1}\nl: [1]\n",
    "vars/b.json": '{"a": {"y": 2}, "l": [2]}',
    "vars/sub/c.yaml": "c: 1\n",
    "vars/sub/deep/d.yml": "d: 1\n",
    "vars/note.txt": "text",
    "bad/list.yml": "- 1\n",
    "other/e.vars": "e: 1\n",
    "other/f.yml": "f: 1\n",
}
A, B = {"x": 1, "y": 1}, {"y": 2}
UNKNOWN = {"ignore_unknown_extensions": True}


@pytest.mark.parametrize(
    ("args", "files", "facts"),
    [
        ("vars/a.yml", ["vars/a.yml"], {"a": A, "l": [1]}),
        ({"file": "a.yml", "name": "it"}, ["vars/a.yml"], {"it": {"a": A, "l": [1]}}),
        ({"file": "b.json", "hash_behaviour": "merge"}, ["vars/b.json"], {"a": {"x": 0, "y": 2, "z": 0}, "l": [2]}),
        ({"file": "b.json", "hash_behaviour": "replace"}, ["vars/b.json"], {"a": B, "l": [2]}),
        (
            {"dir": "vars", **UNKNOWN},
            ["vars/a.yml", "vars/b.json", "vars/sub/c.yaml", "vars/sub/deep/d.yml"],
            {"a": B, "l": [2], "c": 1, "d": 1},
        ),
        ({"dir": "vars", "depth": 1, **UNKNOWN}, ["vars/a.yml", "vars/b.json"], {"a": B, "l": [2]}),
        ({"dir": "vars", "depth": 2, "files_matching": "^c", **UNKNOWN}, ["vars/sub/c.yaml"], {"c": 1}),
        ({"dir": "vars", "ignore_files": ["note.txt", "^[ab][.].*"]}, ["vars/sub/c.yaml", "vars/sub/deep/d.yml"], {"c": 1, "d": 1}),
        ({"dir": "vars", "ignore_files": "note.txt a.yml b.json d.yml"}, ["vars/sub/c.yaml"], {"c": 1}),
        ({"dir": "other", "extensions": ["vars", "yml"]}, ["other/e.vars", "other/f.yml"], {"e": 1, "f": 1}),
        ({"dir": "vars", "extensions": "json", **UNKNOWN}, [], {}),  # a text is a list of letters, as for Ansible
    ],
)
def test_files(tmp_path: Path, args: Any, files: list[str], facts: dict[str, Any]) -> None:
    text = tasks(f"- include_vars: {json.dumps(args)}\n", vars={"a": {"x": 0, "z": 0}, "l": [0]})
    [result] = play(tmp_path, text, files=FILES).results("include_vars")
    assert result["ansible_included_var_files"] == [str(tmp_path / name) for name in files]
    assert result["ansible_facts"] == facts and not result["failed"]


@pytest.mark.parametrize(
    ("args", "message", "read"),
    [
        ({"dir": "vars"}, "note.txt does not have a valid extension: yaml, yml, json", ["a.yml", "b.json"]),
        ({"dir": "nowhere"}, "nowhere directory does not exist", []),
        ({"dir": "vars/a.yml"}, "a.yml is not a directory", []),
        ({"dir": "bad"}, "list.yml must be stored as a dictionary/hash", []),
        ("bad/list.yml", "list.yml must be stored as a dictionary/hash", []),
        ("nowhere.yml", "Could not find or access 'nowhere.yml'", []),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, args: Any, message: str, read: list[str]) -> None:
    [result] = play(tmp_path, tasks(f"- include_vars: {json.dumps(args)}\n"), files=FILES).results("include_vars")
    assert message in result["message"] and result["msg"] == "Task failed: Action failed: Unknown error."
    assert [Path(file).name for file in result["ansible_included_var_files"]] == read


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"nope": 1}, "nope is not a valid option in include_vars"),
        ({"dir": "vars", "file": "a.yml"}, "You are mixing file only and dir only arguments, these are incompatible"),
        ({"dir": "vars", "extensions": 1}, 'Invalid type for "extensions" option, it must be a list'),
        ({"dir": "vars", "ignore_files": 1}, "'int' object is not iterable"),
        ({"dir": "vars", "ignore_files": ["("]}, "Invalid regular expression: ("),
    ],
)
def test_wrong_arguments(tmp_path: Path, args: Any, message: str) -> None:
    [result] = play(tmp_path, tasks(f"- include_vars: {json.dumps(args)}\n"), files=FILES).results("include_vars")
    assert result["msg"] == f"Task failed: {message}" and "message" not in result
