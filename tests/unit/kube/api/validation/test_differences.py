"""Proves that a refusal says what differs, each by its path, and never at any length."""

from __future__ import annotations

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.validation.differences import MAX_LINES, differences


def test_what_differs_is_told_by_path() -> None:
    old = core_v1.PodSpec(node_selector={"a": "1"}, containers=[core_v1.Container(name="c", image="i", args=["x"])])
    new = core_v1.PodSpec(node_selector={"b": "1"}, containers=[core_v1.Container(name="c", image="j", args=["x", "y"])])
    assert differences(old, new).splitlines() == [
        '- containers[0].args: ["x"]',
        '+ containers[0].args: ["x","y"]',
        '- containers[0].image: "i"',
        '+ containers[0].image: "j"',
        '- nodeSelector.a: "1"',
        '+ nodeSelector.b: "1"',
    ]
    assert differences(old, old) == ""


def test_much_is_cut_short() -> None:
    old, new = (core_v1.PodSpec(node_selector={f"k{n}": value for n in range(100)}) for value in "ab")
    assert len(differences(old, new).splitlines()) == MAX_LINES + 1
