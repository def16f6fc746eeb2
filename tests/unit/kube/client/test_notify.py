"""Proves what systemd is told, over a real datagram socket, and that nothing is told where nobody listens."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from provisioner.kube.client.notify import notify, watchdog_interval_s


@pytest.mark.parametrize("abstract", [False, True])
def test_states_are_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool) -> None:
    address = f"@provision-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address.replace("@", "\0", 1) if abstract else address)
        listener.settimeout(2)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        notify("READY=1", "STATUS=serving")
        assert listener.recv(100) == b"READY=1\nSTATUS=serving"


def test_nobody_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    notify("READY=1")
    monkeypatch.delenv("NOTIFY_SOCKET")
    notify("READY=1")


@pytest.mark.parametrize(
    ("allowed", "pid", "expected"),
    [("10000000", None, 5.0), ("10000000", "1", None), (None, None, None), ("2000000", str(os.getpid()), 1.0)],
)
def test_half_of_what_the_watchdog_allows(
    monkeypatch: pytest.MonkeyPatch, allowed: str | None, pid: str | None, expected: float | None
) -> None:
    for name, value in (("WATCHDOG_USEC", allowed), ("WATCHDOG_PID", pid)):
        monkeypatch.setenv(name, value) if value is not None else monkeypatch.delenv(name, raising=False)
    assert watchdog_interval_s() == expected
