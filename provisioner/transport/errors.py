"""What can go wrong on the way to a host.

TransportError             host, what was being done, the cause, what to do
  ResolveError             the name has no address
  ConnectError             nothing answers, or not in time
  HostKeyError             the host's key is unknown, or another than the known one
  AuthenticationError      no key or password was taken
  SudoError                the user can't become another
  PythonMissingError       no Python 3.7 or newer
  DiskFullError            no room for the agent
  AgentError               the agent ended, or spoke nonsense
  CommandTimeout           a command without an agent did not end in time
  ConnectionLost           the connection broke (retryable)
    ChannelNotOpened       before what was to be run reached the host
"""

from __future__ import annotations


class TransportError(Exception):
    """`step` is what was being done; `cause` the likely one; `hint` the next step; `lines` the last that the host said."""

    kind = "transport"
    retryable = False

    def __init__(
        self, host: str, step: str, cause: str, hint: str = "", *, command: str = "", rc: int | None = None, lines: str = ""
    ) -> None:
        self.host, self.step, self.cause, self.hint = host, step, cause, hint
        self.command, self.rc, self.lines = command, rc, lines.strip()
        text = f"{host}: {step}: {cause}"
        if rc is not None:
            text += f" (exit code {rc})"
        if self.lines:
            text += ": " + " | ".join(self.lines.splitlines()[-5:])
        super().__init__(f"{text}; {hint}" if hint else text)


class ResolveError(TransportError):
    kind = "resolve"


class ConnectError(TransportError):
    kind = "connect"


class HostKeyError(TransportError):
    kind = "host key"


class AuthenticationError(TransportError):
    kind = "authenticate"


class SudoError(TransportError):
    kind = "sudo"


class PythonMissingError(TransportError):
    kind = "python"


class DiskFullError(TransportError):
    kind = "disk"


class AgentError(TransportError):
    kind = "agent"


class CommandTimeout(TransportError):
    kind = "timeout"


class ConnectionLost(TransportError):
    kind = "connection"
    retryable = True


class ChannelNotOpened(ConnectionLost):
    pass
