"""Proves lineinfile: where a line goes, what it replaces, that a second run changes nothing, check mode, diff, and its messages."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from tests.module_calls import Call

TEXT = "a=1\n# b\nb=2\nc=3\nb=4\n"
CASES: list[tuple[str, dict[str, Any], str, str]] = [
    (TEXT, {"line": "z=9"}, TEXT + "z=9\n", "line added"),
    (TEXT, {"line": "b=2"}, TEXT, ""),
    (TEXT, {"line": "b=5", "regexp": "^b="}, "a=1\n# b\nb=2\nc=3\nb=5\n", "line replaced"),
    (TEXT, {"line": "b=5", "regexp": "^b=", "firstmatch": True}, "a=1\n# b\nb=5\nc=3\nb=4\n", "line replaced"),
    (TEXT, {"line": "b=5", "regexp": "^nothing="}, TEXT + "b=5\n", "line added"),
    (TEXT, {"line": "c=3", "regexp": "^nothing=", "insertbefore": "^a="}, TEXT, ""),
    (TEXT, {"line": "x", "insertafter": "^a="}, "a=1\nx\n# b\nb=2\nc=3\nb=4\n", "line added"),
    (TEXT, {"line": "x", "insertbefore": "^b="}, "a=1\n# b\nb=2\nc=3\nx\nb=4\n", "line added"),
    (TEXT, {"line": "x", "insertbefore": "^b=", "firstmatch": True}, "a=1\n# b\nx\nb=2\nc=3\nb=4\n", "line added"),
    (TEXT, {"line": "x", "insertafter": "^b=", "firstmatch": True}, "a=1\n# b\nb=2\nx\nc=3\nb=4\n", "line added"),
    (TEXT, {"line": "x", "insertbefore": "BOF"}, "x\n" + TEXT, "line added"),
    (TEXT, {"line": "x", "insertafter": "EOF"}, TEXT + "x\n", "line added"),
    (TEXT, {"line": "x", "insertafter": "nothing"}, TEXT + "x\n", "line added"),
    (TEXT, {"line": "s", "search_string": "c="}, "a=1\n# b\nb=2\ns\nb=4\n", "line replaced"),
    (TEXT, {"line": "s", "search_string": "nothing", "insertafter": "^a"}, "a=1\ns\n# b\nb=2\nc=3\nb=4\n", "line added"),
    (TEXT, {"line": r"\1=7", "regexp": "^(b)=.*", "backrefs": True}, "a=1\n# b\nb=2\nc=3\nb=7\n", "line replaced"),
    (TEXT, {"line": r"\g<n>=x", "regexp": "^(?P<n>c)=", "backrefs": True}, "a=1\n# b\nb=2\nc=x\nb=4\n", "line replaced"),
    (TEXT, {"line": r"\1=7", "regexp": "^(q)=", "backrefs": True}, TEXT, ""),
    (TEXT, {"line": r"x\n", "regexp": "^c="}, "a=1\n# b\nb=2\nx\\n\nb=4\n", "line replaced"),
    (TEXT, {"line": "", "regexp": "^c="}, "a=1\n# b\nb=2\n\nb=4\n", "line replaced"),
    (TEXT, {"regexp": "^b=", "state": "absent"}, "a=1\n# b\nc=3\n", "2 line(s) removed"),
    (TEXT, {"line": "b=2", "state": "absent"}, "a=1\n# b\nc=3\nb=4\n", "1 line(s) removed"),
    (TEXT, {"search_string": "=", "state": "absent"}, "# b\n", "4 line(s) removed"),
    (TEXT, {"regexp": "nothing", "state": "absent"}, TEXT, ""),
    ("", {"line": "x"}, "x\n", "line added"),
    ("no newline", {"line": "x"}, "no newline\nx\n", "line added"),
    ("no newline", {"line": "x", "insertafter": "^no"}, "no newline\nx\n", "line added"),
    ("no newline", {"line": "x", "insertbefore": "^no"}, "x\nno newline", "line added"),
    ("dos\r\nlines\r\n", {"line": "x"}, "dos\r\nlines\r\nx\n", "line added"),
    ("form\x0cfeed\n", {"line": "x", "insertafter": "^form"}, "form\x0cfeed\nx\n", "line added"),
]


@pytest.mark.parametrize(("before", "args", "after", "msg"), CASES)
def test_lines(call: Call, tmp_path: Path, before: str, args: dict[str, Any], after: str, msg: str) -> None:
    path = tmp_path / "f"
    path.write_bytes(before.encode())
    args = {"path": str(path), **args}
    checked = call("lineinfile", args, check=True, diff=True)
    assert path.read_bytes() == before.encode(), "check mode wrote"
    first = call("lineinfile", args, diff=True)
    assert (first["changed"], first["msg"], path.read_bytes()) == (before != after, msg, after.encode())
    assert (checked["changed"], checked["msg"], checked["diff"]) == (first["changed"], first["msg"], first["diff"])
    assert first["diff"][0] == {
        "before": before, "after": after, "before_header": f"{path} (content)", "after_header": f"{path} (content)",
    }  # fmt: skip
    assert first["diff"][1] == {"before_header": f"{path} (file attributes)", "after_header": f"{path} (file attributes)"}
    # A line that its own regexp doesn't find is found as it stands.
    again = call("lineinfile", args)
    assert (again["changed"], again["msg"], path.read_bytes()) == (False, "", after.encode())
    if args.get("state") == "absent":
        assert first["found"] == before.count("\n") - after.count("\n")


@pytest.mark.parametrize("name", ["with space", "new\nline", "ünï", "-dash", "q'uo\"te"])
def test_odd_names(call: Call, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("a\n")
    assert call("lineinfile", {"path": str(path), "line": "ü b", "validate": "grep -q ü %s"})["changed"] is True
    assert path.read_text() == "a\nü b\n"


def test_bytes_that_are_no_text_stay(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"\xff\xfe\x00\nkey = 1\n")
    result = call("lineinfile", {"path": str(path), "regexp": "^key", "line": "key = ü"}, diff=True)
    assert path.read_bytes() == b"\xff\xfe\x00\n" + "key = ü\n".encode()
    result["diff"][0]["after"].encode()


def test_create_makes_folders_and_keeps_modes(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "no" / "such" / "f"
    args = {"path": str(path), "line": "x", "create": True, "mode": "0600"}
    assert call("lineinfile", args, check=True)["changed"] is True
    assert not path.parent.exists()
    made = call("lineinfile", args)
    assert made["msg"] == "line added and ownership, perms or SE linux context changed"
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("x\n", 0o600)
    call("lineinfile", {"path": str(path), "line": "y"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert call("lineinfile", args)["changed"] is False


def test_backup_and_links(call: Call, tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old\n")
    link.symlink_to("real")
    result = call("lineinfile", {"path": str(link), "line": "new", "backup": True})
    assert Path(result["backup"]).read_text() == "old\n" and result["backup"].endswith("~")
    assert link.is_symlink() and real.read_text() == "old\nnew\n"
    assert call("lineinfile", {"path": str(link), "line": "new", "backup": True})["backup"] == ""


@pytest.mark.parametrize(
    ("args", "msg", "more"),
    [
        ({"path": "@/none", "line": "x"}, "Destination @/none does not exist !", {"rc": 257}),
        ({"path": "@", "line": "x"}, "Path @ is a directory !", {"rc": 256}),
        ({"regexp": "x"}, "line is required with state=present", {}),
        ({"line": "x", "backrefs": True}, "regexp is required with backrefs=true", {}),
        ({"state": "absent"}, "one of line, search_string, or regexp is required with state=absent", {}),
        ({"line": "x", "regexp": "a", "search_string": "b"}, "parameters are mutually exclusive: regexp|search_string", {}),
        ({"line": "x", "insertbefore": "a", "insertafter": "b"}, "parameters are mutually exclusive: insertbefore|insertafter", {}),
        ({"line": "x", "validate": "true"}, "validate must contain %s: true", {}),
        ({"line": "x", "validate": "sh -c 'echo bad >&2; exit 3' %s"}, "failed to validate: rc:3 error:bad\n", {}),
        (
            {"line": "x", "regexp": "("},
            "regexp is no regular expression that can be understood: missing ), unterminated subpattern at position 0: (",
            {},
        ),
        ({"line": "a", "owner": "no-such-user"}, "chown failed: failed to look up user no-such-user", {"path": "@/f", "state": "file"}),
        ({"line": "a", "mode": "u+what"}, "mode must be in octal or symbolic form", {"mode": "0644"}),
    ],
)
def test_messages(call: Call, tmp_path: Path, args: dict[str, Any], msg: str, more: dict[str, Any]) -> None:
    (tmp_path / "f").write_text("a\n")
    (tmp_path / "f").chmod(0o644)
    given = {key: value.replace("@", str(tmp_path)) if isinstance(value, str) else value for key, value in {"path": "@/f", **args}.items()}
    result = call("lineinfile", given)
    assert (result["failed"], result["msg"]) == (True, msg.replace("@", str(tmp_path)))
    for key, value in more.items():
        assert result[key] == (value.replace("@", str(tmp_path)) if isinstance(value, str) else value)
    assert (tmp_path / "f").read_text() == "a\n"


def test_an_absent_line_of_an_absent_file(call: Call, tmp_path: Path) -> None:
    assert call("lineinfile", {"path": str(tmp_path / "f"), "line": "x", "state": "absent"}) == {
        "changed": False,
        "msg": "file not present",
    }


def test_an_empty_pattern_is_warned_of(call: Call, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a\nb\n")
    result = call("lineinfile", {"path": str(tmp_path / "f"), "regexp": "", "line": "c"})
    assert (tmp_path / "f").read_text() == "a\nc\n" and "The regular expression is an empty string" in result["warnings"][0]
