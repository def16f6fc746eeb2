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
    assert f"not vault encrypted data. for {plain}" in result.output


@pytest.fixture
def ids(tmp_path: Path) -> list[str]:
    for name in ("dev", "prod"):
        (tmp_path / name).write_text(f"{name}'s secret")
    return [f"{name}@{tmp_path / name}" for name in ("dev", "prod")]


def test_the_id_that_encrypts_is_named_where_several_are_there(tmp_path: Path, ids: list[str]) -> None:
    path = tmp_path / "vars.yaml"
    path.write_text("a: 1\n")
    both = ["--vault-id", ids[0], "--vault-id", ids[1]]
    refused = CliRunner().invoke(command, ["encrypt", str(path), *both])
    assert refused.exit_code == 5 and "--encrypt-vault-id" in refused.output and path.read_text() == "a: 1\n"
    run("encrypt", str(path), *both, "--encrypt-vault-id", "prod")
    assert path.read_text().startswith("$ANSIBLE_VAULT;1.2;AES256;prod\n")


def test_rekey_changes_all_files_or_none(tmp_path: Path, ids: list[str]) -> None:
    paths = [str(tmp_path / name) for name in ("a", "b")]
    for path in paths:
        Path(path).write_text("x")
    run("encrypt", *paths, "--vault-id", ids[0])
    Path(paths[1]).write_text("plain")
    refused = CliRunner().invoke(command, ["rekey", *paths, "--vault-id", ids[0], "--new-vault-id", ids[1]])
    assert refused.exit_code == 1 and ";dev\n" in Path(paths[0]).read_text()
    run("rekey", paths[0], "--vault-id", ids[0], "--new-vault-id", ids[1])
    assert run("view", paths[0], "--vault-id", ids[1]) == "x\n"


def test_streams_and_an_output_of_its_own(tmp_path: Path, password: list[str]) -> None:
    sealed = CliRunner().invoke(command, ["encrypt", *password], input="from a pipe")
    assert sealed.output.startswith("$ANSIBLE_VAULT;1.1;AES256\n")
    (tmp_path / "sealed").write_text(sealed.output)
    run("decrypt", str(tmp_path / "sealed"), "--output", str(tmp_path / "open"), *password)
    assert (tmp_path / "open").read_text() == "from a pipe" and (tmp_path / "sealed").read_text() == sealed.output


def test_edit_keeps_the_id(tmp_path: Path, ids: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "vars"
    path.write_text("x")
    run("encrypt", str(path), "--vault-id", ids[1])
    monkeypatch.setenv("EDITOR", "sh -c 'echo y >> $0'")
    run("edit", str(path), "--vault-id", ids[0], "--vault-id", ids[1])
    assert path.read_text().startswith("$ANSIBLE_VAULT;1.2;AES256;prod\n")
    assert run("view", str(path), "--vault-id", ids[1]) == "xy\n"


@pytest.mark.parametrize(
    ("words", "given", "code", "message"),
    [
        (["encrypt_string", "--vault-password-file", "empty", "x"], "", 1, "that of default is empty"),
        (["encrypt_string", "--vault-password-file", "gone", "x"], "", 1, "gone was not found"),
        (["encrypt_string", "--vault-password-file", ".", "x"], "", 1, "can not be a directory"),
        (["encrypt_string", "--vault-password-file", "one"], "", 5, "stdin was empty, not encrypting"),
        (["encrypt_string", "--vault-password-file", "one", "-"], "", 5, "stdin was empty, not encrypting"),
        (["encrypt_string", "--vault-password-file", "one", ""], "", 5, "was empty, not encrypting"),
        (["encrypt_string", "--vault-id", "a@one", "--vault-id", "b@two", "x"], "", 5, "The vault-ids a,b are available to encrypt."),
        (["decrypt", "one", "two", "--output", "both", "--vault-password-file", "one"], "", 5, "At most one input file"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], given: str, code: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("empty", "\n"), ("one", "pw1\n"), ("two", "pw2\n")):
        Path(name).write_text(text)
    result = CliRunner().invoke(command, words, input=given)
    assert (result.exit_code, message in result.output) == (code, True), result.output


def test_settings_choose_who_encrypts_and_who_opens(tmp_path: Path, ids: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "vars.yaml"
    path.write_text("a: 1\n")
    given = [word for identity in ids for word in ("--vault-id", identity)]
    monkeypatch.setenv("ANSIBLE_VAULT_ENCRYPT_IDENTITY", "prod")
    run("encrypt", str(path), *given)
    assert path.read_text().startswith("$ANSIBLE_VAULT;1.2;AES256;prod\n")
    path.write_text(path.read_text().replace(";prod", ";dev"))  # whose password is another one
    assert run("view", str(path), *given) == "a: 1\n"
    monkeypatch.setenv("ANSIBLE_VAULT_ID_MATCH", "true")
    refused = CliRunner().invoke(command, ["view", str(path), *given])
    assert refused.exit_code == 1 and "no vault secrets were found that could decrypt" in refused.output


def test_what_is_seen_ends_with_a_line_and_nobody_at_the_prompt_is_said(tmp_path: Path, password: list[str]) -> None:
    path = tmp_path / "vars.yaml"
    path.write_text("a: 1")
    run("encrypt", str(path), *password)
    assert run("view", str(path), *password) == "a: 1\n"
    refused = CliRunner().invoke(command, ["view", str(path)], input="")
    assert refused.exit_code == 1 and "EOFError (ctrl-d) on prompt for (default)" in refused.output


def test_an_editor_wants_a_terminal(tmp_path: Path, password: list[str]) -> None:
    refused = CliRunner().invoke(command, ["create", str(tmp_path / "new"), *password])
    assert refused.exit_code == 5 and "not a tty, editor cannot be opened" in refused.output
