"""Proves that KVM is used where it works, and that where it doesn't the reason is said."""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path
from typing import Any

import pytest

from provisioner.machines.errors import RequirementError
from provisioner.machines.libvirt import kvm
from tests.unit.machines.libvirt.conftest import error


class Libvirt:
    """Says what it can, or can't."""

    def __init__(self, trouble: str = "") -> None:
        self._trouble = trouble

    def getDomainCapabilities(self, *asked: Any) -> str:
        if self._trouble:
            raise error(self._trouble)
        return "<domainCapabilities/>"


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A pretended /dev/kvm: which features its processor has, and whether it makes machines."""
    path = tmp_path / "kvm"
    path.write_text("")
    settings: dict[str, Any] = {"path": str(path), "ecx": 1, "fails": False}

    def ioctl(descriptor: int, request: int, argument: Any = 0) -> int:
        if request == kvm._GET_SUPPORTED_CPUID:
            struct.pack_into("II", argument, 0, 2, 0)
            struct.pack_into("10I", argument, 8, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0)
            struct.pack_into("10I", argument, 48, 1, 0, 0, 5, 6, settings["ecx"], 7, 0, 0, 0)
            return 0
        if settings["fails"]:
            raise OSError(5, "Input/output error")
        return os.open(os.devnull, os.O_RDONLY)

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    return settings


def test_a_device_that_works(device: dict[str, Any]) -> None:
    assert kvm._device(device["path"]) == ""


def test_devices_that_do_not(device: dict[str, Any]) -> None:
    device["ecx"] = 0x81202000  # seen under a hypervisor where firmware ran and Linux did not
    assert "crippled processor" in kvm._device(device["path"])
    device["fails"] = True
    assert kvm._device(device["path"]).endswith("is there but does not work: Input/output error")
    assert kvm._device("/nowhere/kvm") == "/nowhere/kvm can't be opened: No such file or directory"


def test_what_is_wished_and_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kvm, "_device", lambda path="": "/dev/kvm can't be opened")
    assert kvm.accelerated("none", Libvirt(), local=True) is False
    assert kvm.accelerated("auto", Libvirt(), local=True) is False
    assert kvm.accelerated("auto", Libvirt(), local=False) is True, "another computer's device is libvirt's to know"
    assert kvm.accelerated("auto", Libvirt("no kvm"), local=False) is False
    with pytest.raises(RequirementError, match=r"(?s)acceleration is kvm, but /dev/kvm can't be opened.*set it to auto"):
        kvm.accelerated("kvm", Libvirt(), local=True)
    with pytest.raises(RequirementError, match="but libvirt says: no kvm"):
        kvm.accelerated("kvm", Libvirt("no kvm"), local=False)
