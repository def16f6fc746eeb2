"""One call of a module as the agent makes it: arguments checked, failures as results. Crashes stay exceptions."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import Any, Protocol

import pytest

from provisioner.agent.arguments import ArgumentError, checked
from provisioner.agent.context import Context, ModuleFailed


class Call(Protocol):
    def __call__(
        self, name: str, args: Mapping[str, Any], *, check: bool = False, diff: bool = False, blobs: Mapping[str, str] | None = None
    ) -> dict[str, Any]: ...


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of tests need not outlive a power cut."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def call() -> Call:
    """Runs a module here; `blobs` are paths by hash."""

    def run(
        name: str, args: Mapping[str, Any], *, check: bool = False, diff: bool = False, blobs: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        module = importlib.import_module(f"provisioner.modules.{name}")
        context = Context(check=check, diff=diff, fetch_blob=(blobs or {}).get)
        try:
            result: dict[str, Any] = module.run(checked(module.ARGUMENTS, dict(args), name), context)
        except ArgumentError as error:
            return {"failed": True, "changed": False, "msg": str(error)}
        except ModuleFailed as error:
            return {"failed": True, "changed": False, "msg": error.msg, **error.more}
        result.setdefault("changed", False)
        if context.warnings:
            result.setdefault("warnings", []).extend(context.warnings)
        return result

    return run
