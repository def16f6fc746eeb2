"""Proves which names a definition gets beside others of its group."""

from __future__ import annotations

import msgspec
import pytest

from provisioner.kube.api._generated.apiextensions_v1 import CustomResourceDefinitionNames as Names
from provisioner.kube.apiserver.custom.names import accept, approval

FIRST = Names(plural="widgets", singular="widget", short_names=["wd", "w"], kind="Widget", list_kind="WidgetList")
SECOND = Names(plural="gadgets", singular="gadget", short_names=["g"], kind="Gadget", list_kind="GadgetList", categories=["all"])


def test_without_others_all_are_accepted() -> None:
    assert accept(SECOND, Names(), [FIRST]) == (SECOND, "NoConflicts", "no conflicts found")


@pytest.mark.parametrize(
    ("changes", "reason", "message"),
    [
        ({"plural": "wd"}, "PluralConflict", '"wd" is already in use'),
        ({"singular": "widget"}, "SingularConflict", '"widget" is already in use'),
        ({"short_names": ["x", "widgets", "w"]}, "ShortNamesConflict", '["widgets" is already in use, "w" is already in use]'),
        ({"kind": "Widget"}, "KindConflict", '"Widget" is already in use'),
        ({"kind": "Widget", "list_kind": "WidgetList"}, "ListKindConflict", '"WidgetList" is already in use'),
    ],
)
def test_what_others_have_is_not_accepted(changes: dict[str, object], reason: str, message: str) -> None:
    made, *told = accept(msgspec.structs.replace(SECOND, **changes), Names(), [FIRST])
    assert told == [reason, message]
    kept = {name: "" if name in ("plural", "kind") else None for name in changes}
    assert made == msgspec.structs.replace(SECOND, **kept)


def test_what_it_has_it_keeps() -> None:
    assert accept(FIRST, FIRST, [FIRST])[1] == "NoConflicts"
    made, reason, _ = accept(Names(plural="widgets", kind="Gadget", short_names=["w", "g"]), FIRST, [SECOND])
    assert reason == "KindConflict" and (made.kind, made.short_names) == ("Widget", ["wd", "w"])


@pytest.mark.parametrize(
    ("group", "annotation", "status", "reason"),
    [
        ("gateway.networking.k8s.io", "https://github.com/kubernetes-sigs/gateway-api/pull/1", "True", "ApprovedAnnotation"),
        ("x.kubernetes.io", "unapproved, for a test", "False", "UnapprovedAnnotation"),
        ("k8s.io", "", "False", "MissingAnnotation"),
        ("k8s.io", "because", "False", "InvalidAnnotation"),
        ("k8s.io", "http://[", "False", "InvalidAnnotation"),
    ],
)
def test_who_answers_for_groups_of_the_project(group: str, annotation: str, status: str, reason: str) -> None:
    found = approval(group, annotation)
    assert found is not None and found[:2] == (status, reason)


def test_other_groups_need_nobody() -> None:
    assert approval("example.com", "") is None and approval("myk8s.io", "") is None
