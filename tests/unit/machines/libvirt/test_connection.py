"""Proves that libvirt's errors become one of ours, each with a way out."""

from __future__ import annotations

import libvirt
import pytest

from provisioner.machines.errors import MachineError, RequirementError
from provisioner.machines.libvirt import connection
from provisioner.machines.libvirt.connection import connect, missing, told
from tests.unit.machines.libvirt.conftest import error


def test_no_libvirtd() -> None:
    with pytest.raises(
        RequirementError, match=r"(?s)no connection to libvirt at qemu.*libvirtd does not run there.*systemctl start libvirtd"
    ):
        connect("qemu+unix:///system?socket=/nowhere/libvirt-sock")


@pytest.mark.parametrize(
    ("text", "meaning", "hint"),
    [
        ("Failed to connect socket to '/run/libvirt/libvirt-sock': Permission denied", "this user may not use it", "group libvirt"),
        ("Unable to get system bus connection: Could not connect: No such file or directory", "this user may not use it", "run as root"),
        ("authentication unavailable: no polkit agent available", "this user may not use it", "run as root"),
        ("Failed to connect socket to '/run/libvirt/libvirt-sock': Connection refused", "does not run there", "start libvirtd"),
        ("Cannot recv data: Host key verification failed.: Connection reset by peer", "does not know that computer's key", "ssh"),
        ("Cannot recv data: ssh: Could not resolve hostname far", "name is not known", "machines.uri"),
        ("the moon is full", "the moon is full", "virsh -c"),
    ],
)
def test_why_there_is_no_connection(monkeypatch: pytest.MonkeyPatch, text: str, meaning: str, hint: str) -> None:
    def refuse(uri: str) -> None:
        raise error(text)

    monkeypatch.setattr(connection.libvirt, "open", refuse)
    with pytest.raises(RequirementError) as caught:
        connect("qemu:///system")
    assert meaning in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("Failed to connect socket to '/run/libvirt/virtlogd-sock': No such file or directory", "virtlogd"),
        ("Could not open '/root/x.qcow2': Permission denied", "the rights of all its folders"),
        ("cannot write data: No space left on device", "machines.pool"),
        ("Cannot write data: Broken pipe", "machines run on"),
        ("something else", ""),
    ],
)
def test_what_failed_is_said(text: str, hint: str) -> None:
    with pytest.raises(MachineError, match="host a: starting: ") as caught, told("host a: starting"):
        raise error(text)
    assert text in caught.value.message
    assert hint in caught.value.hint


def test_what_is_not_there_is_told_from_what_fails() -> None:
    assert missing(error("no domain", libvirt.VIR_ERR_NO_DOMAIN))
    assert missing(error("no pool", libvirt.VIR_ERR_NO_STORAGE_POOL))
    assert not missing(error("broken", libvirt.VIR_ERR_INTERNAL_ERROR))
    assert not missing(ValueError("x"))
