"""Proves a daemon's life: ready when it says so, health by its checks, reload, orderly stop, and exit codes that systemd understands."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from provisioner.kube.client.daemon import Daemon, Listener, run_daemon, setup_logging
from provisioner.kube.client.flags import FlagError, Flags, FlagSet
from provisioner.kube.client.kubeconfig import ConfigError


def flag_set() -> FlagSet:
    return FlagSet("kube-test", "a test")


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    root.handlers = handlers


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listener


def told(listener: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found += listener.recv(200).decode().splitlines()
        except BlockingIOError:
            return found


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_a_whole_life(systemd: socket.socket) -> None:
    order: list[str] = []

    async def start(daemon: Daemon, flags: Flags) -> None:
        async def hook(name: str) -> None:
            order.append(name)

        daemon.on_stop("first", lambda: hook("first"))
        daemon.on_stop("second", lambda: hook("second"))

        def reload() -> None:
            order.append("reload")
            os.kill(os.getpid(), signal.SIGTERM)

        daemon.on_reload(reload)
        assert told(systemd) == []
        await daemon.ready()
        assert told(systemd) == ["READY=1", "STATUS=kube-test is serving"]
        os.kill(os.getpid(), signal.SIGHUP)

    assert run_daemon(flag_set(), [], start) == 0
    assert order == ["reload", "second", "first"]
    assert told(systemd) == ["STOPPING=1"]


def test_health_follows_the_checks() -> None:
    port, seen = free_port(), list[tuple[int, str]]()
    problem: list[str] = []

    async def start(daemon: Daemon, flags: Flags) -> None:
        daemon.add_check("docker", lambda: problem[0] if problem else None)
        await daemon.serve(Listener("127.0.0.1", port))
        await daemon.serve(Listener("127.0.0.1", 0))
        async with aiohttp.ClientSession() as session:

            async def ask(path: str) -> None:
                async with session.get(f"http://127.0.0.1:{port}{path}") as answer:
                    seen.append((answer.status, (await answer.text()).splitlines()[0]))

            await ask("/readyz")
            await daemon.ready()
            await ask("/readyz?verbose")
            await ask("/healthz")
            problem.append("no answer")
            await ask("/healthz")
            await ask("/metrics")
            daemon.configured("test.config.k8s.io", {"Generic": {"Port": port}})
            for path in ("/configz", "/flagz", "/statusz"):
                await ask(path)
            async with session.get(f"http://127.0.0.1:{port}/flagz", headers={"Accept": "application/json"}) as answer:
                seen.append((answer.status, ""))
        daemon.stopping.set()

    assert run_daemon(flag_set(), [], start) == 0
    assert seen[:4] == [
        (503, "[+]docker ok"),
        (200, "[+]docker ok"),
        (200, "ok"),
        (503, "[-]docker failed: no answer"),
    ]
    assert seen[4][0] == 200
    assert [status for status, _ in seen[5:]] == [200, 200, 200, 406]
    assert '"Generic":{"Port":' in seen[5][1] and [line for _, line in seen[6:8]] == ["kube-test flags", "kube-test statusz"]


def test_a_loop_that_ends_by_itself_is_exit_code_one(caplog: pytest.LogCaptureFixture) -> None:
    async def over() -> None:
        return

    async def start(daemon: Daemon, flags: Flags) -> None:
        daemon.spawn("informer", over())
        await daemon.ready()

    assert run_daemon(flag_set(), [], start) == 1


def test_sigterm_during_the_start_is_an_orderly_stop() -> None:
    ended = []

    async def start(daemon: Daemon, flags: Flags) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    assert run_daemon(flag_set(), [], start) == 0
    assert ended == [True]


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (ConfigError("/etc/kubeconfig: no server"), 2, "kube-test: /etc/kubeconfig: no server\n"),
        (FlagError("--x: wrong"), 2, "kube-test: --x: wrong\n"),
        (OSError(98, "Address already in use"), 1, "kube-test: can't start: [Errno 98] Address already in use\n"),
    ],
)
def test_one_message_and_no_traceback(capsys: pytest.CaptureFixture[str], error: Exception, code: int, text: str) -> None:
    async def start(daemon: Daemon, flags: Flags) -> None:
        raise error

    assert run_daemon(flag_set(), [], start) == code
    said = capsys.readouterr().err
    assert said.endswith(text) and "Traceback" not in said


def test_unknown_flags_end_with_two(capsys: pytest.CaptureFixture[str]) -> None:
    async def start(daemon: Daemon, flags: Flags) -> None:
        raise AssertionError("never started")

    assert run_daemon(flag_set(), ["--vv=3", "stray"], start) == 2
    assert capsys.readouterr().err == (
        "kube-test: --vv: unknown flag; did you mean --v?\nkube-test: stray: unexpected argument; kube-test takes flags only\n"
    )


def test_a_stop_hook_that_hangs_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioner.kube.client.daemon.STOP_S", 0.05)

    async def start(daemon: Daemon, flags: Flags) -> None:
        async def hang() -> None:
            await asyncio.Event().wait()

        daemon.on_stop("hanging", hang)
        daemon.stopping.set()

    assert run_daemon(flag_set(), [], start) == 0


def test_a_stop_hook_may_have_time_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioner.kube.client.daemon.STOP_S", 0.05)
    said: list[str] = []
    monkeypatch.setattr("provisioner.kube.client.daemon.notify", lambda *states: said.extend(states))
    done: list[str] = []

    async def start(daemon: Daemon, flags: Flags) -> None:
        async def slow() -> None:
            await asyncio.sleep(0.1)
            done.append("slow")

        async def quick() -> None:
            await asyncio.sleep(0.01)
            done.append("quick")

        daemon.on_stop("quick", quick)
        daemon.on_stop("slow", slow, 5.0)
        daemon.stopping.set()

    assert run_daemon(flag_set(), [], start) == 0
    assert (done, "EXTEND_TIMEOUT_USEC=5050000" in said) == (["slow", "quick"], True)


def test_a_message_of_several_lines_stays_one_event_and_a_traceback_keeps_its_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    setup_logging(2)
    logging.getLogger("provisioner.kube.some").warning("refused: %s", "first\nsecond")
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("provisioner.kube.some").exception("crashed")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "<4>WARNING some: refused: first | second"
    assert lines[1] == "<3>ERROR some: crashed"
    assert lines[-1] == "<3>ValueError: broken"
