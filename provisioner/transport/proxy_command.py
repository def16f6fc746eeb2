"""A program whose input and output are the connection to a host: ssh_config(5), ProxyCommand."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile

# How long it may take to end after its connection did.
END_S = 2.0
SAID_BYTES = 4096


class ProxyCommand:
    """Runs at once; `sock` is the other end. It may ask its user at the terminal; what it says on standard error is kept for `said`."""

    def __init__(self, command: str) -> None:
        self.sock, theirs = socket.socketpair()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        with theirs:
            both = theirs.fileno()
            self._process = subprocess.Popen(["/bin/sh", "-c", f"exec {command}"], stdin=both, stdout=both, stderr=self._errors)

    def said(self) -> str:
        """The last that it said on standard error."""
        self._errors.seek(0)
        return self._errors.read()[-SAID_BYTES:].decode(errors="replace").strip()

    def close(self) -> None:
        self.sock.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_S)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._errors.close()
