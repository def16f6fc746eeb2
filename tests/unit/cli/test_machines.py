"""`provision machines` works for any inventory with machines, also one that is no cluster."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from provisioner.cli.machines import command

INVENTORY = """all:
  vars:
    machines: {provider: nspawn, network: 10.79.3.0/24}
  children:
    masters: {hosts: {}}
    web: {hosts: {web-1: {}, web-2: {}}}
"""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list"], None),
        (["destroy", "--yes"], "destroyed nothing: no host was there"),
        (["console", "web-2"], "web-2 has printed nothing since it was started"),
    ],
)
def test_no_master_is_needed(arguments: list[str], said: str | None, tmp_path: Path) -> None:
    path = tmp_path / "hosts.yaml"
    path.write_text(INVENTORY)
    done = CliRunner().invoke(command, [arguments[0], str(path), *arguments[1:]], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    if said is not None:
        assert said in done.output
    else:
        assert [line.split()[0] for line in done.output.splitlines()] == ["web-1", "web-2"]
        assert done.output.count("absent") == 2
