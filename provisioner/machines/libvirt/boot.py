"""Waiting for a machine to answer SSH, by asking its port: what DHCP last gave out says nothing of this boot."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from provisioner.machines.errors import BootError

# Terminal control sequences, which firmware and boot loader print a lot of.
_CONTROL = re.compile(r"\x1b[\[()][0-9;?]*[A-Za-z]|\x1b[c=>78]|[\x00-\x08\x0b-\x1f]")
_POLL_S = 0.25


def await_ssh(host: str, reach: Callable[[], bool], running: Callable[[], bool], console: Callable[[], str], timeout_s: float) -> None:
    """Returns when `reach` says that SSH answers. Raises BootError with the end of the console when the machine ends or time does."""
    deadline = time.monotonic() + timeout_s
    while not reach():
        if not running():
            raise BootError(host, "ended while it booted", console())
        if time.monotonic() > deadline:
            raise BootError(host, f"no SSH within {timeout_s:.0f} s", console())
        time.sleep(_POLL_S)


def answers(address: str, port: int = 22) -> bool:
    """Whether an SSH server greets at the address."""
    try:
        with socket.create_connection((address, port), timeout=2.0) as connection:
            connection.settimeout(10.0)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def answers_through(jump: str, address: str) -> bool:
    """The same from another computer's point of view: `jump` is where libvirt runs ([user@]host[:port])."""
    words = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-W", f"{address}:22", f"ssh://{jump}"]
    try:
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        return False
    try:
        assert process.stdout
        killer = time.monotonic() + 15.0
        greeting = b""
        while len(greeting) < 4 and process.poll() is None and time.monotonic() < killer:
            greeting += process.stdout.read(4 - len(greeting))
        return greeting == b"SSH-"
    finally:
        process.kill()
        process.communicate()


def jump_of(uri: str) -> str:
    """The computer of a connection over SSH, as ProxyJump takes it; empty for other connections."""
    parts = urlsplit(uri)
    return parts.netloc if parts.scheme.endswith("+ssh") or "+libssh" in parts.scheme else ""


def readable(console: bytes) -> str:
    """The console as text: lines, without what moves the cursor."""
    text = _CONTROL.sub("", console.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n"))
    return "\n".join(line.rstrip() for line in text.split("\n") if line.strip()) + "\n" if text.strip() else ""
