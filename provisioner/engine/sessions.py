"""What the engine needs of a connection: an object that runs modules on one host.

The transport's HostSession is one; tests bring their own. Sessions are safe to call from several threads, but calls of one host are
carried out one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from provisioner.transport.settings import ConnectionSettings


@dataclass(frozen=True)
class ModuleCall:
    """One module to run on a host."""

    module: str
    args: dict[str, Any]
    check: bool = False
    diff: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float | None = None
    blobs: Mapping[str, bytes | Path] = field(default_factory=dict)
    """Content by SHA-256; sent only when the host asks for it."""
    invocation: bool = False
    """Whether its result is to say which arguments it took."""


class Session(Protocol):
    """`call` carries out calls in order and answers a result for each, up to the first that failed."""

    def call(self, calls: Sequence[Any], become: Any = None) -> list[dict[str, Any]]: ...

    def raw(self, command: str, become: Any = None, timeout_s: float | None = None, stdin: bytes | None = None) -> Any: ...

    def fetch(self, path: str, become: Any = None) -> bytes: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Target:
    """A host to be reached, with the rendered variables that say how."""

    name: str
    vars: Mapping[str, Any]

    @property
    def connection(self) -> ConnectionSettings:
        from provisioner.transport.settings import ConnectionSettings

        return ConnectionSettings.from_vars(self.name, self.vars)


class SessionPool(Protocol):
    """Gives the session of a host; the same one for the same connection settings."""

    def session(self, host: Target) -> Session: ...
