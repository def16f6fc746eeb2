"""Typed objects out of plain documents, for the controllers' tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from provisioner.kube.api._generated import core_v1

T = TypeVar("T")
NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def made(kind: type[T], document: dict[str, Any]) -> T:
    return msgspec.convert(document, kind)


def pod(name: str = "p", *, phase: str = "Running", spec: dict[str, Any] | None = None, **metadata: Any) -> core_v1.Pod:
    """A pod in namespace ns."""
    document = {"metadata": {"name": name, "namespace": "ns", **metadata}, "spec": spec or {}, "status": {"phase": phase}}
    return made(core_v1.Pod, document)


def at(seconds: float) -> str:
    """A timestamp that many seconds after NOW."""
    return datetime.fromtimestamp(NOW.timestamp() + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
