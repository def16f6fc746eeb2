"""Proves what Ansible's options become: a setting, an option of the run, or nothing where there is nothing to tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from provisioner.cli.engine_options import engine_options, run_options
from provisioner.cli.vault_passwords import vault_secrets


def options_of(*words: str) -> Any:
    """The run's options of a command line."""
    seen = []

    @click.command()
    @engine_options
    def command(inventories: tuple[str, ...], **values: Any) -> None:
        seen.append(run_options(values))

    result = CliRunner().invoke(command, words)
    assert result.exit_code == 0, result.output
    return seen[0]


@pytest.mark.parametrize(
    ("words", "name", "expected"),
    [
        (("-T", "3"), "DEFAULT_TIMEOUT", 3.0),
        ((), "DEFAULT_TIMEOUT", None),
    ],
)
def test_settings(words: tuple[str, ...], name: str, expected: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANSIBLE_TIMEOUT", raising=False)
    options = options_of(*words)
    assert options.settings.get(name) == expected and options.timeout_s is None


def test_the_command_line_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_TIMEOUT", "20")
    assert options_of().settings["DEFAULT_TIMEOUT"] == 20
    assert options_of("-T", "3").settings["DEFAULT_TIMEOUT"] == 3


def test_what_is_taken_for_scp_and_sftp_is_nobodys() -> None:
    options = options_of("--scp-extra-args=-l 1", "--sftp-extra-args=-x", "--ssh-extra-args=-4", "--flush-cache")
    assert options.ssh_common_args == "-4" and options.flush_cache


def test_arguments_of_ssh_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_SSH_ARGS", "-C -F ssh.cfg")
    monkeypatch.setenv("ANSIBLE_SSH_COMMON_ARGS", "-o Port=2")
    assert options_of("--ssh-extra-args=-4").ssh_common_args == "-C -F ssh.cfg -o Port=2 -4"


def test_a_limit_may_be_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("failed.retry").write_text("a\n\n b \n")
    assert options_of("-l", "@failed.retry").limit == "a,b"
    assert options_of("--limit", "c,@failed.retry,&d").limit == "c,a,b,&d"
    assert options_of("--subset", "user@host:!x").limit == "user@host,!x" and options_of().limit is None


@pytest.mark.parametrize(("limit", "said"), [("@gone", "Unable to find limit file gone"), ("@.", "must be a file, not a directory")])
def test_a_limit_that_is_no_file(limit: str, said: str) -> None:
    @click.command()
    @engine_options
    def command(**_: Any) -> None:
        raise AssertionError

    result = CliRunner().invoke(command, ["-l", limit])
    assert result.exit_code == 1 and said in result.output


def test_who_types_no_password_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """What needs none goes on; a vault does need one."""

    def nobody(*_: Any, **__: Any) -> str:
        raise EOFError

    monkeypatch.setattr("getpass.getpass", nobody)
    monkeypatch.setattr("click.termui.hidden_prompt_func", nobody)
    options = options_of("-K", "-k")
    assert options.become_password is None and options.connection_password is None
    with pytest.raises(click.ClickException, match=r"ctrl-d.*default"):
        vault_secrets((), (), ask_vault_pass=True)
