"""A module call on its way to a host, and what makes such calls one after the other."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from provisioner.engine.sessions import ModuleCall, Session
from provisioner.engine.targets import BecomeRequest


@dataclass
class Exchange:
    """Where a call goes and as whom."""

    session: Session
    become: BecomeRequest | None
    call: ModuleCall


Attempt = Generator[Exchange, dict[str, Any], dict[str, Any]]
"""Yields calls, is sent their results, returns the task's result."""
