"""Proves replace: what is replaced and where, that a second run changes nothing, check mode, diff, encodings and messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.module_calls import Call

TEXT = "a=1\n# b\nb=2\nc=3\nb=4\n"


@pytest.mark.parametrize(
    ("args", "after", "msg"),
    [
        ({"regexp": r"b=(\d)", "replace": r"x=\1"}, "a=1\n# b\nx=2\nc=3\nx=4\n", "2 replacements made"),
        ({"regexp": r"(b)=(?P<v>.)", "replace": r"\g<v>\n\1"}, "a=1\n# b\n2\nb\nc=3\n4\nb\n", "2 replacements made"),
        ({"regexp": r"^b=.*\n"}, "a=1\n# b\nc=3\n", "2 replacements made"),
        ({"regexp": "^b=.*$"}, "a=1\n# b\n\nc=3\n\n", "2 replacements made"),
        ({"regexp": "=", "replace": ":", "after": "# b"}, "a=1\n# b\nb:2\nc:3\nb:4\n", "3 replacements made"),
        ({"regexp": "=", "replace": ":", "before": "c=3"}, "a:1\n# b\nb:2\nc=3\nb=4\n", "2 replacements made"),
        ({"regexp": "=", "replace": ":", "after": "# b", "before": "c=3"}, "a=1\n# b\nb:2\nc=3\nb=4\n", "1 replacements made"),
        ({"regexp": "nothing", "replace": "x"}, TEXT, ""),
        (
            {"regexp": "=", "after": "c", "before": "a"},
            TEXT,
            "Pattern for before/after params did not match the given file: c(?P<subsection>.*?)a",
        ),
        ({"regexp": "=", "after": "no"}, TEXT, "Pattern for before/after params did not match the given file: no(?P<subsection>.*)"),
    ],
)
def test_replacements(call: Call, tmp_path: Path, args: dict[str, Any], after: str, msg: str) -> None:
    path = tmp_path / "f"
    path.write_text(TEXT)
    args = {"path": str(path), **args}
    checked = call("replace", args, check=True, diff=True)
    assert path.read_text() == TEXT
    first = call("replace", args, diff=True)
    assert (first["changed"], first["msg"], first["rc"], path.read_text()) == (after != TEXT, msg, 0, after)
    assert checked == first
    if first["changed"]:
        assert first["diff"] == {"before_header": str(path), "before": TEXT, "after_header": str(path), "after": after}
        assert call("replace", args)["changed"] is False
    else:
        assert "diff" not in first


@pytest.mark.parametrize(
    ("raw", "args", "after"),
    [
        ("grün\n".encode("latin-1"), {"regexp": "ü", "replace": "ö", "encoding": "latin-1"}, "grön\n".encode("latin-1")),
        (b"\xff\x00 a\n", {"regexp": "a", "replace": "ü"}, b"\xff\x00 " + "ü\n".encode()),
        (b"a\r\na\r\n", {"regexp": "a$", "replace": "b"}, b"a\r\na\r\n"),
        (b"a\r\na\r\n", {"regexp": "^a", "replace": "b"}, b"b\r\nb\r\n"),
    ],
)
def test_bytes(call: Call, tmp_path: Path, raw: bytes, args: dict[str, Any], after: bytes) -> None:
    path = tmp_path / "odd\nname ü"
    path.write_bytes(raw)
    result = call("replace", {"path": str(path), **args}, diff=True)
    assert path.read_bytes() == after and result["changed"] is (raw != after)
    str(result).encode()


def test_backup_mode_and_links(call: Call, tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old\n")
    link.symlink_to(real)
    result = call("replace", {"path": str(link), "regexp": "old", "replace": "new", "backup": True})
    assert Path(result["backup_file"]).read_text() == "old\n" and link.is_symlink() and real.read_text() == "new\n"
    moded = call("replace", {"path": str(real), "regexp": "old", "mode": "0600"})
    assert (moded["changed"], moded["msg"]) == (True, "ownership, perms or SE linux context changed")


@pytest.mark.parametrize(
    ("args", "msg", "code"),
    [
        ({"path": "@/none", "regexp": "x"}, "Path @/none does not exist !", 257),
        ({"path": "@", "regexp": "x"}, "Path @ is a directory !", 256),
        ({"path": "@/f"}, "missing required arguments: regexp", None),
        (
            {"path": "@/f", "regexp": "a", "replace": r"\9"},
            "Unable to process replace due to error: invalid group reference 9 at position 1",
            None,
        ),
        ({"path": "@/f", "regexp": "a", "replace": "b", "validate": "false %s"}, "failed to validate: rc:1 error:", None),
        ({"path": "@/f", "regexp": "a", "encoding": "klingon"}, "Task failed: Module failed: unknown encoding: klingon", None),
    ],
)
def test_messages(call: Call, tmp_path: Path, args: dict[str, str], msg: str, code: int | None) -> None:
    (tmp_path / "f").write_text("a\n")
    result = call("replace", {key: value.replace("@", str(tmp_path)) for key, value in args.items()})
    assert (result["failed"], result["msg"], result.get("rc")) == (True, msg.replace("@", str(tmp_path)), code)
    assert (tmp_path / "f").read_text() == "a\n"
