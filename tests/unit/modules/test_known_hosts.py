"""Proves known_hosts: keys replaced by type, plain and hashed names, check mode, a second run without change, its messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.module_calls import Call

ONE = "example.org ssh-ed25519 AAAAone"
TWO = "example.org ssh-ed25519 AAAAtwo"
RSA = "example.org ssh-rsa AAAArsa"


@pytest.mark.parametrize(
    ("before", "key", "present", "changed", "after"),
    [
        ("", ONE, True, True, f"{ONE}\n"),
        (f"{ONE}\n", TWO, True, True, f"{TWO}\n"),
        (f"{ONE}\n", RSA, True, True, f"{ONE}\n{RSA}\n"),
        (f"# c\n{ONE} comment\n", ONE, True, False, f"# c\n{ONE} comment\n"),
        ("example.org,other ssh-rsa AAAArsa\n", RSA, True, True, f"{RSA}\n"),
        (f"@cert-authority {RSA}\n", RSA, True, True, f"@cert-authority {RSA}\n{RSA}\n"),
        (f"{RSA}\n", f"@cert-authority {RSA}", True, True, f"@cert-authority {RSA}\n"),
        (f"{ONE}\n{RSA}\n", RSA, False, True, f"{ONE}\n"),
        (f"@cert-authority {RSA}\n", RSA, False, False, f"@cert-authority {RSA}\n"),
        (f"{ONE}\n{RSA}\nother ssh-rsa x\n", None, False, True, "other ssh-rsa x\n"),
        (f"@revoked {ONE}\n{RSA}\n", None, False, True, f"@revoked {ONE}\n"),
        ("example.com ssh-rsa x\n", None, False, False, "example.com ssh-rsa x\n"),
        ("*.org,!example.org ssh-rsa x\n", None, False, False, "*.org,!example.org ssh-rsa x\n"),
        ("*.org ssh-rsa x\n", None, False, True, ""),
    ],
)
def test_the_file(call: Call, tmp_path: Path, before: str, key: str | None, present: bool, changed: bool, after: str) -> None:
    path = tmp_path / "kh"
    path.write_text(before)
    args = {"name": "EXAMPLE.org", "path": str(path), "state": "present" if present else "absent", **({"key": key} if key else {})}
    assert call("known_hosts", args)["changed"] is changed
    assert path.read_text() == after


def test_what_is_removed_stays_in_the_old_file(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "kh"
    path.write_text("[h.org]:22 ssh-rsa x\n")
    assert call("known_hosts", {"name": "[h.org]:22", "path": str(path), "state": "absent"})["changed"]
    assert (path.read_text(), (tmp_path / "kh.old").read_text()) == ("", "[h.org]:22 ssh-rsa x\n")


def test_first_changes_then_does_not(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "kh"
    args = {"name": "example.org", "key": ONE, "path": str(path)}
    assert call("known_hosts", args, check=True)["changed"] and not path.exists()
    first = call("known_hosts", args)
    assert first["diff"] == {"before_header": "/dev/null", "after_header": str(path), "before": "", "after": f"{ONE}\n"}
    assert (first["changed"], first["state"], first["mode"], first["key"]) == (True, "file", "0644", ONE)
    assert call("known_hosts", args)["changed"] is False


def test_hashed_names_are_found_and_changed(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "kh"
    args: dict[str, Any] = {"name": "example.org", "key": ONE, "path": str(path), "hash_host": True}
    assert call("known_hosts", args)["changed"]
    assert path.read_text().startswith("|1|") and "example" not in path.read_text()
    assert call("known_hosts", args)["changed"] is False
    assert call("known_hosts", {**args, "hash_host": False})["changed"] and path.read_text() == f"{ONE}\n"
    assert call("known_hosts", args)["changed"]
    assert call("known_hosts", {"name": "example.org", "state": "absent", "path": str(path)})["changed"] and path.read_text() == ""


@pytest.mark.parametrize(
    ("args", "msg"),
    [
        ({"name": "a"}, "No key specified when adding a host"),
        ({"name": "a", "key": ONE}, "Host parameter does not match hashed host field in supplied key"),
        ({"name": "a", "key": "garbage"}, "Host parameter does not match hashed host field in supplied key"),
        (
            {"name": "a,b", "key": "a,b ssh-rsa x"},
            "Comma separated list of names is not supported. Please pass a single name to lookup in the known_hosts file.",
        ),
    ],
)
def test_messages(call: Call, tmp_path: Path, args: dict[str, Any], msg: str) -> None:
    result = call("known_hosts", {"path": str(tmp_path / "f"), **args})
    assert (result["failed"], result["msg"]) == (True, msg)
