"""Objects as the server has them when it warns: with their defaults."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec, defaults, warnings
from provisioner.kube.api._generated import (
    apiextensions_v1,
    apps_v1,
    batch_v1,
    core_v1,
    discovery_v1,
    networking_v1,
    node_v1,
    storage_v1,
)

_MODULES = (core_v1, apps_v1, batch_v1, networking_v1, discovery_v1, node_v1, storage_v1, apiextensions_v1)


def _made(kind: str, document: dict[str, Any] | None) -> Any:
    if document is None:
        return None
    cls = next(getattr(module, kind) for module in _MODULES if hasattr(module, kind))
    found = codec.decode_dict(cls, {"metadata": {"name": "x"}, **document})
    defaults.apply(found)
    return found


@pytest.fixture
def warned() -> Any:
    """kind, document, the one before -> warnings."""

    def of(kind: str, new: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
        return warnings.of(_made(kind, new), _made(kind, old))

    return of
