"""Proves apt_key with an apt-key of the test's own: ids of every length, what is added and how, removal, check mode, its messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.modules import apt_key
from tests.module_calls import Call

FINGERPRINT = "A8EFBA79486A0854030B253FF229B661A08E73AD"
LONG, SHORT = FINGERPRINT[-16:], FINGERPRINT[-8:]
PROGRAM = r"""#!/bin/sh
here=$(dirname "$0")
case "$*" in
*--list-public-keys*) cat "$here/keys" ;;
*) echo "$@" >>"$here/calls"
   case "$*" in
   *del*) : >"$here/keys" ;;
   *) [ -e "$here/broken" ] || printf 'pub:-:255:22:F229B661A08E73AD:1:::-:\nfpr:::::::::x:\n' >"$here/keys" ;;
   esac ;;
esac
"""


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in (("apt-key", PROGRAM), ("gpg", f"#!/bin/sh\necho pub:-:255:22:{LONG}:1\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "keys").write_text("")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


@pytest.mark.parametrize(
    ("identity", "parts"),
    [
        (FINGERPRINT, (SHORT, LONG, FINGERPRINT)), (LONG.lower(), (SHORT, LONG, LONG)), (SHORT, (SHORT, SHORT, SHORT)),
        (f"0x{LONG}", (SHORT, LONG, LONG)), ("zz", None), ("ABCDEF", None), (None, None),
    ],
)  # fmt: skip
def test_ids(identity: str | None, parts: tuple[str, str, str] | None) -> None:
    if parts is None:
        with pytest.raises(ValueError):
            apt_key.parsed_id(identity)
    else:
        assert apt_key.parsed_id(identity) == parts


def test_added_then_nothing_then_removed(call: Call, programs: Path) -> None:
    args = {"id": FINGERPRINT, "data": "key"}
    told = call("apt_key", args, check=True)
    assert told == {"changed": True, "id": FINGERPRINT, "short_id": SHORT, "fp": LONG, "key_id": FINGERPRINT, "before": []}
    assert not (programs / "calls").exists()
    assert call("apt_key", args)["after"] == [LONG]
    assert call("apt_key", args)["changed"] is False
    assert call("apt_key", {"id": SHORT, "state": "absent", "keyring": "/k"})["changed"] is True
    assert call("apt_key", {"id": SHORT, "state": "absent"})["changed"] is False
    assert (programs / "calls").read_text().splitlines() == ["add -", f"--keyring /k del {SHORT}"]


def test_where_keys_come_from(call: Call, programs: Path) -> None:
    assert call("apt_key", {"file": "/some/file"})["id"] == LONG
    (programs / "keys").write_text("")
    call("apt_key", {"id": SHORT, "keyserver": "k.org"})
    assert (programs / "calls").read_text().splitlines() == ["add /some/file", f"adv --no-tty --keyserver k.org --recv {SHORT}"]


def test_a_key_that_is_there_is_not_fetched_again(call: Call, programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def download(args: object, context: object) -> bytes:
        asked.append(args)
        return b"key"

    monkeypatch.setattr(apt_key, "_download", download)
    args = {"id": LONG, "url": "http://127.0.0.1:1/key"}
    assert call("apt_key", args)["changed"] is True and len(asked) == 1
    assert call("apt_key", args)["changed"] is False and len(asked) == 1
    assert call("apt_key", {"data": "key", "state": "absent"})["changed"] is True, "which key it is, its data says"


def test_messages(call: Call, programs: Path) -> None:
    assert call("apt_key", {"state": "absent"})["msg"] == "Invalid key_id"
    assert call("apt_key", {"data": "a", "url": "b"})["msg"] == "parameters are mutually exclusive: data|file|keyserver|url"
    assert call("apt_key", {"id": SHORT})["msg"].startswith("No key to add: the key A08E73AD is not there")
    assert call("apt_key", {"keyserver": "k.org"})["msg"] == "Missing key_id, required with keyserver."
    (programs / "apt-key").write_text("#!/bin/sh\ncase $* in *add*) exit 1 ;; esac\n")
    refused = call("apt_key", {"file": "/some/file"})
    assert (refused["msg"], refused["keyfile"]) == ("Unable to add a key from file /some/file", "/some/file")
    (programs / "apt-key").write_text(PROGRAM)
    (programs / "broken").touch()
    assert call("apt_key", {"id": SHORT, "data": "x"})["msg"].startswith("apt-key did not return an error, but failed to add the key")
