"""Proves becoming another user: sudo and su, with and without passwords, for commands and for agents; refusals are SudoErrors that say why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from private_host import PASSWORD, SU_PASSWORD, PrivateHost, su, sudo

from provisioner.transport import Become, ConnectionSettings, HostSession, ModuleCall
from provisioner.transport.errors import SudoError

Make = Callable[[ConnectionSettings], HostSession]
# Control characters, line ends and a byte that no text has: a terminal must not turn any of it.
ODD = "a\nb\r\nc\x03\x04\x11\x13\x7f\x1aü"


def whoami(session: HostSession, become: Become | None) -> tuple[str, str]:
    """By a command alone, and by an agent."""
    by_agent = session.call([ModuleCall("command", {"_raw_params": "id -un"})], become)[0]
    return session.raw("id -un", become).stdout, by_agent["stdout"]


@pytest.mark.parametrize(
    ("user", "become", "expected"),
    [
        ("deploy", sudo(), "root"),
        ("deploy", sudo("not asked for"), "root"),
        ("deploy", sudo(user="guest"), "guest"),
        ("admin", sudo(PASSWORD), "root"),
        ("admin", sudo(PASSWORD, "deploy"), "deploy"),
        ("guest", su(SU_PASSWORD), "root"),
        ("guest", su(PASSWORD, "admin"), "admin"),
        ("root", su(user="guest"), "guest"),
        ("root", su("not asked for", user="guest"), "guest"),
        ("root", sudo(user="admin"), "admin"),
        ("admin", Become("admin"), "admin"),
    ],
)
def test_who_we_become(host: PrivateHost, session: Make, user: str, become: Become, expected: str) -> None:
    assert whoami(session(host.settings(user)), become) == (expected + "\n", expected)


@pytest.mark.parametrize(
    ("user", "become"),
    [
        ("deploy", Become("guest", flags="-i")),
        ("deploy", Become("guest", flags="-n -i", exe="/usr/bin/sudo")),
        ("admin", replace(sudo(PASSWORD, "guest"), flags="-H -S -n -i")),
        ("root", Become("guest", "su", flags="-l")),
        ("root", Become("guest", "su", flags="--login --shell '/bin/bash'", exe="/usr/bin/env su")),
        ("guest", replace(su(PASSWORD, "admin"), flags="-")),
    ],
)
def test_the_method_has_flags_and_a_program_of_its_own(host: PrivateHost, session: Make, user: str, become: Become) -> None:
    """A login begins in the user's home and has none of what was in the environment."""
    one = session(host.settings(user))
    wanted = f"/home/{become.user}\n"
    assert one.raw("pwd", become).stdout == wanted
    assert one.call([ModuleCall("command", {"_raw_params": "id -un"})], become)[0]["stdout"] == become.user
    assert one.raw("pwd", replace(become, flags=None)).stdout == f"/home/{user}\n"


def test_a_program_that_is_not_there(host: PrivateHost, session: Make) -> None:
    with pytest.raises(SudoError, match="doas"):
        session(host.settings("deploy")).raw("id", Become("root", exe="/opt/doas"))


def test_several_users_at_once_over_one_connection(host: PrivateHost, session: Make) -> None:
    one = session(host.settings("deploy"))
    for _ in range(2):
        for become, expected in ((None, "deploy"), (sudo(), "root"), (sudo(user="guest"), "guest"), (su(PASSWORD, "admin"), "admin")):
            assert one.call([ModuleCall("command", {"argv": ["id", "-un"]})], become)[0]["stdout"] == expected
    agents = one.raw("ps -eo args | grep -c '[i]mport base64;exec'").stdout
    assert int(agents) >= 4


@pytest.mark.parametrize("become", [sudo(PASSWORD), su(SU_PASSWORD)], ids=["sudo", "su"])
def test_bytes_pass_unchanged(host: PrivateHost, session: Make, become: Become) -> None:
    one = session(host.settings("admin"))
    result = one.call(
        [ModuleCall("command", {"argv": ["cat"], "stdin": ODD, "stdin_add_newline": False, "strip_empty_ends": False})], become
    )
    assert result[0]["stdout"] == ODD
    content = bytes(range(256)) * 4096
    digest = __import__("hashlib").sha256(content).hexdigest()
    path = f"/var/tmp/blob-{become.method}"
    copied = one.call([ModuleCall("copy", {"dest": path, "_blob": digest}, blobs={digest: content})], become)[0]
    assert copied["changed"] is True and one.fetch(path, become) == content
    one.call([ModuleCall("file", {"path": path, "state": "absent"})], become)


@pytest.mark.parametrize(
    ("user", "become", "cause", "hint"),
    [
        ("admin", sudo(), "sudo wants a password", "ansible_become_password"),
        ("admin", sudo("wrong"), "the password was not taken", "ansible_become_password"),
        ("guest", sudo(PASSWORD), "sudo's rules don't allow it", "sudoers"),
        ("deploy", sudo(user="nobody-here"), "there is no such user", "become_user"),
        ("admin", su("wrong"), "the password was not taken", "ansible_become_password"),
        ("admin", su(), "su wants a password", "ansible_become_password"),
        ("root", su(user="nobody-here"), "there is no such user", "become_user"),
    ],
)
def test_refusals(host: PrivateHost, session: Make, user: str, become: Become, cause: str, hint: str) -> None:
    one = session(host.settings(user))
    for attempt in (lambda: one.raw("id", become), lambda: one.call([ModuleCall("ping", {})], become)):
        with pytest.raises(SudoError) as caught:
            attempt()
        error = caught.value
        assert (error.kind, error.host, error.step) == ("sudo", "target", f"becoming {become.user}")
        assert cause in error.cause and hint in error.hint
        assert "wrong" not in str(error) and PASSWORD not in str(error)
    # The connection is as good as before.
    assert one.raw("id -un").stdout.strip() == user


def test_passwords_show_nowhere(host: PrivateHost, session: Make) -> None:
    one, other = session(host.settings("admin")), session(host.settings())
    for become in (sudo(PASSWORD), su(SU_PASSWORD)):
        seen = one.call([ModuleCall("command", {"_raw_params": "id -un"})], become)[0]
        assert PASSWORD not in str(seen) and SU_PASSWORD not in str(seen)
        assert PASSWORD not in repr(become) and SU_PASSWORD not in repr(become)
        everything = other.raw("cat /proc/*/cmdline /proc/*/environ 2>/dev/null | tr '\\0' '\\n'").stdout
        assert PASSWORD not in everything and SU_PASSWORD not in everything
        assert one.raw("echo out; echo err >&2", become).stdout.replace("\r", "").startswith("out\n")
