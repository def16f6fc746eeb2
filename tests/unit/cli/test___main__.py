"""Known errors become one message and an exit code; help is quick and complete."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from provisioner.cli.__main__ import COMMANDS, main


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for name in COMMANDS:
        assert f"\n  {name} " in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    assert "Usage: provision" in capsys.readouterr().out


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from provisioner.cli.__main__ import main; main(['--help']); print(sorted({'paramiko', 'rich', 'cryptography'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"


def test_mistyped_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stauts"]) == 2
    assert "status" in capsys.readouterr().err


def test_inventory_problems_come_together_and_leave_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "inventory.yaml"
    path.write_text(
        "all:\n  vars:\n    cluster: {nam: x, service_cidr: 10.96.0.0/99}\n  children:\n    masters: {hosts: {m: }}\n    workers: {hosts: {m: }}\n"
    )
    assert main(["up", str(path)]) == 2
    said = capsys.readouterr().err
    assert "2 problems in the inventory" in said
    assert "did you mean 'name'?" in said
    assert f"{path}:3:" in said
    assert list(tmp_path.iterdir()) == [path]


def test_kubeconfig_before_the_cluster_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "inventory.yaml"
    path.write_text("all:\n  children:\n    masters: {hosts: {m: {ansible_host: 192.0.2.1}}}\n    workers: {hosts: {m: }}\n")
    assert main(["kubeconfig", str(path)]) == 1
    assert "make the cluster first: provision up" in capsys.readouterr().err
