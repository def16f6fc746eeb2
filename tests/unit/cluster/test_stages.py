"""Stages are told at start and end, timed, and shown in the lock."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioner.cluster.events import Bus, Event
from provisioner.cluster.lock import Lock
from provisioner.cluster.stages import Stages


def test_good_and_bad_stages(tmp_path: Path) -> None:
    told: list[Event] = []
    with Lock(tmp_path / "lock", "up") as lock:
        stages = Stages(Bus([told.append]), lock)
        with stages.stage("machines"):
            assert json.loads((tmp_path / "lock").read_text())["step"] == "machines"
        with pytest.raises(ValueError, match="no"), stages.stage("apply"):
            raise ValueError("no")
    assert list(stages.seconds) == ["machines", "apply"]
    assert [(e.kind, e.text, e.data.get("ok")) for e in told] == [
        ("stage_start", "machines", None),
        ("stage_end", "machines", True),
        ("stage_start", "apply", None),
        ("stage_end", "apply", False),
    ]
