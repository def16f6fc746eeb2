"""Proves mount_facts: the forms of its files and of mount(8), what filters leave, the first of several, and messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.module_calls import Call

FSTAB = "# none\n/dev/none1 / ext4 defaults 0 1\nUUID=no-such /a\\040b xfs ro\nsrv:/x /n nfs rw 0\n/dev/none1 / ext4 again 0 0\n"
VFSTAB = "/dev/dsk/none /dev/rdsk/none /none ufs 1 yes -\n/dev/dsk/other - /other ufs - no rw\n"
MNTTAB = "/dev/none /none ufs rw,suid 1597000000\n"


@pytest.fixture
def facts(call: Call, tmp_path: Path) -> Any:
    def asked(text: str, **args: Any) -> dict[str, Any]:
        file = tmp_path / "mounts"
        file.write_text(text)
        result = call("mount_facts", {"sources": [str(file)], **args})
        assert not result.get("failed") and not result["changed"], result
        found: dict[str, Any] = result["ansible_facts"]
        return found

    return asked


def test_lines_of_fstab(facts: Any) -> None:
    points = facts(FSTAB, include_aggregate_mounts=False)["mount_points"]
    assert list(points) == ["/", "/a b", "/n"]
    root = points["/"]
    assert (root["device"], root["fstype"], root["options"], root["dump"], root["passno"], root["uuid"]) == ("/dev/none1", "ext4", "defaults", 0, 1, None)  # fmt: skip
    assert root["size_total"] > 0 and root["ansible_context"]["source_data"] == "/dev/none1 / ext4 defaults 0 1"
    assert points["/a b"]["uuid"] == "no-such" and "dump" not in points["/a b"]
    assert points["/n"]["dump"] == 0 and "passno" not in points["/n"]


def test_all_mounts_of_one_point_where_asked_for(facts: Any) -> None:
    assert [mount["options"] for mount in facts(FSTAB, include_aggregate_mounts=True)["aggregate_mounts"]] == [
        "defaults",
        "ro",
        "rw",
        "again",
    ]
    assert facts(FSTAB)["aggregate_mounts"] == []


@pytest.mark.parametrize(
    ("filters", "points"),
    [
        ({"fstypes": ["nfs*", "xfs"]}, ["/a b", "/n"]),
        ({"devices": ["/dev/*"]}, ["/"]),
        ({"devices": ["[!/]*"], "fstypes": ["nfs"]}, ["/n"]),
    ],
)
def test_filters(facts: Any, filters: dict[str, Any], points: list[str]) -> None:
    assert list(facts(FSTAB, include_aggregate_mounts=False, **filters)["mount_points"]) == points


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (VFSTAB, {"device": "/dev/dsk/none", "device_to_fsck": "/dev/rdsk/none", "fstype": "ufs", "passno": 1, "mount_at_boot": "yes"}),
        (MNTTAB, {"device": "/dev/none", "fstype": "ufs", "options": "rw,suid", "time": 1597000000}),
    ],
)
def test_other_forms(facts: Any, text: str, fields: dict[str, Any]) -> None:
    assert fields.items() <= facts(text)["mount_points"]["/none"].items()


def test_the_command_tells_where_files_do_not(call: Call, tmp_path: Path) -> None:
    program = tmp_path / "mount"
    program.write_text("#!/bin/sh\necho /dev/none on /none type ext4 '(rw,noatime)'\n")
    program.chmod(0o755)
    points = call("mount_facts", {"sources": ["mount"], "mount_binary": str(program)})["ansible_facts"]["mount_points"]
    assert points["/none"]["options"] == "rw,noatime" and points["/none"]["ansible_context"]["source"] == "mount"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"timeout": 0}, "argument 'timeout' must be a positive number or null, not 0.0"),
        ({"mount_binary": ["a"]}, "argument 'mount_binary' must be a string or null, not ['a']"),
        ({"sources": [""]}, "sources contains an empty string"),
        ({"sources": ["mount"], "mount_binary": "no-such-program"}, 'Failed to find required executable "no-such-program"'),
        ({"on_timeout": "wait"}, "value of on_timeout must be one of: error, warn, ignore, got: wait"),
    ],
)
def test_messages(call: Call, args: dict[str, Any], message: str) -> None:
    result = call("mount_facts", args)
    assert result["failed"] and message in result["msg"]
