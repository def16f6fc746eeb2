"""Files go in and come out of the vault, and are private while they are there."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from provisioner.cli.vault import command


@pytest.fixture
def password(tmp_path: Path) -> list[str]:
    (tmp_path / "password").write_text("secret\n")
    return ["--vault-password-file", str(tmp_path / "password")]


def run(*words: str) -> str:
    result = CliRunner().invoke(command, list(words))
    assert result.exit_code == 0, result.output
    return result.output


def test_round_trip(tmp_path: Path, password: list[str]) -> None:
    path = tmp_path / "vars.yaml"
    path.write_text("a: 1\n")
    run("encrypt", str(path), *password)
    assert path.read_text().startswith("$ANSIBLE_VAULT;1.1;AES256\n")
    assert path.stat().st_mode & 0o777 == 0o600
    assert run("view", str(path), *password) == "a: 1\n"
    run("decrypt", str(path), *password)
    assert path.read_text() == "a: 1\n"


def test_string_is_a_yaml_value(password: list[str]) -> None:
    text = run("encrypt_string", "hello", "--name", "greeting", *password)

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!vault", lambda loader, node: str(node.value))
    assert yaml.load(text, Loader)["greeting"].startswith("$ANSIBLE_VAULT")  # noqa: S506 - a safe loader with one more tag


def test_mistakes_name_the_file(tmp_path: Path, password: list[str]) -> None:
    plain = tmp_path / "plain"
    plain.write_text("x")
    result = CliRunner().invoke(command, ["view", str(plain), *password])
    assert result.exit_code == 1
    assert f"{plain}: not a vault envelope" in result.output
