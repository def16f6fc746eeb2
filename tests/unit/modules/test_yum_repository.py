"""Proves yum_repository: sections written in yum's form, one file for several, second run, check mode with diff, removal, wrong arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.module_calls import Call

EPEL: dict[str, Any] = {
    "name": "epel",
    "description": "Extra packages",
    "baseurl": ["https://a.example/$basearch/", "https://b.example/"],
    "gpgcheck": True,
    "validate_certs": False,
    "excludepkgs": ["x", "y*"],
    "file": "extra",
}
WRITTEN = "[epel]\nbaseurl = https://a.example/$basearch/\n\thttps://b.example/\nexclude = x y*\ngpgcheck = 1\nname = Extra packages\nsslverify = 0\n\n"


def test_a_section_is_written_once(call: Call, tmp_path: Path) -> None:
    args = {**EPEL, "reposdir": str(tmp_path), "mode": "0600"}
    first = call("yum_repository", args)
    assert (first["changed"], first["repo"], first["state"]) == (True, "epel", "present")
    path = tmp_path / "extra.repo"
    assert path.read_text() == WRITTEN
    assert path.stat().st_mode & 0o777 == 0o600
    assert call("yum_repository", args)["changed"] is False


def test_check_mode_tells_and_writes_nothing(call: Call, tmp_path: Path) -> None:
    told = call("yum_repository", {**EPEL, "reposdir": str(tmp_path)}, check=True)
    assert told["changed"] is True and not list(tmp_path.iterdir())
    assert told["diff"]["before"] == "" and told["diff"]["after"].startswith("[epel]\nbaseurl = ")


def test_a_file_goes_with_its_last_section(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "extra.repo"
    path.write_text("[other]\nname = o\n\n" + WRITTEN)
    gone = {"name": "epel", "file": "extra", "reposdir": str(tmp_path), "state": "absent"}
    assert call("yum_repository", gone)["changed"] is True
    assert path.read_text() == "[other]\nname = o\n\n"
    assert call("yum_repository", gone)["changed"] is False
    assert call("yum_repository", {**gone, "name": "other"})["changed"] is True
    assert not path.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"baseurl": None}, "state is present but any of the following are missing: baseurl, mirrorlist, metalink"),
        ({"description": None}, "state is present but all of the following are missing: description"),
        ({"reposdir": "/nowhere"}, "Repo directory '/nowhere' does not exist."),
        ({"ip_resolve": "5"}, "value of ip_resolve must be one of: 4, 6, IPv4, IPv6, whatever, got: 5"),
    ],
)
def test_wrong_arguments(call: Call, tmp_path: Path, change: dict[str, Any], message: str) -> None:
    given = {key: value for key, value in {**EPEL, "reposdir": str(tmp_path), **change}.items() if value is not None}
    assert call("yum_repository", given)["msg"] == message
