"""Proves that nothing is removed where nobody can be asked and nobody said --yes."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from provisioner.cli.destroy import command

ROOT = Path(__file__).resolve().parents[3]


def test_without_a_terminal_it_wants_to_be_told(tmp_path: Path) -> None:
    inventory = tmp_path / "inventory.yaml"
    inventory.write_text((ROOT / "inventories" / "single.yaml").read_text())
    ended = CliRunner().invoke(command, [str(inventory)])
    assert ended.exit_code == 2
    assert "nobody can be asked whether cluster" in ended.output and "say --yes" in ended.output
    assert [path.name for path in tmp_path.iterdir()] == ["inventory.yaml"]
