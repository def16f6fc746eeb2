"""Proves which capabilities a host is known to lack, and whether it enforces AppArmor."""

from __future__ import annotations

from pathlib import Path

from provisioner.kube.kubelet.node.capabilities import NAMES, apparmor, effective, lacking


def test_what_a_container_of_a_host_lacks(tmp_path: Path) -> None:
    status, last = tmp_path / "status", tmp_path / "last"
    status.write_text("Name:\tkubelet\nCapPrm:\t0\nCapEff:\t000001fffeffffff\n")
    last.write_text("40\n")
    assert len(NAMES) == 41 and NAMES[21] == "SYS_ADMIN"
    assert lacking(effective(status), last) == ("SYS_RESOURCE",)
    last.write_text("37\n")
    assert lacking((1 << 38) - 1, last) == (), "what an older kernel does not know nobody lacks"


def test_apparmor(tmp_path: Path) -> None:
    enabled = tmp_path / "enabled"
    assert not apparmor(enabled)
    for text, there in (("Y\n", True), ("N\n", False)):
        enabled.write_text(text)
        assert apparmor(enabled) is there
