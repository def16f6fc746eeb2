"""Proves authorized_key: options, comments and exclusiveness, modes and owners, check mode, a second run without change, its messages."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import pytest

from provisioner.modules.authorized_key import Key, parsed
from tests.module_calls import Call

A, B = "ssh-ed25519 AAAAa a@b", "ssh-ed25519 AAAAb b@b"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (A, Key("", "ssh-ed25519", "AAAAa", "a@b")),
        ('from="1,2",command="echo \\"a b\\"" ssh-rsa x', Key('from="1,2",command="echo \\"a b\\""', "ssh-rsa", "x", "")),
        ("no-pty sk-ssh-ed25519@openssh.com y long comment", Key("no-pty", "sk-ssh-ed25519@openssh.com", "y", "long comment")),
        ("garbage", None),
        ("not a key at all", None),
    ],
)
def test_a_key_is_read(text: str, key: Key | None) -> None:
    assert parsed(text) == key
    assert key is None or key.line() == text


@pytest.mark.parametrize(
    ("before", "args", "after"),
    [
        ("", {"key": A}, f"{A}\n"),
        (f"# c\n{A}\n", {"key": f"{A}\n# c\n{B}"}, f"# c\n{A}\n{B}\n"),
        (f"{A}\n", {"key": A, "key_options": "no-pty"}, f"no-pty {A}\n"),
        (f"no-pty {A}\n", {"key": A}, f"{A}\n"),
        (f'from="1,2",no-pty {A}\n', {"key": A, "key_options": 'no-pty,from="1,2"'}, f'from="1,2",no-pty {A}\n'),
        (f'from="1,2" {A}\n', {"key": A, "key_options": 'from="2,1"'}, f'from="2,1" {A}\n'),
        (f"{A}\n", {"key": A, "comment": "new one"}, "ssh-ed25519 AAAAa new one\n"),
        (f"# c\n{A}\n{B}\n", {"key": B, "exclusive": True}, f"{B}\n"),
        (f"{A}\nno-pty {B}\n", {"key": B, "state": "absent"}, f"{A}\n"),
        (f"what\n{A}\n", {"key": B, "state": "absent"}, f"what\n{A}\n"),
    ],
)
def test_files(call: Call, tmp_path: Path, before: str, args: dict[str, Any], after: str) -> None:
    path = tmp_path / "d" / "keys"
    path.parent.mkdir()
    path.write_text(before)
    args = {"user": getpass.getuser(), "path": str(path), **args}
    checked = call("authorized_key", args, check=True, diff=True)
    assert path.read_text() == before
    first = call("authorized_key", args, diff=True)
    assert path.read_text() == after
    assert first["changed"] == checked["changed"] == (before != after)
    if first["changed"]:
        expected = {"before_header": str(path), "after_header": str(path), "before": before, "after": after}
        assert first["diff"] == checked["diff"] == expected
        assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    again = call("authorized_key", args, diff=True)
    assert again["changed"] is False and "diff" not in again


def test_a_link_is_replaced_unless_followed(call: Call, tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("")
    link.symlink_to(real)
    args = {"user": getpass.getuser(), "path": str(link), "manage_dir": False, "key": A}
    assert call("authorized_key", {**args, "follow": True})["changed"] and link.is_symlink() and real.read_text() == f"{A}\n"
    assert call("authorized_key", {**args, "key": B})["changed"] and not link.is_symlink()
    assert (real.read_text(), link.read_text()) == (f"{A}\n", f"{A}\n{B}\n")


@pytest.mark.parametrize(
    ("args", "check", "msg"),
    [
        ({"key": f"{A}\ngarbage"}, False, "invalid key specified: garbage"),
        ({"key": "file:///no/such"}, False, "Path to a key file not found: /no/such"),
        ({"key": A, "user": "no-such"}, False, "Failed to lookup user no-such: \"getpwnam(): name not found: 'no-such'\""),
        ({"key": A, "user": "no-such"}, True, "Either user must exist or you must provide full path to key file in check mode"),
    ],
)
def test_messages(call: Call, args: dict[str, Any], check: bool, msg: str) -> None:
    result = call("authorized_key", {"user": getpass.getuser(), **args}, check=check)
    assert (result["failed"], result["msg"]) == (True, msg)
