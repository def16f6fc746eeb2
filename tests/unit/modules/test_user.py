"""Proves user and group: the programs' arguments for what is and what is wanted, passwords kept out of them, messages. Hosts: integration."""

from __future__ import annotations

import pwd
from pathlib import Path
from typing import Any

import pytest

from provisioner.agent import ssh_key_pairs
from provisioner.agent.context import Context
from provisioner.modules import user
from tests.module_calls import Call

SHADOW = ["daemon", "!$6$a$b", "1", "0", "99999", "7", "", "", ""]
NOT_MADE = "the account new is not there after it was made"  # the programs only seem to run


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str | None]]:
    """What would have been run, with its input."""
    found: list[tuple[str, str | None]] = []

    def noted(self: user.Outcome, command: list[str], data: bytes | None = None) -> None:
        self.changed = True
        found.append((" ".join(command), None if data is None else data.decode()))

    monkeypatch.setattr(user.Outcome, "run", noted)
    monkeypatch.setattr(user, "shadow_of", lambda name: list(SHADOW))
    return found


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({}, ["useradd -m new"]),
        ({"uid": 7, "non_unique": True, "group": "daemon", "groups": [" mail ", "sys"]}, ["useradd -u 7 -o -g daemon -G mail,sys -m new"]),
        ({"comment": "A", "home": "/h", "shell": "/bin/sh", "create_home": False}, ["useradd -c A -d /h -s /bin/sh -M new"]),
        ({"system": True, "skeleton": "/s", "umask": "077", "uid_min": 5}, ["useradd -K UID_MIN=5 -m -k /s -K UMASK=077 -r new"]),
        ({"expires": 1422403387, "password_expire_account_disable": 4}, ["useradd -e 2015-01-28 -f 4 -m new"]),
        ({"expires": -1}, ["useradd -e  -m new"]),
        ({"local": True, "groups": ["mail"], "expires": 86400}, ["luseradd new", "lgroupmod -M new mail", "lchage -E 1 new"]),
        ({"password_lock": True}, ["useradd -m new", "usermod -L new"]),
    ],
)
def test_creation(commands: list[tuple[str, str | None]], call: Call, args: dict[str, Any], expected: list[str]) -> None:
    assert NOT_MADE in call("user", {"name": "new", **args})["msg"]
    assert [command for command, _ in commands] == expected


def test_a_check_does_not_ask_whether_a_new_account_has_its_groups(commands: list[tuple[str, str | None]], call: Call) -> None:
    assert call("user", {"name": "new", "group": "no-such", "groups": ["nor-this"]}, check=True) == {"changed": True} and commands == []


def test_a_password_is_in_no_argument(commands: list[tuple[str, str | None]], call: Call) -> None:
    call("user", {"name": "new", "password": "$6$x$y"})
    assert commands == [("useradd -m new", None), ("chpasswd -e", "new:$6$x$y\n")]


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({}, []),
        ({"uid": 1, "shell": "/usr/sbin/nologin"}, []),
        ({"uid": 70, "comment": "c"}, ["usermod -u 70 -c c daemon"]),
        ({"home": "/other", "move_home": True}, ["usermod -d /other -m daemon"]),
        ({"groups": ["mail"], "append": True}, ["usermod -a -G mail daemon"]),
        ({"groups": ["mail", "sys"]}, ["usermod -G mail,sys daemon"]),
        ({"groups": ["mail"], "local": True}, ["lgroupmod -M daemon mail"]),
        ({"expires": -1}, []),
        ({"expires": 86400 * 3}, ["usermod -e 1970-01-04 daemon"]),
        ({"password": "$6$a$b"}, []),
        ({"password": "$6$a$c"}, ["chpasswd -e"]),
        ({"password": "$6$a$c", "update_password": "on_create"}, []),
        ({"password_lock": True}, []),
        ({"password_lock": False}, ["usermod -U daemon"]),
        ({"password_expire_max": 30, "password_expire_min": 0, "password_expire_warn": 7}, ["chage -M 30 daemon"]),
        ({"password_expire_account_disable": 4}, ["usermod -f 4 daemon"]),
    ],
)
def test_modification(commands: list[tuple[str, str | None]], call: Call, args: dict[str, Any], expected: list[str]) -> None:
    result = call("user", {"name": "daemon", "create_home": False, **args})
    assert [command for command, _ in commands] == expected
    assert (result["changed"], result["append"], result["move_home"]) == (bool(expected), args.get("append", False), "move_home" in args)
    assert (result["uid"], result["group"], result["home"]) == (1, 1, "/usr/sbin")


def test_removal(commands: list[tuple[str, str | None]], call: Call) -> None:
    gone = {"name": "daemon", "state": "absent", "force": True, "remove": True}
    assert call("user", gone) == {"name": "daemon", "state": "absent", "changed": True, "force": True, "remove": True}
    assert commands == [("userdel -f -r daemon", None)]
    assert call("user", {"name": "no-such", "state": "absent"}) == {"name": "no-such", "state": "absent", "changed": False}


def test_a_key_pair_is_made_once_with_its_passphrase_by_input(tmp_path: Path) -> None:
    account = pwd.getpwuid(tmp_path.stat().st_uid)
    args = {
        "name": "x", "ssh_key_type": "ed25519", "ssh_key_bits": 0, "ssh_key_comment": "hi", "ssh_key_passphrase": "long secret", "force": False,
        "ssh_key_file": str(tmp_path / "ssh" / "key"),
    }  # fmt: skip
    result: dict[str, Any] = {}
    assert ssh_key_pairs.generate(args, account, Context(check=True), result) and not (tmp_path / "ssh").exists()
    assert ssh_key_pairs.generate(args, account, Context(), result)
    assert result["ssh_public_key"].endswith(" hi") and result["ssh_fingerprint"].endswith(" hi (ED25519)")
    code, _, _ = Context().run(["ssh-keygen", "-y", "-P", "long secret", "-f", args["ssh_key_file"]])
    assert code == 0 and (tmp_path / "ssh").stat().st_mode & 0o777 == 0o700
    assert not ssh_key_pairs.generate(args, account, Context(), result)
    assert ssh_key_pairs.generate({**args, "force": True}, account, Context(), {})
    (tmp_path / "none").write_text("")
    assert not ssh_key_pairs.generate({**args, "ssh_key_file": str(tmp_path / "none")}, account, Context(), result)
    assert (result["ssh_public_key"], result["ssh_fingerprint"]) == (None, f"{tmp_path}/none is not a public key file.")


@pytest.mark.parametrize(
    ("module", "args", "msg"),
    [
        ("user", {}, "missing required arguments: name"),
        ("user", {"name": "new", "group": "no-such"}, "Group no-such does not exist"),
        ("user", {"name": "new", "groups": "sys,no-such"}, "Group no-such does not exist"),
        ("user", {"name": "new", "state": "x"}, "value of state must be one of: absent, present, got: x"),
        ("user", {"name": "new", "local": True, "uid_min": 3}, "'uid_min' can not be used with 'local'"),
        ("user", {"name": "new", "local": True, "umask": "027"}, "'umask' can not be used with 'local'"),
        ("group", {"name": "new", "non_unique": True}, "non_unique is True but all of the following are missing: gid"),
        (
            "group",
            {"name": "new", "local": True, "force": True},
            "force is not a valid option for local, force=True and local=True are mutually exclusive",
        ),
        ("group", {"name": "new", "local": True, "gid_max": 3}, "'gid_max' can not be used with 'local'"),
    ],
)
def test_messages(call: Call, module: str, args: dict[str, Any], msg: str) -> None:
    result = call(module, args)
    assert (result["failed"], result["msg"]) == (True, msg)


def test_a_plain_password_is_warned_of(commands: list[tuple[str, str | None]], call: Call) -> None:
    assert "appears not to have been hashed" in call("user", {"name": "daemon", "password": "plain", "create_home": False})["warnings"][0]
