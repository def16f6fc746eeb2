"""Proves that each plug-in sees the kinds that it has a say about, in the chain's order, and no other."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from provisioner.kube.apiserver.admission.chain import Admission, Plugin
from provisioner.kube.apiserver.admission.times import Times
from provisioner.kube.apiserver.context import LOOPBACK, Call
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.requests import Target


def plugin(name: str, seen: list[str], kinds: frozenset[str] | None, *, changes: bool = False) -> Plugin:
    class One(Plugin):
        async def mutate(self, call: Call, kind: Kind, new: Any, old: Any) -> None:
            seen.append(f"{name} mutates")
            call.mutated = call.mutated or changes

        async def validate(self, call: Call, kind: Kind, new: Any, old: Any) -> None:
            seen.append(f"{name} validates")

    One.name, One.kinds, One.reinvoked = name, kinds, not changes
    return One()


@pytest.mark.parametrize(
    ("stored_as", "mutating", "validating"),
    [
        ("core/pods", ["all", "pods", "last"], ["all", "pods", "last"]),
        ("core/nodes", ["all", "last", "nodes"], ["all", "last", "nodes"]),
        ("example.com/pods", ["all", "last"], ["all", "last"]),
    ],
)
async def test_plugins_see_their_kinds(stored_as: str, mutating: list[str], validating: list[str]) -> None:
    seen: list[str] = []
    own = [("all", None), ("pods", frozenset({"core/pods"})), ("last", None), ("nodes", frozenset({"core/nodes"}))]
    admission = Admission([plugin(name, seen, kinds) for name, kinds in own], Times())
    kind: Any = SimpleNamespace(stored_as=stored_as)
    call = Call(LOOPBACK, Target("create", "/"))
    await admission.mutate(call, kind, object(), None)
    await admission.validate(call, kind, object(), None)
    assert seen == [f"{name} mutates" for name in mutating] + [f"{name} validates" for name in validating]


async def test_those_before_a_change_look_again() -> None:
    seen: list[str] = []
    pods = frozenset({"core/pods"})
    own = [plugin("a", seen, None), plugin("b", seen, frozenset({"core/nodes"})), plugin("hook", seen, pods, changes=True)]
    admission = Admission(own, Times())
    kind: Any = SimpleNamespace(stored_as="core/pods")
    await admission.mutate(Call(LOOPBACK, Target("create", "/")), kind, object(), None)
    assert seen == ["a mutates", "hook mutates", "a mutates"]
