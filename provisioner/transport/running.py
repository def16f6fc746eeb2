"""One running agent: starting it over a channel, and talking with it in frames (four bytes of length, then JSON)."""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Callable as Callable_
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from provisioner.transport.becoming import became, cleaned
from provisioner.transport.calls import Callable
from provisioner.transport.channels import ERROR_OUTPUT, Channel
from provisioner.transport.errors import AgentError, ConnectionLost, DiskFullError, PythonMissingError, TransportError
from provisioner.transport.launch import source_archive
from provisioner.transport.settings import Become

START_S = 30.0
# The agent says that it lives every 10 s, whatever a module does; this much silence is a dead connection.
SILENCE_S = 60.0
# No result is as large as this: it is something else that speaks.
MAX_FRAME_BYTES = 1 << 30
CHUNK = 256 * 1024
STARTING = "starting the agent"
PYTHON_HINT = "install Python 3.7 or newer (with a task of `raw`), or set ansible_python_interpreter"

Note = Callable_[[str, str], None]
"""Told (host, text): what a module waits for."""


class RunningAgent:
    """Its channel, and what it has said that nobody has read yet. Not to be shared between threads."""

    def __init__(self, host: str, channel: Channel, become: Become | None, on_note: Note | None = None) -> None:
        """Waits until the agent is ready. Raises TransportError."""
        self._host, self.channel, self._on_note = host, channel, on_note
        self._buffer = bytearray()
        self._number = 0
        self.round_trips = 0
        """Messages that were answered before the next was sent."""
        if become is not None:
            self._buffer += became(host, channel, become)
        word = self._hello()
        if word == "NEED":
            archive = source_archive()
            channel.send(len(archive).to_bytes(8, "big") + archive)
            word = self._hello()
        if word != "READY":
            raise AgentError(host, STARTING, f"it said {word!r}")

    def close(self) -> None:
        self.channel.close()

    # -- start -----------------------------------------------------------------------------------------------------

    def _hello(self) -> str:
        """The stub's next word. What a login shell prints before it is skipped."""
        deadline = time.monotonic() + START_S
        while True:
            line_end = self._buffer.find(b"\n")
            if line_end >= 0:
                line = bytes(self._buffer[:line_end])
                del self._buffer[: line_end + 1]
                if line.startswith(b"PROVISION "):
                    return self._understood(line[10:].decode(errors="replace").rstrip("\r"))
                continue
            left = deadline - time.monotonic()
            try:
                if left <= 0:
                    raise TimeoutError
                chunk = self.channel.receive(left)
            except TimeoutError:
                hint = "is the host overloaded, or does a login script wait for something?"
                raise AgentError(self._host, STARTING, f"no word within {START_S:.0f} s", hint, lines=self._said()) from None
            if not chunk and chunk is not ERROR_OUTPUT:
                raise self._ended()
            self._buffer += chunk

    def _understood(self, word: str) -> str:
        if word.startswith("OLD "):
            raise PythonMissingError(self._host, STARTING, f"Python {word[4:]} is too old", PYTHON_HINT)
        if word == "NOPYTHON":
            raise PythonMissingError(self._host, STARTING, "no python3 was found", PYTHON_HINT, rc=127)
        if word.startswith("FAIL "):
            number, _, text = word[5:].partition(" ")
            if number in (str(errno.ENOSPC), str(errno.EDQUOT)):
                raise DiskFullError(self._host, "copying the agent", text, "free some room on the host")
            raise AgentError(self._host, "copying the agent", text, "the user needs a folder that it may write: its home, or /var/tmp")
        return word

    def _said(self) -> str:
        return cleaned(bytes(self._buffer[-4096:]) + self.channel.errors())

    def _ended(self) -> TransportError:
        """The process is gone before it said anything: why?"""
        code, said = self.channel.exit_code(5.0), self._said()
        if code in (126, 127):
            return PythonMissingError(self._host, STARTING, "no python3 was found", PYTHON_HINT, rc=code, lines=said)
        if "Unknown option: -I" in said:  # Python 2's word
            return PythonMissingError(self._host, STARTING, "Python 2 is too old", PYTHON_HINT)
        if code is None and not self.channel.connected():
            return ConnectionLost(self._host, STARTING, "the connection broke", lines=said)
        hint = "does `ssh HOST true` work? A login shell that ends, or a forced command, can be the reason"
        return AgentError(self._host, STARTING, "it ended at once", hint, rc=code, lines=said)

    # -- calls -----------------------------------------------------------------------------------------------------

    def run(self, calls: Sequence[Callable], results: list[dict[str, Any]]) -> None:
        """Append a result for each call; stops after one that failed. Raises TransportError."""
        self._number += 1
        wire = [
            {
                "module": call.module.rpartition(".")[2],
                "args": call.args,
                "check": call.check,
                "diff": call.diff,
                "environment": dict(call.environment or {}),
                "timeout_s": call.timeout_s,
                **({"invocation": True} if call.invocation else {}),
            }
            for call in calls
        ]
        blobs: dict[str, bytes | Path] = {}
        for call in calls:
            blobs.update(call.blobs or {})
        self._write({"id": self._number, "calls": wire})
        self.round_trips += 1
        while True:
            frame = self._read()
            if "need" in frame:
                self.round_trips += 1
                self._send_blob(str(frame["need"]), blobs)
            elif "note" in frame:
                if self._on_note is not None:
                    self._on_note(self._host, str(frame["note"]))
            elif frame.get("id") == self._number and "result" in frame:
                results.append(frame["result"])
            elif frame.get("id") == self._number and frame.get("done"):
                return

    def _write(self, document: dict[str, Any]) -> None:
        try:
            body = json.dumps(document, default=_plain).encode()
        except (TypeError, ValueError) as error:
            raise AgentError(self._host, "sending a task", f"its arguments are no JSON: {error}") from error
        self.channel.send(len(body).to_bytes(4, "big") + body)

    def _send_blob(self, digest: str, blobs: Mapping[str, bytes | Path]) -> None:
        content = blobs.get(digest)
        if content is None:
            self._write({"blob": digest, "size": -1})
            return
        if isinstance(content, bytes):
            self._write({"blob": digest, "size": len(content)})
            # In parts: paramiko copies all that is left for every packet.
            for start in range(0, len(content), CHUNK):
                self.channel.send(content[start : start + CHUNK])
            return
        with content.open("rb") as file:
            left = content.stat().st_size
            self._write({"blob": digest, "size": left})
            while left:
                chunk = file.read(min(left, CHUNK))
                if not chunk:
                    raise AgentError(self._host, "sending a file", f"{content} became shorter while it was sent", "run again")
                self.channel.send(chunk)
                left -= len(chunk)

    def _read(self) -> dict[str, Any]:
        """The next frame."""
        while True:
            if len(self._buffer) >= 4:
                size = int.from_bytes(self._buffer[:4], "big")
                if size > MAX_FRAME_BYTES:
                    raise AgentError(self._host, "running a task", "what came is no answer", lines=self._said())
                if len(self._buffer) >= 4 + size:
                    body = bytes(self._buffer[4 : 4 + size])
                    del self._buffer[: 4 + size]
                    found: dict[str, Any] = json.loads(body)
                    return found
            try:
                chunk = self.channel.receive(SILENCE_S)
            except TimeoutError:
                raise ConnectionLost(self._host, "running a task", f"nothing was heard for {SILENCE_S:.0f} s") from None
            if not chunk and chunk is not ERROR_OUTPUT:
                code, said = self.channel.exit_code(2.0), cleaned(self.channel.errors())
                if code is None and not self.channel.connected():
                    raise ConnectionLost(self._host, "running a task", "the connection broke")
                raise AgentError(
                    self._host, "running a task", "the agent ended", "was it killed, by hand or for want of memory?", rc=code, lines=said
                )
            self._buffer += chunk


def _plain(value: Any) -> Any:
    """What templates may leave that JSON doesn't know."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, bytes):
        return value.decode(errors="surrogateescape")
    if hasattr(value, "reveal"):
        return value.reveal()
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return str(value)
