"""Proves what mount leaves behind when something cannot be mounted, and that it takes away only what has an entry."""

from __future__ import annotations

from pathlib import Path

from tests.module_calls import Call

ENTRY = "proc /proc proc defaults 0 0\n"


def test_an_entry_that_cannot_be_mounted_is_taken_back(call: Call, tmp_path: Path) -> None:
    fstab, place = tmp_path / "fstab", tmp_path / "m"
    fstab.write_text(ENTRY)
    args = {"path": str(place), "src": "/dev/nosuch", "fstype": "ext4", "state": "mounted", "fstab": str(fstab)}
    result = call("mount", args)
    assert result["failed"] and result["msg"].startswith(f"Error mounting {place}: ")
    assert fstab.read_text() == ENTRY
    assert not place.exists()


def test_absent_without_an_entry_changes_nothing(call: Call, tmp_path: Path) -> None:
    fstab, place = tmp_path / "fstab", tmp_path / "m"
    place.mkdir()
    fstab.write_text(f"{ENTRY}tmpfs {place} tmpfs defaults 0 0\n")
    args = {"path": str(place), "state": "absent", "fstab": str(fstab)}
    assert call("mount", args)["changed"] is True
    assert fstab.read_text() == ENTRY
    assert not place.exists()
    place.mkdir()
    assert call("mount", args)["changed"] is False
    assert place.exists()


def test_options_that_are_a_secret(call: Call, tmp_path: Path) -> None:
    args = {"path": "/m", "src": "//s/m", "fstype": "cifs", "opts": "password=x", "state": "present", "fstab": str(tmp_path / "fstab")}
    assert call("mount", args, check=True)["opts"] == "password=x"
    assert call("mount", {**args, "opts_no_log": True})["opts"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    assert "password=x" in (tmp_path / "fstab").read_text()
