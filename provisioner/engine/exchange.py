"""A module call on its way to a host, and what makes such calls one after the other."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from provisioner.engine.errors import TaskError
from provisioner.engine.sessions import ModuleCall, Session
from provisioner.engine.targets import BecomeRequest, connection_become


@dataclass
class Exchange:
    """Where a call goes and as whom."""

    session: Session
    become: BecomeRequest | None
    call: ModuleCall


Attempt = Generator[Exchange, dict[str, Any], dict[str, Any]]
"""Yields calls, is sent their results, returns the task's result."""


def send(exchanges: Sequence[Exchange]) -> list[dict[str, Any]]:
    """One message with the calls of exchanges that go to one session as one user: one result at least, as many as there are up to the first
    failure. Raises what connections raise, TaskError.

    Keys that begin with `_ansible_` are what the engine tells itself, and no host's to say.
    """
    results = exchanges[0].session.call([exchange.call for exchange in exchanges], connection_become(exchanges[0].become))
    if not results:
        raise TaskError("the host gave no result")
    return [{key: value for key, value in result.items() if not str(key).startswith("_ansible_")} for result in results]
