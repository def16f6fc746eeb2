"""One host for all tests of the package, and sessions that end with their test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provisioner.transport import ConnectionSettings, HostSession

sys.path.insert(0, str(Path(__file__).parent))  # tests of one folder share private_host

from private_host import PrivateHost


@pytest.fixture(autouse=True)
def no_agent_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the agent nor the keys of who runs the tests open any door."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(scope="session")
def host() -> Iterator[PrivateHost]:
    found = PrivateHost()
    yield found
    found.close()


@pytest.fixture
def session() -> Iterator[Callable[[ConnectionSettings], HostSession]]:
    made: list[HostSession] = []

    def make(settings: ConnectionSettings) -> HostSession:
        made.append(HostSession(settings))
        return made[-1]

    yield make
    for one in made:
        one.close()
