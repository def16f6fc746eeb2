"""Proves that playbooks do the same under our engine as under ansible-core: every result, the recap, the exit code, every file.

A playbook may begin with comments that say how it is run: `# arguments: --check --diff`, `# inventory: a path beside it`. What the engine words in its own way on purpose
is in KNOWN, with the reason.
"""

from __future__ import annotations

import shlex
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.differential.comparison import HERE, Observed, differences, run_ours, run_reference

PLAYBOOKS = sorted([*(HERE / "playbooks").glob("*.yml"), HERE / "playbooks" / "precedence" / "site.yml"])
INVENTORY = HERE / "inventory" / "hosts.yml"
KNOWN: dict[str, str] = {}
"""A playbook's name with a line of its differences -> why that is so."""


def arguments_of(playbook: Path) -> list[str]:
    for line in playbook.read_text().splitlines():
        if line.startswith("# arguments:"):
            return shlex.split(line.removeprefix("# arguments:").replace("HERE", str(HERE)))
    return []


def inventory_of(playbook: Path) -> Path:
    for line in playbook.read_text().splitlines():
        if line.startswith("# inventory:"):
            return playbook.parent / line.removeprefix("# inventory:").strip()
    return INVENTORY


@pytest.fixture(scope="session")
def reference_runs(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> dict[Path, Future[Observed]]:
    """Ansible's runs go on beside ours: they take most of the time."""
    chosen = {item.callspec.params.get("playbook") for item in request.session.items if hasattr(item, "callspec")}
    pool = ThreadPoolExecutor(2, thread_name_prefix="reference")
    request.addfinalizer(lambda: pool.shutdown(cancel_futures=True))
    runs = {}
    for playbook in PLAYBOOKS:
        if playbook in chosen:
            root = tmp_path_factory.mktemp(f"theirs-{playbook.stem}") / "root"
            root.mkdir()
            runs[playbook] = pool.submit(run_reference, playbook, inventory_of(playbook), root, arguments_of(playbook))
    return runs


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=[path.stem for path in PLAYBOOKS])
def test_a_playbook_does_the_same(playbook: Path, tmp_path: Path, reference_runs: dict[Path, Future[Observed]]) -> None:
    root = tmp_path / "root"
    root.mkdir()
    ours = run_ours(playbook, inventory_of(playbook), root, arguments_of(playbook))
    theirs = reference_runs[playbook].result()
    assert theirs.stats or theirs.exit_code, f"the reference did not run:\n{theirs.output}"
    found = differences(ours, theirs)
    assert not found, "\n".join(found) + f"\n\nours said:\n{ours.output[-1500:]}"
