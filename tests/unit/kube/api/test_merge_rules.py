"""Proves that the generated lines are the types' rules: parsed once, complete, and absent where there is no type."""

from __future__ import annotations

from provisioner.kube.api._generated.merge_keys import LINES
from provisioner.kube.api.merge_rules import RULES, FieldRule, struct_rule


def test_a_rule_of_each_shape() -> None:
    pod = RULES["core_v1.PodSpec"]
    assert pod["containers"] == FieldRule("list", "core_v1.Container", "merge", "name", "map", ("name",))
    assert pod["nodeSelector"] == FieldRule("map", "", "", "", "atomic", ())
    assert pod["hostNetwork"] == FieldRule("scalar", "", "", "", "", ())
    assert RULES["core_v1.Pod"]["spec"] == struct_rule("core_v1.PodSpec")


def test_every_type_is_there_and_no_other() -> None:
    assert set(RULES) == set(LINES) and len(RULES) == len(LINES)
    assert RULES.get("core_v1.Nothing") is None and RULES.get("core_v1.Pod") is RULES["core_v1.Pod"]
    assert sum(len(RULES[name]) for name in RULES) > 2000
