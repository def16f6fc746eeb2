"""Proves that nobody else's interface or address range is ever taken."""

from __future__ import annotations

import ipaddress
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from provisioner.machines import bridge
from provisioner.machines.errors import NetworkError
from provisioner.machines.spec import LabSpec

LAB = LabSpec("lab", Path("/srv/lab.yaml"), ipaddress.IPv4Network("10.89.0.0/24"), (), bridge="br-lab")


class Computer:
    """Answers `ip` as a computer with these interfaces would, and notes what it is told to change."""

    def __init__(self, interfaces: list[dict[str, Any]]) -> None:
        self.interfaces = interfaces
        self.changes: list[str] = []

    def run(self, argv: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        shown = [i for i in self.interfaces if argv[-2:] != ["type", "bridge"] or i.get("bridge")]
        if "-json" not in argv:
            self.changes.append(" ".join(argv[1:]))
        return subprocess.CompletedProcess(argv, 0, json.dumps(shown))


def computer(monkeypatch: pytest.MonkeyPatch, *interfaces: dict[str, Any]) -> Computer:
    found = Computer(list(interfaces))
    monkeypatch.setattr(bridge, "run", found.run)
    return found


def interface(name: str, address: str = "", **more: object) -> dict[str, Any]:
    local, _, prefix = address.partition("/")
    return {"ifname": name, "addr_info": [{"family": "inet", "local": local, "prefixlen": int(prefix)}] if address else [], **more}


def test_a_new_bridge_is_marked_and_gets_the_gateways_address(monkeypatch: pytest.MonkeyPatch) -> None:
    found = computer(monkeypatch, interface("eth0", "192.0.2.2/24"))
    bridge.ensure(LAB)
    assert f"link set dev br-lab alias provision lab {LAB.id}" in found.changes
    assert "address replace 10.89.0.1/24 dev br-lab" in found.changes


def test_our_bridge_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    found = computer(monkeypatch, interface("br-lab", "10.89.0.1/24", bridge=True, ifalias=f"provision lab {LAB.id}"))
    bridge.ensure(LAB)
    assert not [change for change in found.changes if change.startswith("link add")]


@pytest.mark.parametrize("alias", [None, "provision lab 00000000"])
def test_a_bridge_of_the_same_name_that_is_not_ours_is_refused_and_never_removed(
    monkeypatch: pytest.MonkeyPatch, alias: str | None
) -> None:
    found = computer(monkeypatch, interface("br-lab", bridge=True, ifalias=alias))
    with pytest.raises(NetworkError, match="not this lab's"):
        bridge.ensure(LAB)
    bridge.remove(LAB)
    assert found.changes == []


@pytest.mark.parametrize("address", ["10.89.0.77/24", "10.0.0.1/8", "10.89.0.128/25"])
def test_an_overlapping_range_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    found = computer(monkeypatch, interface("eth7", address))
    with pytest.raises(NetworkError, match="of eth7"):
        bridge.ensure(LAB)
    assert found.changes == []


def test_an_address_of_an_earlier_network_leaves_our_bridge(monkeypatch: pytest.MonkeyPatch) -> None:
    found = computer(monkeypatch, interface("br-lab", "10.77.0.1/24", bridge=True, ifalias=f"provision lab {LAB.id}"))
    bridge.ensure(LAB)
    assert "address delete 10.77.0.1/24 dev br-lab" in found.changes
    assert "address replace 10.89.0.1/24 dev br-lab" in found.changes


def test_a_check_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    found = computer(monkeypatch, interface("eth0", "10.89.0.9/16"))
    with pytest.raises(NetworkError, match=r"overlaps 10\.89\.0\.0/16 of eth0"):
        bridge.check(LAB)
    assert found.changes == []
