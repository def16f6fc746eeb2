"""Proves rpm_key with an rpm and a gpg of the test's own: files and ids, what is imported once, fingerprints, removal, check mode, its messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.module_calls import Call

FINGERPRINT = "A8EFBA79486A0854030B253FF229B661A08E73AD"
LONG, SHORT = FINGERPRINT[-16:], FINGERPRINT[-8:]
RPM = r"""#!/bin/sh
here=$(dirname "$0")
case "$*" in
"-q gpg-pubkey") [ -e "$here/imported" ] ;;
-q*) cat "$here/imported" ;;
--import*) cp "$2" "$here/imported"; echo "$@" >>"$here/calls" ;;
--erase*) rm "$here/imported"; echo "$@" >>"$here/calls" ;;
esac
"""
# What it shows is the key's text, from a file or its input.
GPG = r"""#!/bin/sh
for last; do :; done
cat "$last"
"""


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in (("rpm", RPM), ("gpg", GPG)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "key").write_text(f"pub:-:255:22:{LONG}:1:::-:\nfpr:::::::::{FINGERPRINT}:\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def test_imported_then_nothing_then_removed(call: Call, programs: Path) -> None:
    args: dict[str, Any] = {"key": str(programs / "key"), "fingerprint": [f"{FINGERPRINT[:20]} {FINGERPRINT[20:].lower()}"]}
    assert call("rpm_key", args, check=True) == {"changed": True}
    assert not (programs / "calls").exists()
    assert call("rpm_key", args) == {"changed": True}
    assert call("rpm_key", args) == {"changed": False}
    assert call("rpm_key", {"key": f"0x{SHORT.lower()}"}) == {"changed": False}
    assert call("rpm_key", {"key": SHORT, "state": "absent"}, check=True) == {"changed": True}
    assert call("rpm_key", {"key": SHORT, "state": "absent"}) == {"changed": True}
    assert call("rpm_key", {"key": SHORT, "state": "absent"}) == {"changed": False}
    assert (programs / "calls").read_text() == f"--import {programs / 'key'}\n--erase --allmatches gpg-pubkey-{SHORT.lower()}\n"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"key": "deadbeef"}, "When importing a key, a valid file must be given"),
        ({"key": "/nowhere"}, "Not a valid key /nowhere"),
        ({"key": "KEY", "fingerprint": "AB CD"}, "The specified fingerprint, 'ABCD', does not match any key fingerprints in 'KEY'"),
        ({"key": "EMPTY"}, "Unexpected gpg output"),
        ({"key": "http://127.0.0.1:1/key"}, "failed to fetch key at http://127.0.0.1:1/key , error was: "),
        ({}, "missing required arguments: key"),
    ],
)
def test_what_is_wrong(call: Call, programs: Path, args: dict[str, Any], said: str) -> None:
    (programs / "empty").write_text("")
    places = {"KEY": str(programs / "key"), "EMPTY": str(programs / "empty")}
    answer = call("rpm_key", {**args, **({"key": places[args["key"]]} if args.get("key") in places else {})})
    assert answer["failed"] and said.replace("'KEY'", f"'{places['KEY']}'") in answer["msg"]
    assert not (programs / "calls").exists()


def test_without_rpm(call: Call, programs: Path) -> None:
    (programs / "rpm").unlink()
    assert 'Failed to find required executable "rpm"' in call("rpm_key", {"key": SHORT})["msg"]
