"""Each kind of host gets its own bundle, each is built once, and this computer's is begun before anybody asked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from provisioner.cluster.releases import Releases
from provisioner.release import bundle
from provisioner.release.bundle import Bundle
from provisioner.release.errors import ReleaseError
from provisioner.release.target import HERE, Target

OTHER = Target((3, 13), "aarch64")


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    calls: list[tuple[Any, ...]] = []

    def ensure(*, target: Target, tell: Any) -> Bundle:
        calls.append(("ensure", target))
        return Bundle(f"new-{target}", "0.1.0", Path("/x"), {})

    def kept(name: str, *, target: Target) -> Bundle:
        calls.append(("kept", target))
        if target == OTHER:
            raise ReleaseError(f"{name} is not kept for {target}")
        return Bundle(name, "0.1.0", Path("/x"), {})

    monkeypatch.setattr(bundle, "ensure", ensure)
    monkeypatch.setattr(bundle, "kept", kept)
    return calls


def test_each_target_is_built_once(built: list[tuple[Any, ...]]) -> None:
    with ThreadPoolExecutor(1) as pool:
        releases = Releases("", pool, lambda text: None)
        found = releases.of({"a": HERE, "b": OTHER, "c": OTHER})
        assert {host: release.name for host, release in found.items()} == {"a": f"new-{HERE}", "b": f"new-{OTHER}", "c": f"new-{OTHER}"}
        releases.of({"a": OTHER})
    assert built == [("ensure", HERE), ("ensure", OTHER)]


def test_a_release_to_go_back_to_is_looked_for_only_where_it_is_needed(built: list[tuple[Any, ...]]) -> None:
    with ThreadPoolExecutor(1) as pool:
        assert Releases("0.1.0-abc", pool, lambda text: None).of({"a": HERE})["a"].name == "0.1.0-abc"
        with pytest.raises(ReleaseError, match=r"not kept for 3.13-aarch64"):
            Releases("0.1.0-abc", pool, lambda text: None).of({"a": OTHER})
    assert built == [("kept", HERE), ("kept", OTHER)]
