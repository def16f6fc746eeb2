"""Proves that old sources of the agent go, and that what another controller may still use stays."""

from __future__ import annotations

import os
import time
from pathlib import Path

from provisioner.agent import cache


def made(base: Path, name: str, age_s: float) -> Path:
    folder = base / name
    folder.mkdir()
    (folder / "source.py").touch()
    then = time.time() - age_s
    os.utime(folder, (then, then))
    return folder


def test_the_newest_few_stay_beside_our_own(tmp_path: Path) -> None:
    own = made(tmp_path, "agent-own", 10_000)
    others = [made(tmp_path, f"agent-{n}", age_s=n * 100) for n in range(6)]
    cache.prune(str(own))
    assert own.is_dir()
    assert [path.is_dir() for path in others] == [True] * (cache.KEPT - 1) + [False] * (6 - cache.KEPT + 1)


def test_an_unpacking_that_was_cut_off_goes_one_that_runs_stays(tmp_path: Path) -> None:
    own = made(tmp_path, "agent-own", 0)
    dead, alive = made(tmp_path, "new-dead", cache.STALE_S + 60), made(tmp_path, "new-alive", 5)
    other = made(tmp_path, "something else", 1e6)
    cache.prune(str(own))
    assert (dead.exists(), alive.exists(), other.exists()) == (False, True, True)
