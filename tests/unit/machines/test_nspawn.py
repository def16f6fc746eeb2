"""What lab hosts want of this computer's kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.machines.nspawn import INSTANCES, allow_instances


@pytest.mark.parametrize(("before", "after"), [("128\n", str(INSTANCES)), (f"{INSTANCES * 2}\n", f"{INSTANCES * 2}\n")])
def test_inotify_instances_are_raised_and_never_lowered(before: str, after: str, tmp_path: Path) -> None:
    setting = tmp_path / "max_user_instances"
    setting.write_text(before)
    allow_instances(setting)
    assert setting.read_text() == after
