"""Proves how a command that went wrong is told: as a shell needs it, whatever its words hold."""

from __future__ import annotations

import pytest

from provisioner.agent.context import Context, ModuleFailed


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["false", "a b", "c'd", ""], """false 'a b' 'c'"'"'d' ''"""),
        (["false", "--log-prefix", "IN: "], "false --log-prefix 'IN: '"),
        ("false # as it is", "false # as it is"),
    ],
)
def test_a_command_that_fails(command: list[str] | str, told: str) -> None:
    with pytest.raises(ModuleFailed) as caught:
        Context().run(command, ok=[0])
    assert (caught.value.msg, caught.value.more["rc"], caught.value.more["cmd"]) == (f"{told}: exit code 1: ", 1, told)


def test_what_a_command_says_is_the_message() -> None:
    with pytest.raises(ModuleFailed) as caught:
        Context().run("echo out; echo 'not allowed' >&2; exit 4", ok=[0])
    assert (caught.value.msg, caught.value.more["stdout"], caught.value.more["stderr"]) == ("not allowed", "out\n", "not allowed\n")


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(ModuleFailed) as caught:
        Context().run(["/no such/program", "x"])
    assert (caught.value.msg, caught.value.more["cmd"]) == ("Error executing command.", "'/no such/program' x")
