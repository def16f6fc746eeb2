"""What is asked of an agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class ModuleCall:
    """One module to run. `blobs`: content by SHA-256, sent only when the module asks for it; `timeout_s` None: no limit."""

    module: str
    args: dict[str, Any]
    check: bool = False
    diff: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float | None = None
    blobs: Mapping[str, bytes | Path] = field(default_factory=dict)
    invocation: bool = False


class Callable(Protocol):
    """The shape of a ModuleCall, for others' own dataclasses."""

    @property
    def module(self) -> str: ...
    @property
    def args(self) -> dict[str, Any]: ...
    @property
    def check(self) -> bool: ...
    @property
    def diff(self) -> bool: ...
    @property
    def environment(self) -> Mapping[str, str]: ...
    @property
    def timeout_s(self) -> float | None: ...
    @property
    def blobs(self) -> Mapping[str, bytes | Path]: ...
    @property
    def invocation(self) -> bool: ...
