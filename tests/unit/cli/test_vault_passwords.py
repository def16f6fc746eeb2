"""Proves where vaults' passwords come from, and what is said where there is none."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from provisioner.cli.vault_passwords import named_sources, read_password, vault_secrets


def program(path: Path, body: str) -> Path:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_files_and_programs(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("secret\n")
    assert read_password(tmp_path / "plain") == b"secret"
    assert read_password(program(tmp_path / "tells", 'echo "$# $0"')) == f"0 {tmp_path}/tells".encode()
    # It finds what lies beside the name that it was called by.
    (tmp_path / "link").symlink_to(tmp_path / "tells")
    assert read_password(tmp_path / "link") == f"0 {tmp_path}/link".encode()


@pytest.mark.parametrize("name", ["my-client", "my-client.sh"])
def test_a_client_is_told_the_id(tmp_path: Path, name: str) -> None:
    found = vault_secrets((program(tmp_path / name, 'echo "$1=$2"'),), (f"dev@{tmp_path / name}",), ask_vault_pass=False)
    assert found is not None and found.by_id == {"default": b"--vault-id=default", "dev": b"--vault-id=dev"}


def test_labels(tmp_path: Path) -> None:
    for name in ("a", "b@c"):
        (tmp_path / name).write_text(name)
    found = vault_secrets((tmp_path / "a", tmp_path / "b@c"), (f"dev@{tmp_path}/b@c",), ask_vault_pass=False)
    assert found is not None and found.by_id == {"default": b"a", f"{tmp_path}/b@c": b"b@c", "dev": b"b@c"}
    assert vault_secrets((), (), ask_vault_pass=False) is None


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("gone", None, "was not found"),
        ("my-client", "exit 2", "did not find a secret for vault-id=dev"),
        ("my-client", "exit 1", "returned non-zero (1)"),
        ("tells", "exit 2", "returned non-zero (2)"),
        ("tells", "echo", "is empty"),
        (".", None, "can not be a directory"),
    ],
)
def test_what_gives_no_password(tmp_path: Path, name: str, body: str | None, said: str) -> None:
    if body is not None:
        program(tmp_path / name, body)
    with pytest.raises(click.ClickException) as refused:
        vault_secrets((), (f"dev@{tmp_path / name}",), ask_vault_pass=False)
    assert said in refused.value.message


def test_one_of_several_may_be_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a").write_text("secret")
    found = vault_secrets((tmp_path / "a",), (f"dev@{tmp_path}/gone",), ask_vault_pass=False)
    assert found is not None and found.by_id == {"default": b"secret"}
    assert f"Error getting vault password file (dev): The password file {tmp_path}/gone was not found" in capsys.readouterr().err


def test_a_file_that_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "odd").write_text("secret")
    (tmp_path / "odd").chmod(0o755)
    with pytest.raises(click.ClickException, match="remove the executable bit"):
        read_password(tmp_path / "odd")


def test_settings_name_what_the_command_line_does_not() -> None:
    settings = {"DEFAULT_VAULT_PASSWORD_FILE": "/f", "DEFAULT_VAULT_IDENTITY_LIST": ["a@b"], "DEFAULT_ASK_VAULT_PASS": True}
    assert named_sources((), (), False, settings) == ((Path("/f"),), ("a@b",), True)
    assert named_sources((), ("x@y",), False, settings) == ((), ("x@y",), False)
    assert named_sources((), (), False, {}) == ((), (), False)


@pytest.mark.parametrize(
    ("ids", "ask", "prompt"),
    [((), True, "Vault password: "), (("dev@prompt",), False, "Vault password (dev): ")],
    ids=["asked", "of an id"],
)
def test_a_password_is_asked_for_by_its_id(
    ids: tuple[str, ...], ask: bool, prompt: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def typed(text: str) -> str:
        asked.append(text)
        return "typed"

    monkeypatch.setattr(click.termui, "hidden_prompt_func", typed)
    found = vault_secrets((), ids, ask_vault_pass=ask)
    assert found is not None and list(found.by_id.values()) == [b"typed"]
    assert (capsys.readouterr().err + "".join(asked)).startswith(prompt.strip())
