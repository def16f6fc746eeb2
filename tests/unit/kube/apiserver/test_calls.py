"""Proves what is said of webhooks that can't be asked: upstream's words, with the address that the configuration has."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

import pytest

from provisioner.kube.api.errors import not_found
from provisioner.kube.apiserver.calls import Caller, CallError

REVIEW = {"kind": "AdmissionReview", "request": {"uid": "1"}}


def _closed_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _nowhere(namespace: str, name: str, port: int) -> tuple[str, int]:
    raise not_found("services", name)


async def _error(caller: Caller, config: Any, **how: Any) -> str:
    try:
        with pytest.raises(CallError) as failed:
            await caller.post(config, REVIEW, timeout_s=10, limit_bytes=1000, **how)
        return str(failed.value)
    finally:
        await caller.close()


async def test_nobody_listens() -> None:
    port = _closed_port()
    config = SimpleNamespace(url=f"https://127.0.0.1:{port}/x", ca_bundle="", service=None)
    refused = f"dial tcp 127.0.0.1:{port}: connect: connection refused"
    assert await _error(Caller(_nowhere), config, says_time=True) == f'Post "https://127.0.0.1:{port}/x?timeout=10s": {refused}'


async def test_a_service_that_is_not_there() -> None:
    service = SimpleNamespace(namespace="ns", name="hook", port=None, path="/check")
    config = SimpleNamespace(url=None, ca_bundle="", service=service)
    assert await _error(Caller(_nowhere), config) == 'Post "https://hook.ns.svc:443/check": services "hook" not found'
