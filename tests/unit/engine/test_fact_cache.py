"""Proves that facts survive a run, are forgotten when old or asked to, and that damaged files are no obstacle."""

from __future__ import annotations

import os
import time
from pathlib import Path

from provisioner.engine.fact_cache import FactCache


def test_what_is_stored_is_loaded(tmp_path: Path) -> None:
    cache = FactCache(tmp_path / "facts")
    cache.store("web/1", {"ansible_system": "Linux"})
    assert cache.load("web/1") == {"ansible_system": "Linux"}
    assert [path.name for path in (tmp_path / "facts").iterdir()] == ["web_1"]
    cache.forget("web/1")
    assert cache.load("web/1") == {}


def test_old_and_damaged_files_count_as_absent(tmp_path: Path) -> None:
    cache = FactCache(tmp_path, timeout_s=60)
    cache.store("old", {"a": 1})
    long_ago = time.time() - 120
    os.utime(tmp_path / "old", (long_ago, long_ago))
    (tmp_path / "broken").write_text("{")
    assert (cache.load("old"), cache.load("broken"), cache.load("absent")) == ({}, {}, {})
    assert FactCache(tmp_path, timeout_s=0).load("old") == {"a": 1}
