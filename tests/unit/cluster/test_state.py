"""State lies beside the inventory, private."""

from __future__ import annotations

from pathlib import Path

from provisioner.cluster.state import State


def test_paths_and_modes(tmp_path: Path) -> None:
    state = State.of(tmp_path / "inventories" / "lab.yaml", "lab")
    assert state.root == tmp_path / "inventories/.provision/lab"
    state.prepare()
    assert state.root.stat().st_mode & 0o777 == 0o700
    assert state.write_if_changed(state.kubeconfig, "a")
    assert not state.write_if_changed(state.kubeconfig, "a")
    assert state.kubeconfig.stat().st_mode & 0o777 == 0o600


def test_inventory_folder(tmp_path: Path) -> None:
    assert State.of(tmp_path, "x").root == tmp_path / ".provision/x"
