"""Proves that a machine is up when SSH greets and not before, and that what its console printed can be read."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from provisioner.machines.errors import BootError
from provisioner.machines.libvirt.boot import answers, await_ssh, jump_of, readable


@pytest.fixture
def greeting() -> Iterator[tuple[list[bytes], int]]:
    """A port whose server says the bytes in the list to each who comes."""
    says = [b"SSH-2.0-x\r\n"]
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(says[0])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield says, server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def test_only_an_ssh_server_is_an_answer(greeting: tuple[list[bytes], int]) -> None:
    says, port = greeting
    assert answers("127.0.0.1", port)
    says[0] = b"HTTP/1.1 400"
    assert not answers("127.0.0.1", port)
    assert not answers("127.0.0.1", 1)


def test_it_is_asked_until_it_answers() -> None:
    left = [False, True]
    await_ssh("a", lambda: left.pop(0), lambda: True, lambda: "", 60)
    assert left == []


def test_a_machine_that_ended_and_one_that_is_late() -> None:
    with pytest.raises(BootError, match=r"(?s)host a: ended while it booted.*last words"):
        await_ssh("a", lambda: False, lambda: False, lambda: "last words", 60)
    with pytest.raises(BootError, match=r"host a: no SSH within 0 s; the end of its console: \(empty\)"):
        await_ssh("a", lambda: False, lambda: True, lambda: "", 0)


@pytest.mark.parametrize(
    ("uri", "jump"),
    [
        ("qemu:///system", ""),
        ("qemu+ssh://root@far.example/system", "root@far.example"),
        ("qemu+ssh://far:2222/system", "far:2222"),
        ("qemu+tcp://far/system", ""),
    ],
)
def test_who_is_jumped_over(uri: str, jump: str) -> None:
    assert jump_of(uri) == jump


def test_a_console_is_text() -> None:
    raw = b"\x1bc\x1b[?7l\x1b[2J\x1b[0mSeaBIOS\r\n\r\n\x1b[32m[  OK  ]\x1b[0m Started \xff\r\nlogin: "
    assert readable(raw) == "SeaBIOS\n[  OK  ] Started \ufffd\nlogin:\n"
    assert readable(b"") == ""
