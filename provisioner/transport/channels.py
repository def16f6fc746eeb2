"""A byte stream to a process on the host: over SSH, or a local process for connection: local; on a terminal where that is needed."""

from __future__ import annotations

import fcntl
import os
import select
import subprocess
import termios
import time
from pathlib import Path
from typing import Protocol

import paramiko

from provisioner.transport.errors import ChannelNotOpened, ConnectionLost

CHUNK = 64 * 1024
# A host that takes no more input for this long is gone.
SEND_S = 120.0
# How long a process may take to end after its input did.
END_S = 2.0


class ErrorOutput(bytes):
    """What `receive` gives when only standard error had something: look at `errors()`."""


ERROR_OUTPUT = ErrorOutput()


class Channel(Protocol):
    """`receive` waits for at least one byte, gives b"" at the end, ERROR_OUTPUT (compare with `is`) when only standard error has news,
    and raises TimeoutError. `errors` is what the process has said on standard error so far; on a terminal that is part of the output.
    `exit_code` is None where it is not known in time, or a signal ended the process; then `connected` tells whether the connection broke.
    Everything else that goes wrong is a ConnectionLost; a ChannelNotOpened has done nothing on the host.
    """

    def send(self, data: bytes) -> None: ...
    def receive(self, timeout_s: float) -> bytes: ...
    def errors(self) -> bytes: ...
    def exit_code(self, timeout_s: float) -> int | None: ...
    def connected(self) -> bool: ...
    def end_input(self) -> None: ...
    def close(self) -> None: ...


class SshChannel:
    def __init__(self, host: str, transport: paramiko.Transport, command: str, open_timeout_s: float, *, terminal: bool = False) -> None:
        self._host = host
        self._transport = transport
        step = "opening a channel"
        failure: type[ConnectionLost] = ChannelNotOpened
        try:
            self._channel = transport.open_session(timeout=open_timeout_s)
            if terminal:
                self._channel.get_pty("dumb")
            step, failure = "starting a command", ConnectionLost
            self._channel.exec_command(command)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise failure(host, step, str(error) or type(error).__name__) from error
        self._errors = bytearray()

    def send(self, data: bytes) -> None:
        try:
            self._channel.settimeout(SEND_S)
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
                    return ERROR_OUTPUT
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
        if not self._channel.status_event.wait(timeout_s):
            return None
        self._drain()
        code = self._channel.recv_exit_status()
        return None if code < 0 else code

    def connected(self) -> bool:
        # Its thread ends with the connection, a moment after its channels have.
        self._transport.join(0.2)
        return self._transport.is_alive()

    def end_input(self) -> None:
        try:
            self._channel.shutdown_write()
        except (OSError, EOFError):
            return  # it has ended already, which the next receive tells

    def close(self) -> None:
        try:
            self._channel.close()
        except (OSError, EOFError):
            return  # with the connection


class LocalChannel:
    def __init__(self, host: str, argv: list[str], *, terminal: bool = False, folder: str | None = None) -> None:
        self._host = host
        self._errors = bytearray()
        self._master = -1
        folder = folder if folder is not None and Path(folder).is_dir() else None
        if terminal:
            self._start_on_terminal(argv, folder)
            return
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0, cwd=folder)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._in, self._out, self._err = (stream.fileno() for stream in (self._process.stdin, self._process.stdout, self._process.stderr))

    def _start_on_terminal(self, argv: list[str], folder: str | None) -> None:
        self._master, slave = os.openpty()
        self._in = self._out = self._master
        self._err = -1

        def own_terminal() -> None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self._process = subprocess.Popen(
            argv, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, preexec_fn=own_terminal, bufsize=0, cwd=folder
        )
        os.close(slave)

    def send(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._in, view) :]
        except OSError as error:
            raise ConnectionLost(self._host, "sending", str(error)) from error

    def receive(self, timeout_s: float) -> bytes:
        deadline = time.monotonic() + timeout_s
        while True:
            wanted = [stream for stream in (self._out, self._err) if stream >= 0]
            ready, _, _ = select.select(wanted, [], [], max(0.0, deadline - time.monotonic()))
            if self._out in ready:
                return self._read(self._out)
            if not ready:
                raise TimeoutError
            data = self._read(self._err)
            self._keep(data)
            if data:
                return ERROR_OUTPUT
            self._err = -1

    def _read(self, stream: int) -> bytes:
        try:
            return os.read(stream, CHUNK)
        except OSError:  # a terminal whose last process has gone
            return b""

    def _keep(self, data: bytes) -> None:
        self._errors += data
        del self._errors[:-CHUNK]

    def errors(self) -> bytes:
        while self._err >= 0 and select.select([self._err], [], [], 0)[0]:
            data = self._read(self._err)
            self._keep(data)
            if not data:
                self._err = -1
        return bytes(self._errors)

    def exit_code(self, timeout_s: float) -> int | None:
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def connected(self) -> bool:
        return True

    def end_input(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        else:
            self.send(b"\x04")

    def close(self) -> None:
        if self._master >= 0:
            os.close(self._master)
            self._master = -1
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        if self.exit_code(END_S) is None:
            self._process.kill()
            self._process.wait()
