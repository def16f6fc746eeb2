"""One call of a module as the agent makes it, here: arguments checked, failures and crashes as results."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Protocol

import pytest

from provisioner.agent.calling import outcome
from provisioner.agent.context import Context


class Call(Protocol):
    def __call__(
        self, name: str, args: Mapping[str, Any], *, check: bool = False, diff: bool = False, blobs: Mapping[str, str] | None = None
    ) -> dict[str, Any]: ...


def run(
    name: str, args: Mapping[str, Any], *, check: bool = False, diff: bool = False, blobs: Mapping[str, str] | None = None
) -> dict[str, Any]:
    module = importlib.import_module(f"provisioner.modules.{name}")
    return outcome(module, name, dict(args), Context(check=check, diff=diff, fetch_blob=(blobs or {}).get))


@pytest.fixture
def call() -> Call:
    """Runs a module here; `blobs` are paths by hash."""
    return run
