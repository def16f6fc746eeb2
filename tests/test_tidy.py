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


# -- tests and importers ----------------------------------------------------------------------------------------------

# Branches and loops from which on a module has logic of its own to prove.
LOGIC = 5
# Modules with logic that no test names yet. The list only shrinks: what is new comes with its test.
UNTESTED = ROOT / "tests" / "untested_modules.txt"
# Folders whose modules are found by their names: Ansible's for modules and actions, a command's, a kind's.
FOUND_BY_NAME = (
    "provisioner/agent/shim/",
    "provisioner/cli/",
    "provisioner/engine/actions/",
    "provisioner/kube/api/defaults/",
    "provisioner/kube/api/tables/",
    "provisioner/kube/api/validation/",
    "provisioner/modules/",
)


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_by(path: Path) -> set[str]:
    """Everything that a file imports, by dotted names; `from a import b` gives both `a` and `a.b`."""
    found: set[str] = set()
    package = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            found.add(base)
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return found


def has_logic(path: Path) -> bool:
    branches = ast.If, ast.IfExp, ast.For, ast.While, ast.Try, ast.BoolOp, ast.comprehension
    return sum(isinstance(node, branches) for node in ast.walk(ast.parse(path.read_text()))) >= LOGIC


def test_a_module_with_logic_has_a_test() -> None:
    """Its mirror, tests/unit/<same path>/test_<module>.py, or another test that imports it. What is found by name is called by name."""
    tests = sorted((ROOT / "tests").rglob("*.py"))
    named = set().union(*(imported_by(path) for path in tests))
    untested = set()
    for path in sources():
        mirror = ROOT / "tests" / "unit" / path.relative_to(ROOT / "provisioner").parent / f"test_{path.stem}.py"
        ours = path.stem not in ("__init__", "__main__") and not relative(path).startswith(FOUND_BY_NAME)
        if ours and not mirror.exists() and dotted(path) not in named and has_logic(path):
            untested.add(relative(path))
    known = set(UNTESTED.read_text().split())
    assert not untested - known, f"write tests/unit/<same path>/test_<module>.py for: {', '.join(sorted(untested - known))}"
    assert not known - untested, (
        f"they have tests now (or are gone): take them out of {UNTESTED.name}: {', '.join(sorted(known - untested))}"
    )


def test_somebody_imports_every_module() -> None:
    """By an import, by its dotted name in a text (entry points, registries), or because its folder is searched by name."""
    imported = set().union(*(imported_by(path) for path in sources()))
    texts = "\n".join([(ROOT / "pyproject.toml").read_text(), *(path.read_text() for path in sources())])
    words = set(re.findall(r'["\'](?:[\w.]+\.)?(\w+)(?::\w+)?["\']', texts)) | set(re.findall(r"from [\w.]+\.(\w+) import", texts))
    lonely = [
        relative(path)
        for path in sources()
        if path.stem not in ("__init__", "__main__")
        and not relative(path).startswith(FOUND_BY_NAME)
        and dotted(path) not in imported
        and path.stem not in words
    ]
    assert not lonely, f"nobody imports them; remove them, or say where they are found by name: {', '.join(lonely)}"
