"""Proves timezone with files of the test's own and with a timedatectl of its own: what is set, the second run, check mode with diff."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from provisioner.modules import timezone

TIMEDATECTL = """#!/bin/sh
state=$(dirname "$0")/state
[ -e "$state" ] || printf 'zone=Etc/UTC\\nrtc=no\\n' > "$state"
. "$state"
case "$1" in
set-timezone) zone=$2;;
set-local-rtc) rtc=$2;;
"") printf '       Time zone: %s (UTC, +0000)\\n RTC in local TZ: %s\\n' $zone $rtc;;
esac
printf 'zone=%s\\nrtc=%s\\n' $zone $rtc > "$state"
"""


@pytest.fixture
def zones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("Etc/UTC", "Asia/Tokyo"):
        path = tmp_path / "zoneinfo" / name
        path.parent.mkdir(parents=True)
        path.write_text(name)
    monkeypatch.setattr(timezone, "ZONES", str(tmp_path / "zoneinfo"))
    for name in ("LOCALTIME", "TIMEZONE", "ADJTIME"):
        monkeypatch.setattr(timezone, name, str(tmp_path / name.lower()))
    monkeypatch.setattr(timezone, "CLOCK_FILES", (str(tmp_path / "rcS"), str(tmp_path / "clock")))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    program(tmp_path, "timedatectl", "#!/bin/sh\nexit 1\n")
    return tmp_path


def program(root: Path, name: str, text: str) -> None:
    (root / "bin" / name).write_text(text.replace("$(dirname", "$(/usr/bin/dirname"))
    (root / "bin" / name).chmod(0o755)


def test_files(call: Any, zones: Path) -> None:
    (zones / "localtime").symlink_to(zones / "zoneinfo/Etc/UTC")
    (zones / "timezone").write_text("Etc/UTC\n")
    checked = call("timezone", {"name": "Asia/Tokyo"}, check=True, diff=True)
    assert (checked["changed"], checked["diff"]) == (True, {"before": {"name": "Etc/UTC"}, "after": {"name": "Asia/Tokyo"}})
    assert (zones / "timezone").read_text() == "Etc/UTC\n"
    made = call("timezone", {"name": "Asia/Tokyo"})
    assert (made["changed"], made["msg"]) == (True, f"Added 1 line and deleted 1 line(s) on {zones}/timezone")
    assert os.readlink(zones / "localtime") == f"{zones}/zoneinfo/Asia/Tokyo"
    assert (zones / "timezone").read_text() == "Asia/Tokyo\n"
    assert not call("timezone", {"name": "Asia/Tokyo"})["changed"]


def test_the_hardware_clock_in_files(call: Any, zones: Path) -> None:
    (zones / "rcS").write_text("A=1\nUTC=yes\n")
    program(zones, "hwclock", f'#!/bin/sh\n[ "$2" = --localtime ] && mode=LOCAL || mode=UTC\nprintf "0\\n0\\n$mode\\n" > {zones}/adjtime\n')
    assert call("timezone", {"hwclock": "local"}, check=True)["changed"] and not (zones / "adjtime").exists()
    assert call("timezone", {"hwclock": "local"})["diff"] == {"before": {"hwclock": "UTC"}, "after": {"hwclock": "local"}}
    assert (zones / "rcS").read_text() == "A=1\nUTC=no\n"
    assert not call("timezone", {"hwclock": "local"})["changed"]
    assert call("timezone", {"rtc": "UTC"})["changed"]


def test_timedatectl(call: Any, zones: Path) -> None:
    program(zones, "timedatectl", TIMEDATECTL)
    assert call("timezone", {"name": "Asia/Tokyo", "hwclock": "local"}, check=True)["changed"]
    made = call("timezone", {"name": "Asia/Tokyo", "hwclock": "local"})
    assert made["diff"]["before"] == {"hwclock": "UTC", "name": "Etc/UTC"}
    assert (zones / "bin/state").read_text() == "zone=Asia/Tokyo\nrtc=yes\n"
    assert not call("timezone", {"name": "Asia/Tokyo", "hwclock": "local"})["changed"]


def test_what_is_refused(call: Any, zones: Path) -> None:
    assert call("timezone", {"name": "No/Where"})["msg"] == 'Error message:\ngiven timezone "No/Where" is not available'
    assert call("timezone", {})["msg"] == "one of the following is required: hwclock, name"
    program(zones, "hwclock", "#!/bin/sh\necho no clock >&2\nexit 1\n")
    made = call("timezone", {"hwclock": "local"})
    assert (made["msg"], made["rc"]) == ("no clock", 1)
