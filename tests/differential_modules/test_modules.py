"""Proves that modules answer as ansible-core's own do: every result of playbooks that call them in all their ways, the recap, every file.

What ansible-core answers is recorded beside the playbooks (`python -m tests.differential_modules.record NAME` records it anew).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.differential.comparison import differences, run_ours
from tests.differential.test_playbooks import INVENTORY, arguments_of
from tests.differential_modules.record import PLAYBOOKS, new_root, privately, recorded

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to other users")


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=[path.stem for path in PLAYBOOKS])
def test_modules_answer_the_same(playbook: Path) -> None:
    root = new_root()
    try:
        ours = run_ours(playbook, INVENTORY, root, arguments_of(playbook), privately(playbook, root))
    finally:
        shutil.rmtree(root.parent)
    found = differences(ours, recorded(playbook))
    assert not found, "\n".join(found) + f"\n\nours said:\n{ours.output[-1500:]}"
