"""Proves that a connection plugin of somebody's own is refused before anything runs, and only where a play would need it."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.engine.errors import RunError
from tests.unit.engine.fakes import play, tasks

FILES = {"connection_plugins/mine.py": "", "collections/ansible_collections/acme/tools/plugins/connection/far.py": ""}
INVENTORY = "all:\n  hosts:\n    h1: {}\n    h2: {ansible_connection: NAME}\n"


@pytest.mark.parametrize("name", ["mine", "acme.tools.far"])
def test_what_needs_a_plugin_is_refused(tmp_path: Path, name: str) -> None:
    needs = rf"the connection plugin '{name}' \(.*\), which cannot run here \(hosts are reached by ssh, local, buildah, chroot, .*\)"
    inventory = INVENTORY.replace("NAME", name)
    with pytest.raises(RunError, match=f"host h2 needs {needs}"):
        play(tmp_path, tasks("- ping:\n"), files=FILES, inventory=inventory)
    with pytest.raises(RunError, match=f"the play needs {needs}"):
        play(tmp_path, tasks("- ping:\n", connection=name), files=FILES)
    assert play(tmp_path, tasks("- ping:\n", hosts="h1"), files=FILES, inventory=inventory).stats() == {"ok": 1}
    assert play(tmp_path, tasks("- ping:\n", connection="ssh"), files=FILES).stats() == {"ok": 1}
