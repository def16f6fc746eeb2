"""Open sessions to hosts, one for each way of connecting, kept until the end of the run: the engine's SessionPool."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Self

from provisioner.transport.session import HostSession
from provisioner.transport.settings import ConnectionSettings

if TYPE_CHECKING:
    from provisioner.engine.sessions import Target


class Sessions:
    """A context manager; a session opens when it is first used."""

    def __init__(self, *, forks: int = 20, on_note: Callable[[str, str], None] | None = None) -> None:
        self._forks = forks
        self._on_note = on_note
        self._lock = threading.Lock()
        self._sessions: dict[ConnectionSettings, HostSession] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """All at once: a dead host's session may take its time."""
        with self._lock:
            sessions, self._sessions = list(self._sessions.values()), {}
        if sessions:
            with ThreadPoolExecutor(max_workers=min(self._forks, len(sessions)), thread_name_prefix="close") as pool:
                list(pool.map(HostSession.close, sessions))

    @property
    def round_trips(self) -> int:
        """Messages to the agents of all open sessions."""
        with self._lock:
            return sum(session.round_trips for session in self._sessions.values())

    def session(self, host: Target) -> HostSession:
        """The session that these variables lead to."""
        return self.at(host.connection)

    def at(self, settings: ConnectionSettings) -> HostSession:
        with self._lock:
            found = self._sessions.get(settings)
            if found is None:
                found = self._sessions[settings] = HostSession(settings, self._on_note)
            return found
