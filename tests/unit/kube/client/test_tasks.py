"""Proves that a task's crash is told once, and that stopping waits for the end."""

from __future__ import annotations

import asyncio

import pytest

from provisioner.kube.client.tasks import spawn, stop


async def test_a_crash_is_logged_with_its_name(caplog: pytest.LogCaptureFixture) -> None:
    async def crash() -> None:
        raise KeyError("bug")

    task = spawn("the crasher", crash())
    await asyncio.wait({task})
    await asyncio.sleep(0)
    assert "task crashed task=the crasher" in caplog.text
    assert caplog.text.count("task crashed") == 1


async def test_stop_waits_for_the_cleaning_up() -> None:
    cleaned = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)

    task = spawn("work", work())
    await asyncio.sleep(0)
    await stop(task, None)
    assert cleaned == [True]
    await stop(task)
