"""Proves that large audit events lose their bodies, say so, and that what is still too large is dropped."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from provisioner.kube.apiserver.audit.truncation import Truncating


class Kept:
    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def write(self, line: bytes) -> bool:
        self.lines.append(line)
        return True

    async def close(self) -> None:
        self.lines.append(b"closed")


@pytest.mark.parametrize(
    ("event", "kept"),
    [
        ({"verb": "get", "requestObject": {"a": "b"}}, {"verb": "get", "requestObject": {"a": "b"}}),
        (
            {"verb": "get", "requestObject": {"a": "b" * 200}, "responseObject": {}, "annotations": {"x": "y"}},
            {"verb": "get", "annotations": {"x": "y", "audit.k8s.io/truncated": "true"}},
        ),
        ({"verb": "get" * 100, "requestObject": {}}, None),
    ],
)
async def test_events(event: dict[str, Any], kept: dict[str, Any] | None) -> None:
    backend = Kept()
    truncating = Truncating(backend, 120)
    truncating.write(msgspec.json.encode(event) + b"\n")
    assert [msgspec.json.decode(line) for line in backend.lines] == ([] if kept is None else [kept])
    assert truncating.dropped == (kept is None) and all(line.endswith(b"}\n") for line in backend.lines)
    await truncating.close()
    assert backend.lines[-1] == b"closed"
