"""A host's session: connects when first used, keeps an agent for each user that acts, calls modules in batches."""

from __future__ import annotations

import errno
import getpass
import json
import threading
import time
from collections.abc import Callable as Callable_
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fabric

from provisioner.transport.calls import Callable, ModuleCall
from provisioner.transport.channels import ERROR_OUTPUT, Channel, LocalChannel, SshChannel
from provisioner.transport.connection import connect
from provisioner.transport.errors import AgentError, ConnectionLost, DiskFullError, PythonMissingError, SudoError, TransportError
from provisioner.transport.launch import SUDO_PROMPT, agent_command, as_user, source_archive
from provisioner.transport.settings import Become, ConnectionSettings

START_S = 30.0
# The agent says that it lives every 10 s, whatever a module does; this much silence is a dead connection.
SILENCE_S = 60.0
# Running one of these twice may do twice what was wanted: they are never sent again after a lost connection.
NOT_REPEATABLE = frozenset({"command", "shell", "raw", "script", "expect", "reboot", "async_wrapper"})


@dataclass(frozen=True)
class RawResult:
    """What a command without an agent gave."""

    rc: int
    stdout: str
    stderr: str


class HostSession:
    """Safe to share between threads: calls of one host are carried out one after the other."""

    def __init__(self, settings: ConnectionSettings, on_note: Callable_[[str, str], None] | None = None) -> None:
        """`on_note` is told (host, text) what a module waits for while it still runs; it must neither fail nor block."""
        self.settings = settings
        self._on_note = on_note
        self._lock = threading.RLock()
        self._connection: fabric.Connection | None = None
        self._agents: dict[Become | None, _Agent] = {}

    def call(self, calls: Sequence[Callable], become: Become | None = None) -> list[dict[str, Any]]:
        """Run modules in order; their results, ending with the first that failed. Raises TransportError."""
        if not calls:
            return []
        with self._lock:
            results: list[dict[str, Any]] = []
            try:
                self._agent(become).run(calls, results)
            except ConnectionLost:
                self._drop()
                rest = calls[len(results) :]
                if any(call.module.rpartition(".")[2] in NOT_REPEATABLE for call in rest):
                    raise
                self._agent(become).run(rest, results)
            except TransportError:
                self._drop()
                raise
            return results

    def raw(self, command: str, become: Become | None = None, timeout_s: float | None = None, stdin: bytes | None = None) -> RawResult:
        """Run a shell command that needs nothing on the host but a shell. Raises TransportError."""
        with self._lock:
            import shlex

            line = as_user(f"/bin/sh -c {shlex.quote(command)}", become, self._user())
            channel = self._open(line)
            try:
                if become is not None and become.password is not None and become.user != self._user():
                    _answer_sudo(self.settings.name, channel, become, b"")
                if stdin:
                    channel.send(stdin)
                channel.end_input()
                result = self._collect(channel, command, timeout_s)
            finally:
                channel.close()
        said = result.stderr.strip()
        if become is not None and result.rc == 1 and not result.stdout and said.startswith(("sudo:", "su:")):
            hint = "give the user the right to sudo, or set ansible_become_password"
            raise SudoError(self.settings.name, f"becoming {become.user}", "sudo refused", hint, rc=result.rc, lines=said)
        return result

    def _collect(self, channel: Channel, command: str, timeout_s: float | None) -> RawResult:
        deadline = time.monotonic() + (timeout_s if timeout_s is not None else 3600.0)
        out = bytearray()
        while True:
            try:
                chunk = channel.receive(max(0.05, deadline - time.monotonic()))
            except TimeoutError:
                raise ConnectionLost(self.settings.name, "running a command", f"no end within {timeout_s} s", command=command) from None
            if not chunk:
                break
            if chunk != ERROR_OUTPUT:
                out += chunk
        code = channel.exit_code(10.0)
        text, errors = out.decode(errors="replace"), channel.errors().decode(errors="replace")
        return RawResult(-1 if code is None else code, text, errors.replace(SUDO_PROMPT, ""))

    def fetch(self, path: str, become: Become | None = None) -> bytes:
        """A file's content. Raises AgentError where it can't be read."""
        import base64

        result = self.call([ModuleCall("slurp", {"src": path})], become)[0]
        if result.get("failed"):
            raise AgentError(self.settings.name, f"reading {path}", str(result.get("msg")))
        return base64.b64decode(result["content"])

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        for agent in self._agents.values():
            agent.channel.close()
        self._agents.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _user(self) -> str:
        return getpass.getuser() if self.settings.connection == "local" else self.settings.user

    def _open(self, command: str) -> Channel:
        settings = self.settings
        if settings.connection == "local":
            return LocalChannel(settings.name, ["/bin/sh", "-c", command])
        if self._connection is None or not self._connection.is_connected:
            self._connection = connect(settings)
        return SshChannel(settings.name, self._connection.transport, command, settings.connect_timeout_s)

    def _agent(self, become: Become | None) -> _Agent:
        if become is not None and become.user == self._user():
            become = None
        if become not in self._agents:
            channel = self._open(agent_command(self.settings.python_interpreter, become, self._user()))
            try:
                self._agents[become] = _Agent(self.settings.name, channel, become, self._on_note)
            except TransportError:
                channel.close()
                raise
        return self._agents[become]


def _answer_sudo(host: str, channel: Channel, become: Become, first: bytes) -> bytes:
    """Give sudo the password when it asks; what came on standard output meanwhile. Raises SudoError for a second question."""
    asked = False
    deadline = time.monotonic() + START_S
    out = first
    assert become.password is not None
    while time.monotonic() < deadline:
        prompts = channel.errors().count(SUDO_PROMPT.encode())
        if prompts > 1:
            raise SudoError(host, f"becoming {become.user}", "the password was not taken", "check ansible_become_password")
        if prompts == 1 and not asked:
            channel.send(become.password.reveal().encode() + b"\n")
            asked = True
            return out
        code = channel.exit_code(0.0) if not prompts else None
        if code is not None:
            return out
        try:
            chunk = channel.receive(0.3)
        except TimeoutError:
            return out
        if chunk and chunk != ERROR_OUTPUT:
            return out + chunk
    return out


class _Agent:
    """One running agent: its channel, and what it has said that nobody has read yet."""

    def __init__(self, host: str, channel: Channel, become: Become | None, on_note: Callable_[[str, str], None] | None = None) -> None:
        self._host, self.channel, self._become = host, channel, become
        self._on_note = on_note
        self._buffer = bytearray()
        self._answered = False
        self._number = 0
        if become is not None and become.password is not None:
            self._buffer += _answer_sudo(host, channel, become, b"")
            self._answered = True
        word = self._hello()
        if word == "NEED":
            archive = source_archive()[1]
            channel.send(len(archive).to_bytes(8, "big") + archive)
            word = self._hello()
        if word != "READY":
            raise AgentError(host, "starting the agent", f"it said {word!r}")

    def _hello(self) -> str:
        """The stub's next word. What a login shell prints before it is skipped."""
        deadline = time.monotonic() + START_S
        while True:
            line_end = self._buffer.find(b"\n")
            if line_end >= 0:
                line = bytes(self._buffer[:line_end])
                del self._buffer[: line_end + 1]
                if line.startswith(b"PROVISION "):
                    return self._understood(line[10:].decode(errors="replace"))
                continue
            try:
                chunk = self.channel.receive(max(0.05, deadline - time.monotonic()))
            except TimeoutError:
                raise AgentError(self._host, "starting the agent", f"no word within {START_S:.0f} s", lines=self._said()) from None
            if not chunk:
                raise self._ended()
            if chunk != ERROR_OUTPUT:
                self._buffer += chunk
            elif self._answered and self.channel.errors().count(SUDO_PROMPT.encode()) > 1:
                raise SudoError(self._host, "becoming another user", "the password was not taken", "check ansible_become_password")

    def _understood(self, word: str) -> str:
        if word.startswith("OLD "):
            raise PythonMissingError(self._host, "starting the agent", f"Python {word[4:]} is too old", "install Python 3.7 or newer")
        if word == "NOPYTHON":
            raise PythonMissingError(
                self._host, "starting the agent", "no python3 was found", "install python3, or set ansible_python_interpreter"
            )
        if word.startswith("FAIL "):
            number, _, text = word[5:].partition(" ")
            if number == str(errno.ENOSPC):
                raise DiskFullError(self._host, "copying the agent", text, "free some room on the host")
            raise AgentError(self._host, "copying the agent", text)
        return word

    def _said(self) -> str:
        return self.channel.errors().decode(errors="replace").replace(SUDO_PROMPT, "")

    def _ended(self) -> TransportError:
        """The process is gone before it said anything: why?"""
        code, said = self.channel.exit_code(5.0), self._said()
        if self._become is not None and ("sudo" in said or "su:" in said):
            hint = "give the user the right to sudo, or set ansible_become_password"
            return SudoError(self._host, f"becoming {self._become.user}", "sudo refused", hint, rc=code, lines=said)
        if code in (126, 127):
            return PythonMissingError(self._host, "starting the agent", "no python3 was found", "install python3", rc=code, lines=said)
        if code is None:
            return ConnectionLost(self._host, "starting the agent", "the connection broke")
        return AgentError(self._host, "starting the agent", "it ended at once", rc=code, lines=said)

    # -- calls -----------------------------------------------------------------------------------------------------

    def run(self, calls: Sequence[Callable], results: list[dict[str, Any]]) -> None:
        """Append a result for each call; stops after one that failed."""
        self._number += 1
        wire = [
            {
                "module": call.module.rpartition(".")[2],
                "args": call.args,
                "check": call.check,
                "diff": call.diff,
                "environment": dict(call.environment or {}),
                "timeout_s": call.timeout_s,
            }
            for call in calls
        ]
        blobs: dict[str, bytes | Path] = {}
        for call in calls:
            blobs.update(call.blobs or {})
        self._write({"id": self._number, "calls": wire})
        while True:
            frame = self._read()
            if "need" in frame:
                self._send_blob(frame["need"], blobs)
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
            self.channel.send(content)
            return
        size = content.stat().st_size
        self._write({"blob": digest, "size": size})
        with content.open("rb") as file:
            while chunk := file.read(256 * 1024):
                self.channel.send(chunk)

    def _read(self) -> dict[str, Any]:
        while True:
            if len(self._buffer) >= 4:
                size = int.from_bytes(self._buffer[:4], "big")
                if len(self._buffer) >= 4 + size:
                    body = bytes(self._buffer[4 : 4 + size])
                    del self._buffer[: 4 + size]
                    found: dict[str, Any] = json.loads(body)
                    return found
            try:
                chunk = self.channel.receive(SILENCE_S)
            except TimeoutError:
                raise ConnectionLost(self._host, "running a task", f"nothing was heard for {SILENCE_S:.0f} s") from None
            if not chunk:
                code, said = self.channel.exit_code(2.0), self._said()
                if code is None:
                    raise ConnectionLost(self._host, "running a task", "the connection broke")
                raise AgentError(self._host, "running a task", "the agent ended", rc=code, lines=said)
            if chunk != ERROR_OUTPUT:
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
