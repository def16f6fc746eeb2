"""Proves that a host which a program enters (chroot) runs modules, commands and files as one over SSH does, and what is said of one that isn't there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.transport.calls import ModuleCall
from provisioner.transport.errors import ConnectError
from provisioner.transport.session import HostSession
from provisioner.transport.settings import Become, ConnectionSettings


def session_of(path: str, **variables: str) -> HostSession:
    told = {
        "ansible_connection": "community.general.chroot",
        "ansible_host": path,
        "ansible_python_interpreter": sys.executable,
        **variables,
    }
    return HostSession(ConnectionSettings.from_vars("box", told))


@pytest.fixture
def session() -> Iterator[HostSession]:
    made = session_of("/")
    yield made
    made.close()


def test_modules_commands_and_files(session: HostSession, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("content")
    done = session.call([ModuleCall("command", {"argv": ["echo", "here"]}), ModuleCall("stat", {"path": str(tmp_path / "there")})])
    assert (done[0]["stdout"], done[1]["stat"]["size"]) == ("here", 7)
    assert session.raw("cat; exit 3", stdin=b"in").rc == 3
    assert session.fetch(str(tmp_path / "there")) == b"content"
    assert session.round_trips == 2


def test_nobody_becomes_who_they_are(session: HostSession) -> None:
    as_root = session.call([ModuleCall("command", {"argv": ["id", "-un"]})], Become("root", exe="/nowhere/sudo"))
    assert as_root[0]["stdout"] == "root"
    assert session.raw("id -un", Become("nobody", method="su")).stdout == "nobody\n"


def test_what_cannot_be_entered_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(
        ConnectError, match=r"box: entering it by chroot: it ended at once \(exit code 12[57]\).*does `chroot .*nowhere true` work"
    ):
        session_of(str(tmp_path / "nowhere")).call([ModuleCall("ping", {})])
    with pytest.raises(
        ConnectError, match="starting no-chroot: No such file or directory; ansible_connection needs no-chroot on this computer"
    ):
        session_of("/", ansible_chroot_exe="no-chroot").raw("true")
