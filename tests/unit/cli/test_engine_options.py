"""Proves what Ansible's options become: a setting, an option of the run, or nothing where there is nothing to tell."""

from __future__ import annotations

from typing import Any

import click
import pytest
from click.testing import CliRunner

from provisioner.cli.engine_options import engine_options, run_options


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
