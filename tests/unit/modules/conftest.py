"""Modules called as the agent calls them."""

from __future__ import annotations

import os

import pytest

from tests.module_calls import call

__all__ = ["call"]


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of tests need not outlive a power cut."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)
