"""Proves that the tree keeps its own rules: sizes, banned calls (with what to use instead), docstrings and mirrored tests."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 70

BANNED = [
    # (pattern, folder it holds in, what to use instead)
    (r"\btime\.time\(\)", "provisioner/kube", "provisioner.kube.client.clock"),
    (r"\basyncio\.(create_task|ensure_future)\(", "provisioner/kube", "provisioner.kube.client.tasks.spawn"),
    (r"\basyncio\.(Priority|Lifo)?Queue\(\)", "provisioner", "a bounded queue: give it maxsize"),
    (r"shell=True", "provisioner", "an argument list"),
    (
        r"\byaml\.(load|unsafe_load|full_load)\(",
        "provisioner",
        "yaml.load with a safe C loader behind inventory's or templating's own reader, or yaml.safe_load",
    ),
]
# Where a banned call is the implementation of its own replacement.
HOMES = {
    "provisioner/kube/client/clock.py",
    "provisioner/kube/client/tasks.py",
}


def sources() -> list[Path]:
    return [p for p in sorted((ROOT / "provisioner").rglob("*.py")) if "_generated" not in p.parts]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", sources(), ids=relative)
def test_file_is_one_thing(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= MAX_FILE_LINES, f"over {MAX_FILE_LINES} lines: two things want to be apart"
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= MAX_FUNCTION_LINES, f"{node.name} has {length} lines"
    if path.name != "__main__.py":
        assert ast.get_docstring(tree) or not tree.body, "a module says what its one job is"


@pytest.mark.parametrize(("pattern", "folder", "instead"), BANNED, ids=[b[0] for b in BANNED])
def test_banned_calls(pattern: str, folder: str, instead: str) -> None:
    found = [
        f"{relative(path)}:{number}"
        for path in sources()
        if relative(path).startswith(folder) and relative(path) not in HOMES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(pattern, line.split("#")[0])
    ]
    assert not found, f"use {instead} instead: {', '.join(found)}"


def test_no_vague_names() -> None:
    vague = {"util", "utils", "helpers", "helper", "common", "misc", "manager", "base"}
    ours = [p for p in sources() if "shim" not in p.parts]  # the shim has the names that Ansible's modules import
    assert not [relative(p) for p in ours if p.stem in vague], "a module is named for its one job"
