"""A byte stream to a process on the host: over SSH, or a local process for connection: local."""

from __future__ import annotations

import os
import select
import subprocess
import time
from typing import Protocol

import paramiko

from provisioner.transport.errors import ConnectionLost

CHUNK = 64 * 1024


class Channel(Protocol):
    """`receive` waits for at least one byte and gives b"" at the end; `errors` is what the process has said on standard error so far."""

    def send(self, data: bytes) -> None: ...
    def receive(self, timeout_s: float) -> bytes: ...
    def errors(self) -> bytes: ...
    def exit_code(self, timeout_s: float) -> int | None: ...
    def end_input(self) -> None: ...
    def close(self) -> None: ...


class SshChannel:
    def __init__(self, host: str, transport: paramiko.Transport, command: str, open_timeout_s: float) -> None:
        self._host = host
        try:
            self._channel = transport.open_session(timeout=open_timeout_s)
            self._channel.exec_command(command)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise ConnectionLost(host, "opening a channel", str(error) or type(error).__name__) from error
        self._errors = bytearray()

    def send(self, data: bytes) -> None:
        try:
            self._channel.sendall(data)
        except (OSError, EOFError) as error:
            raise ConnectionLost(self._host, "sending", str(error) or "the connection is closed") from error

    def receive(self, timeout_s: float) -> bytes:
        deadline = time.monotonic() + timeout_s
        while True:
            self._drain()
            self._channel.settimeout(min(0.25, max(0.01, deadline - time.monotonic())))
            try:
                return self._channel.recv(CHUNK)
            except TimeoutError:
                if self._channel.recv_stderr_ready():
                    return b"\x00ERR"
                if time.monotonic() >= deadline:
                    raise
            except (OSError, EOFError) as error:
                raise ConnectionLost(self._host, "receiving", str(error) or "the connection is closed") from error

    def _drain(self) -> None:
        while self._channel.recv_stderr_ready():
            self._errors += self._channel.recv_stderr(CHUNK)
            del self._errors[:-CHUNK]

    def errors(self) -> bytes:
        self._drain()
        return bytes(self._errors)

    def exit_code(self, timeout_s: float) -> int | None:
        if self._channel.status_event.wait(timeout_s):
            self._drain()
            return self._channel.recv_exit_status()
        return None

    def end_input(self) -> None:
        self._channel.shutdown_write()

    def close(self) -> None:
        self._channel.close()


class LocalChannel:
    def __init__(self, host: str, argv: list[str]) -> None:
        self._host = host
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        self._errors = bytearray()

    def send(self, data: bytes) -> None:
        assert self._process.stdin is not None
        view = memoryview(data)
        try:
            while view:
                view = view[self._process.stdin.write(view) or 0 :]
        except OSError as error:
            raise ConnectionLost(self._host, "sending", str(error)) from error

    def receive(self, timeout_s: float) -> bytes:
        out, err = self._process.stdout, self._process.stderr
        assert out is not None
        assert err is not None
        deadline = time.monotonic() + timeout_s
        while True:
            ready, _, _ = select.select([out, err], [], [], max(0.0, deadline - time.monotonic()))
            if out in ready:
                return os.read(out.fileno(), CHUNK)
            if err in ready:
                data = os.read(err.fileno(), CHUNK)
                self._errors += data
                if not data:
                    ready, _, _ = select.select([out], [], [], max(0.0, deadline - time.monotonic()))
                    if ready:
                        return os.read(out.fileno(), CHUNK)
                    raise TimeoutError
                return b"\x00ERR"
            raise TimeoutError

    def errors(self) -> bytes:
        err = self._process.stderr
        assert err is not None
        while select.select([err], [], [], 0)[0]:
            data = os.read(err.fileno(), CHUNK)
            if not data:
                break
            self._errors += data
        return bytes(self._errors)

    def exit_code(self, timeout_s: float) -> int | None:
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def end_input(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()

    def close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


# What `receive` gives when only standard error had something: the caller looks at `errors()`.
ERROR_OUTPUT = b"\x00ERR"
