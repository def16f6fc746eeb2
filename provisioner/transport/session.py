"""A host's session: connects when first used, keeps an agent for each user that acts, calls modules in batches."""

from __future__ import annotations

import base64
import getpass
import shlex
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from provisioner.transport.becoming import SUDO_PROMPT, as_user, became, cleaned, needs_terminal
from provisioner.transport.calls import Callable, ModuleCall
from provisioner.transport.channels import ERROR_OUTPUT, Channel, LocalChannel, SshChannel
from provisioner.transport.connection import LOGIN_S, Link, connect
from provisioner.transport.errors import AgentError, ChannelNotOpened, CommandTimeout, ConnectError, ConnectionLost
from provisioner.transport.launch import agent_script
from provisioner.transport.programs import on_terminal
from provisioner.transport.running import Note, RunningAgent
from provisioner.transport.settings import Become, ConnectionSettings

# A command without a limit of its own.
RAW_S = 3600.0
# Running one of these twice may do twice what was wanted: they are never sent again after a lost connection.
NOT_REPEATABLE = frozenset({"command", "shell", "raw", "script", "expect", "reboot", "async_wrapper", "own_module", "own_program"})


@dataclass(frozen=True)
class RawResult:
    """What a command without an agent gave. On a terminal (su with a password) `stdout` has the errors too."""

    rc: int
    stdout: str
    stderr: str


class HostSession:
    """Safe to share between threads: calls of one host are carried out one after the other."""

    def __init__(self, settings: ConnectionSettings, on_note: Note | None = None) -> None:
        """`on_note` is told (host, text) what a module waits for while it still runs; it must neither fail nor block."""
        self.settings = settings
        self._on_note = on_note
        self._lock = threading.RLock()
        self._link: Link | None = None
        self._agents: dict[Become | None, RunningAgent] = {}
        self._past_round_trips = 0
        self._inner_user = ""
        """Of a container whose user nobody names: found out when somebody is to become another."""

    @property
    def round_trips(self) -> int:
        """Of all agents, also of those that have ended; connecting and starting an agent aren't counted."""
        with self._lock:
            return self._past_round_trips + sum(agent.round_trips for agent in self._agents.values())

    def call(self, calls: Sequence[Callable], become: Become | None = None) -> list[dict[str, Any]]:
        """Run modules in order; their results, ending with the first that failed. Raises TransportError.

        A connection that drops is opened again, once, and what has no result yet is sent again: modules that compare before they act
        lose nothing by that. Where one of the rest would do its work twice (a command), ConnectionLost is raised instead.
        """
        if not calls:
            return []
        with self._lock:
            results: list[dict[str, Any]] = []
            try:
                self._run(calls, results, become)
            except ConnectionLost:
                rest = calls[len(results) :]
                if any(call.module.rpartition(".")[2] in NOT_REPEATABLE for call in rest):
                    raise
                self._run(rest, results, become)
            return results

    def _run(self, calls: Sequence[Callable], results: list[dict[str, Any]], become: Become | None) -> None:
        try:
            self._agent(become).run(calls, results)
        except BaseException:  # an interrupted exchange can't be gone on with
            self._drop()
            raise

    def raw(self, command: str, become: Become | None = None, timeout_s: float | None = None, stdin: bytes | None = None) -> RawResult:
        """Run a shell command that needs nothing on the host but a shell. Raises TransportError."""
        with self._lock:
            become = self._needed(become)
            channel = self._open(as_user(command, become), needs_terminal(become))
            try:
                before = became(self.settings.name, channel, become) if become is not None else b""
                if stdin:
                    channel.send(stdin)
                channel.end_input()
                return self._collect(channel, before, command, timeout_s)
            finally:
                channel.close()

    def _collect(self, channel: Channel, before: bytes, command: str, timeout_s: float | None) -> RawResult:
        limit_s = timeout_s if timeout_s is not None else RAW_S
        deadline = time.monotonic() + limit_s
        out = bytearray(before)
        step = "running a command"
        while True:
            left = deadline - time.monotonic()
            try:
                if left <= 0:
                    raise TimeoutError
                chunk = channel.receive(left)
            except TimeoutError:
                hint = "it may wait for input, or need a longer timeout"
                raise CommandTimeout(
                    self.settings.name, step, f"no end within {limit_s:g} s", hint, command=command, lines=cleaned(channel.errors())
                ) from None
            if not chunk and chunk is not ERROR_OUTPUT:
                break
            out += chunk
        code = channel.exit_code(10.0)
        if code is None and not channel.connected():
            raise ConnectionLost(self.settings.name, step, "the connection broke", command=command)
        text, errors = out.decode(errors="replace"), channel.errors().decode(errors="replace").replace(SUDO_PROMPT, "")
        return RawResult(-1 if code is None else code, text, errors)

    def fetch(self, path: str, become: Become | None = None) -> bytes:
        """A file's content. Raises AgentError where it can't be read."""
        result = self.call([ModuleCall("slurp", {"src": path})], become)[0]
        if result.get("failed"):
            raise AgentError(self.settings.name, f"reading {path}", str(result.get("msg")))
        return base64.b64decode(result["content"])

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        for agent in self._agents.values():
            self._past_round_trips += agent.round_trips
            agent.close()
        self._agents.clear()
        if self._link is not None:
            self._link.close()
            self._link = None

    def _needed(self, become: Become | None) -> Become | None:
        """None where we are that user already."""
        return None if become is None or become.user == self._user() else become

    def _user(self) -> str:
        if self.settings.connection == "local":
            return getpass.getuser()
        if self.settings.user or self._inner_user:
            return self.settings.user or self._inner_user
        self._inner_user = self.raw("id -un", timeout_s=LOGIN_S).stdout.strip()
        return self._inner_user

    def _open(self, command: str, terminal: bool) -> Channel:
        settings = self.settings
        if settings.connection == "local":
            return LocalChannel(settings.name, ["/bin/sh", "-c", command], terminal=terminal, folder=settings.folder)
        if settings.connection == "program":
            words = on_terminal(settings.program) if terminal else settings.program
            try:
                return LocalChannel(settings.name, [*words, "/bin/sh", "-c", command], terminal=terminal)
            except OSError as error:
                hint = f"ansible_connection needs {words[0]} on this computer"
                raise ConnectError(settings.name, f"starting {words[0]}", error.strerror or str(error), hint) from error
        if self._link is not None and self._link.is_open():
            try:
                return SshChannel(settings.name, self._link.transport, command, LOGIN_S, terminal=terminal)
            except ChannelNotOpened:
                if self._link.is_open():
                    raise  # the host wants no more channels; a dead connection may be found out about only here
        self._drop()
        self._link = connect(settings)
        return SshChannel(settings.name, self._link.transport, command, LOGIN_S, terminal=terminal)

    def _not_entered(self, error: AgentError) -> ConnectError:
        """A program that ended before an agent spoke had no host to enter."""
        words = shlex.join(self.settings.program)
        hint = f"does `{words} true` work on this computer?"
        return ConnectError(
            self.settings.name, f"entering it by {self.settings.program[0]}", "it ended at once", hint, rc=error.rc, lines=error.lines
        )

    def _agent(self, become: Become | None) -> RunningAgent:
        become = self._needed(become)
        if become not in self._agents:
            channel = self._open(as_user(agent_script(self.settings.python_interpreter), become), needs_terminal(become))
            try:
                self._agents[become] = RunningAgent(self.settings.name, channel, become, self._on_note)
            except BaseException as error:
                channel.close()
                if self.settings.program and become is None and isinstance(error, AgentError) and error.rc is not None:
                    raise self._not_entered(error) from error
                raise
        return self._agents[become]
