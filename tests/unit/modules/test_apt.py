"""Proves which commands apt runs for what is wanted, and what it tells: on a stand-in for apt-get that knows some packages and installs nothing."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from provisioner.agent import apt_names
from provisioner.modules import apt
from tests.module_calls import Call

STATUS = """Package: here
Status: install ok installed
Architecture: amd64
Version: 1.0

Package: old
Status: install ok installed
Architecture: amd64
Version: 1.0-1

Package: left
Status: deinstall ok config-files
Architecture: amd64
Version: 3
"""
MARKS = "Package: here\nAuto-Installed: 1\n"
POLICY = {
    "here": ("1.0", ["1.0"]),
    "old": ("2.0-1", ["2.0-1", "1.5-1", "1.0-1"]),
    "web-a": ("1", ["1"]),
    "web-b": ("1", ["1"]),
    "virtual": ("(none)", []),
    "mail": ("(none)", []),
    "several": ("(none)", []),
}
PROGRAM = """#!/bin/sh
echo "$(basename "$0") $*" >> {folder}/calls
case "$(basename "$0") $*" in
"apt-cache pkgnames") printf 'here\\nold\\nweb-a\\nweb-b\\n';;
"apt-cache policy "*) shift; for name; do cat "{folder}/policy/$name" 2>/dev/null; done;;
"apt-cache showpkg virtual") printf 'Reverse Provides: \\nhere 1.0 (= )\\n';;
"apt-cache showpkg mail") printf 'Reverse Provides: \\nweb-a 1 (= )\\n';;
"apt-cache showpkg several") printf 'Reverse Provides: \\nweb-a 1 (= )\\nweb-b 1 (= )\\n';;
"apt-cache showpkg "*) printf 'Reverse Provides: \\n';;
"dpkg --compare-versions 2.0-1 ge "*) [ "$4" != 3 ];;
"dpkg --compare-versions 1.0-1 ge "*) [ "$4" = 1.0 ];;
"apt-get "*needy.deb) echo " needy : Depends: nowhere (>= 2) but it is not installable"; exit 100;;
"dpkg-deb -f "*) printf 'Package: %s\\nVersion: 2\\n' "$(basename "$3" .deb)";;
"apt-get update "*) [ -e {folder}/nothing-new ] || touch {folder}/lists;;
*) echo "Reading state information..."; echo "does $*"; echo "1 upgraded, 0 newly installed"; echo careful >&2;;
esac
"""


@pytest.fixture(autouse=True)
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    programs = tmp_path / "bin"
    (tmp_path / "policy").mkdir()
    programs.mkdir()
    for name in ("apt-get", "apt-cache", "apt-mark", "dpkg", "dpkg-deb"):
        (programs / name).write_text(PROGRAM.format(folder=tmp_path))
        (programs / name).chmod(0o755)
    for name, (candidate, versions) in POLICY.items():
        table = "".join(f"     {version} 500\n        500 http://x/ x\n" for version in versions)
        (tmp_path / "policy" / name).write_text(f"{name}:\n  Installed: x\n  Candidate: {candidate}\n  Version table:\n{table}")
    (tmp_path / "status").write_text(STATUS)
    (tmp_path / "marks").write_text(MARKS)
    (tmp_path / "lists").mkdir()
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setattr(apt_names, "STATUS", str(tmp_path / "status"))
    monkeypatch.setattr(apt_names, "MARKS", str(tmp_path / "marks"))
    monkeypatch.setattr(apt, "LISTS", str(tmp_path / "lists"))
    monkeypatch.setattr(apt, "STAMP", str(tmp_path / "stamp"))
    return tmp_path


def done(folder: Path) -> list[str]:
    """Commands that change something, without what all of them have."""
    calls = (folder / "calls").read_text().splitlines() if (folder / "calls").exists() else []
    common = "-y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "
    return [call.replace(common, "") for call in calls if not call.startswith(("apt-cache", "dpkg --compare"))]


@pytest.mark.parametrize(
    ("args", "commands"),
    [
        ({"name": "old"}, []),
        ({"name": "here"}, ["apt-mark manual here"]),  # it was there for others' sake
        ({"name": ["old", "web-a"]}, ["apt-get install web-a"]),
        ({"name": "old,web-a", "state": "latest"}, ["apt-get install old web-a"]),
        ({"name": "here", "state": "latest"}, ["apt-mark manual here"]),
        ({"name": "old=1.0-1"}, []),
        ({"name": "old=1.5*"}, ["apt-get install old=1.5-1"]),
        ({"name": "old>=1.0"}, []),
        ({"name": "old>=1.7"}, ["apt-get install old=2.0-1"]),
        ({"name": "web*"}, ["apt-get install web-a web-b"]),
        ({"name": "web-a", "only_upgrade": True}, []),
        ({"name": "virtual"}, []),  # somebody provides it already
        ({"name": "mail"}, ["apt-get install web-a"]),
        ({"name": "several"}, ["apt-get install several"]),  # apt says which there are
        ({"name": "web-a", "install_recommends": False}, ["apt-get -o APT::Install-Recommends=no install web-a"]),
        ({"name": "web-a", "default_release": "sid", "force": True}, ["apt-get -t sid --force-yes install web-a"]),
        (
            {"name": "web-a", "fail_on_autoremove": True, "allow-unauthenticated": True},
            ["apt-get --allow-unauthenticated --no-remove install web-a"],
        ),
        ({"name": "src", "state": "build-dep"}, ["apt-get build-dep src"]),
        ({"name": "old", "state": "fixed"}, ["apt-get --fix-broken install old"]),
        ({"name": "web-a", "state": "absent"}, []),
        ({"name": "old", "state": "absent"}, ["apt-get remove old"]),
        ({"name": "old", "state": "absent", "fail_on_autoremove": True}, ["apt-get remove old"]),
        ({"name": "left", "state": "absent"}, []),
        ({"name": "left", "state": "absent", "purge": True, "autoremove": True}, ["apt-get --purge --auto-remove remove left"]),
        ({"upgrade": "dist"}, ["apt-get dist-upgrade"]),
        ({"upgrade": "yes", "autoremove": True}, ["apt-get upgrade --with-new-pkgs --auto-remove"]),
        ({"name": "*", "state": "latest"}, ["apt-get upgrade --with-new-pkgs"]),
        ({"autoremove": True, "purge": True}, ["apt-get --purge autoremove"]),
        ({"autoclean": True}, ["apt-get autoclean"]),
        ({"clean": True}, None),
        ({"update_cache": True}, ["apt-get update -q"]),
    ],
)
def test_commands(call: Call, packages: Path, args: dict[str, Any], commands: list[str] | None) -> None:
    result = call("apt", args)
    if commands is not None:
        assert not result.get("failed") and done(packages) == commands, result


def test_keys_of_results(call: Call) -> None:
    unchanged = call("apt", {"name": "old"})
    assert sorted(unchanged) == ["cache_update_time", "cache_updated", "changed"]
    changed = call("apt", {"name": "web-a"}, diff=True)
    assert sorted(changed) == ["cache_update_time", "cache_updated", "changed", "diff", "stderr", "stdout"]
    assert changed["stderr"] == "careful\n" and changed["diff"]["prepared"].endswith("1 upgraded, 0 newly installed")
    assert call("apt", {"name": "web-a"})["diff"] == {}
    assert call("apt", {"name": "nothing", "state": "absent"}) == {"changed": False}


def test_check_mode_simulates(call: Call, packages: Path) -> None:
    assert call("apt", {"name": "web-a", "update_cache": True}, check=True)["changed"] is True
    assert done(packages) == ["apt-get --simulate install web-a"]


def test_lists_are_fetched_when_they_are_old(call: Call, packages: Path) -> None:
    (packages / "stamp").touch()
    assert call("apt", {"update_cache": True, "cache_valid_time": 3600})["changed"] is False
    fresh = call("apt", {"name": "old", "cache_valid_time": 3600})
    assert (fresh["cache_updated"], fresh["changed"]) == (False, False) and abs(fresh["cache_update_time"] - time.time()) < 60
    (packages / "stamp").unlink()

    os.utime(packages / "lists", (1, 1))
    assert call("apt", {"name": "old", "cache_valid_time": 3600})["cache_updated"] is True


def test_lists_with_nothing_new_are_no_change(call: Call, packages: Path) -> None:
    os.utime(packages / "lists", (1, 1))
    assert call("apt", {"update_cache": True})["changed"] is True
    (packages / "nothing-new").touch()
    os.utime(packages / "lists", (1, 1))
    again = call("apt", {"update_cache": True})
    assert (again["changed"], again["cache_updated"]) == (False, False)
    assert call("apt", {"update_cache": True}, check=True)["changed"] is True
    # It was looked, though.
    calls = len(done(packages))
    assert call("apt", {"cache_valid_time": 60})["changed"] is False and len(done(packages)) == calls


def test_a_file_and_what_it_needs(call: Call, packages: Path) -> None:
    for name in ("needy", "fine"):
        (packages / f"{name}.deb").touch()
    assert call("apt", {"deb": str(packages / "needy.deb")}) == {
        "changed": False, "failed": True, "msg": "Dependency is not satisfiable: nowhere (>= 2)\n",
    }  # fmt: skip
    assert "does" in call("apt", {"deb": str(packages / "fine.deb")})["diff"]["prepared"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"name": "nowhere"}, "No package matching 'nowhere' is available"),
        ({"name": "zzz*"}, "No package(s) matching 'zzz*' available"),
        ({"name": "old=9"}, "no available installation candidate for old=9"),
        ({"name": "old>=3"}, "no available installation candidate for old>=3"),
        ({"name": "a=1=2"}, "invalid package spec: a=1=2"),
        ({"name": "a", "deb": "/x.deb"}, "parameters are mutually exclusive: deb|package|upgrade"),
        ({"deb": "/x.deb", "state": "absent"}, "deb only supports state=present"),
        ({"name": "*,a", "state": "latest"}, "unable to install additional packages when upgrading all installed packages"),
        ({"name": "a", "state": "here"}, "value of state must be one of: absent, build-dep, fixed, latest, present, got: here"),
    ],
)
def test_messages(call: Call, args: dict[str, Any], said: str) -> None:
    result = call("apt", args)
    assert (result["failed"], result["msg"]) == (True, said)


def test_sources_that_cannot_be_read_are_told(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "apt-cache").write_text(
        "#!/bin/sh\necho 'E: Malformed line 1' >&2; echo 'E: The list of sources could not be read.' >&2; exit 100\n"
    )
    (tmp_path / "apt-cache").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert call("apt", {"name": "nosuch-package"})["msg"] == "E:Malformed line 1, E:The list of sources could not be read."
