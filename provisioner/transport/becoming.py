"""Becoming another user on the host: the command for it, the password when it is asked for, and why it was refused.

Whatever runs as the other user first says MARK on standard output. So nothing has to be guessed: what comes before MARK is between us
and sudo or su, what comes after is the command's own; and a channel that ends before MARK was refused.
"""

from __future__ import annotations

import base64
import re
import shlex
import time

from provisioner.transport.channels import ERROR_OUTPUT, Channel
from provisioner.transport.errors import ConnectionLost, SudoError, TransportError
from provisioner.transport.settings import Become

SUDO_PROMPT = "provision-sudo-password:"
MARK = "PROVISION-BECAME"
_SU_PROMPT = re.compile(rb"[Pp]assword[^\n]*: ?$")
# PAM waits a few seconds after a wrong password.
BECOME_S = 30.0

_WHY = (
    # (what the host says, likely cause, next step)
    (
        r"not in the sudoers|not allowed to (execute|run)|may not run sudo",
        "sudo's rules don't allow it",
        "give the user the right in sudoers",
    ),
    (r"a password is required|no password was provided", "sudo wants a password", "set ansible_become_password, or NOPASSWD in sudoers"),
    (r"incorrect password|Sorry, try again|Authentication failure", "the password was not taken", "check ansible_become_password"),
    (r"must be run from a terminal", "su wants a password", "set ansible_become_password, or become_method sudo"),
    (r"unknown user|user .* does not exist|No passwd entry", "there is no such user", "check become_user"),
    (r"must have a tty|a terminal is required", "sudo's rules want a terminal", "remove requiretty from sudoers"),
    (r"account .*(expired|locked)|expired", "the account has expired", "renew it, or use another user"),
    (r"(sudo|su)[^\n]*not found", "the program is not installed", "install sudo, or set ansible_become_method"),
    (r"nologin|not available", "the user may not have a shell", "check become_user"),
)


def needs_terminal(become: Become | None) -> bool:
    """su reads a password from a terminal only."""
    return become is not None and become.method == "su" and become.password is not None


def as_user(script: str, become: Become | None) -> str:
    """The command line that runs a shell script, as somebody else when asked to."""
    if become is None:
        return f"/bin/sh -c {shlex.quote(script)}"
    # A terminal would turn line ends and control characters of what passes through.
    raw = "stty raw -echo 2>/dev/null; " if needs_terminal(become) else ""
    script = f"{raw}echo {MARK}; {script}"
    inner = shlex.quote(script)
    user, program = shlex.quote(become.user), shlex.join(_words(become.exe or become.method))
    flags = _words(become.flags) if become.flags is not None else ["-H"] if become.method == "sudo" else []
    if become.method == "su":
        # The users of services have no shell of their own.
        return f"/bin/sh -c {shlex.quote(f'LC_ALL=C exec {program} -s /bin/sh {shlex.join(flags)} {user} -c {inner}')}"
    if "-i" in flags or "--login" in flags:
        # sudo hands it to a login shell, and guards all of its characters from that but the dollar.
        inner = shlex.quote(f'eval "`echo {base64.b64encode(script.encode()).decode()} | base64 -d`"')
    flags = [flag for flag in flags if flag not in ("-n", "--non-interactive", "-S", "--stdin")]
    flags += ["-S", "-p", SUDO_PROMPT] if become.password is not None else ["-n"]
    return f"/bin/sh -c {shlex.quote(f'LC_ALL=C exec {program} {shlex.join(flags)} -u {user} -- /bin/sh -c {inner}')}"


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def became(host: str, channel: Channel, become: Become) -> bytes:
    """Wait until we are the other user, giving the password when asked; what the command has said since. Raises SudoError."""
    deadline = time.monotonic() + BECOME_S
    out = b""
    given = False
    while True:
        found = re.search(rb"(?:^|\n)" + MARK.encode() + rb"\r?\n", out)
        if found is not None:
            return out[found.end() :]
        asked = _questions(become, out, channel.errors(), given)
        if asked and become.password is None:
            raise SudoError(host, f"becoming {become.user}", f"{become.method} wants a password", "set ansible_become_password")
        if asked > 1:
            raise SudoError(host, f"becoming {become.user}", "the password was not taken", "check ansible_become_password")
        if asked and not given and become.password is not None:
            channel.send(become.password.reveal().encode() + b"\n")
            given = True
        try:
            chunk = channel.receive(max(0.05, deadline - time.monotonic()))
        except TimeoutError:
            hint = f"is {become.method} waiting for something on the host?"
            said = _said(out, channel)
            raise SudoError(host, f"becoming {become.user}", f"no answer within {BECOME_S:.0f} s", hint, lines=said) from None
        if not chunk and chunk is not ERROR_OUTPUT:
            raise _refused(host, channel, become, out)
        out += chunk


def _questions(become: Become, out: bytes, errors: bytes, given: bool) -> int:
    """How often we have been asked for the password."""
    if become.method != "su":
        return errors.count(SUDO_PROMPT.encode())
    return 1 if not given and _SU_PROMPT.search(out + errors) else 0


def _refused(host: str, channel: Channel, become: Become, out: bytes) -> TransportError:
    code, said = channel.exit_code(5.0), _said(out, channel)
    step = f"becoming {become.user}"
    if code is None and not channel.connected():
        return ConnectionLost(host, step, "the connection broke")
    for pattern, cause, hint in _WHY:
        if re.search(pattern, said):
            return SudoError(host, step, cause, hint, rc=code, lines=said)
    return SudoError(host, step, f"{become.method} refused", "try it by hand on the host", rc=code, lines=said)


def _said(out: bytes, channel: Channel) -> str:
    return cleaned(out + channel.errors())


def cleaned(said: bytes) -> str:
    """What the host said, without the questions for a password."""
    return re.sub(r"[Pp]assword: *|" + SUDO_PROMPT, "", said.decode(errors="replace")).strip()
