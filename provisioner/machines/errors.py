"""What can go wrong with machines, as a tree.

    MachineError
    ├── RequirementError     this computer can't run the provider: a tool, a right or a kernel feature is missing
    ├── CommandError         a tool ran and failed; carries its last lines
    ├── BaseImageError       the base image could not be built
    ├── NetworkError         the bridge's name or address range belongs to somebody else
    ├── UnknownMachineError  no host of that name in this lab
    └── BootError            a host was started and did not answer; carries the end of its console

All are final for the caller: repeating without a change will not help, except for CommandError and BootError.
"""

from __future__ import annotations

from collections.abc import Iterable


class MachineError(Exception):
    """One problem: what happened, and what to do about it (`hint` may be empty)."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class RequirementError(MachineError):
    """This computer lacks something the provider stands on."""


class BaseImageError(MachineError):
    """Building the base image failed; nothing half-made is left."""


class NetworkError(MachineError):
    """The lab's bridge or address range collides with something that is not ours."""


class UnknownMachineError(MachineError):
    """The lab has no such host."""


class CommandError(MachineError):
    """A tool ended with `code` (None: it did not end in time); `tail` is what it said last."""

    def __init__(self, argv: Iterable[str], code: int | None, tail: str, *, hint: str = "") -> None:
        self.argv = tuple(argv)
        self.code = code
        self.tail = tail
        ended = "did not end in time" if code is None else f"ended with {code}"
        lines = "".join(f"\n  | {line}" for line in tail.strip().splitlines()[-8:])
        super().__init__(f"`{' '.join(self.argv)}` {ended}{lines}", hint=hint)


class BootError(MachineError):
    """A host did not come up; `console` is the end of what it printed."""

    def __init__(self, host: str, reason: str, console: str) -> None:
        self.host = host
        self.console = console
        lines = "".join(f"\n  | {line}" for line in console.strip().splitlines()[-12:])
        super().__init__(f"host {host}: {reason}; the end of its console:{lines or ' (empty)'}")
