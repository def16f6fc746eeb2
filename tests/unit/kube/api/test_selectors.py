"""Proves label and field selectors: their grammar, their meaning, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.kube.api._generated import meta_v1
from provisioner.kube.api.selectors import SelectorError, from_struct, parse_field_selector, parse_label_selector

LABELS = {"app": "web", "tier": "front", "n": "5", "example.com/x": ""}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("app=web", True),
        ("app==web,tier=front", True),
        ("app!=web", False),
        ("missing!=web", True),
        ("app in (web, api)", True),
        ("app notin (web)", False),
        ("missing notin (web)", True),
        ("app", True),
        ("!app", False),
        ("!missing,example.com/x", True),
        ("example.com/x=", True),
        ("n>4,n<6", True),
        ("n>5", False),
        ("app>4", False),
    ],
)
def test_label_selectors(text: str, expected: bool) -> None:
    selector = parse_label_selector(text)
    assert selector.matches(LABELS) is expected
    assert parse_label_selector(str(selector)).matches(LABELS) is expected


@pytest.mark.parametrize("text", ["a=b=c", "a in b", "a in (b", "=x", "a,,b", "a=!", "-a"])
def test_refused(text: str) -> None:
    with pytest.raises(SelectorError):
        parse_label_selector(text)


def test_structs() -> None:
    assert not from_struct(None).matches({})
    assert from_struct(meta_v1.LabelSelector()).matches({})
    expression = meta_v1.LabelSelectorRequirement(key="tier", operator="NotIn", values=["back"])
    assert from_struct(meta_v1.LabelSelector(match_labels={"app": "web"}, match_expressions=[expression])).matches(LABELS)
    with pytest.raises(SelectorError, match="not a valid label selector operator"):
        from_struct(meta_v1.LabelSelector(match_expressions=[meta_v1.LabelSelectorRequirement(key="a", operator="Like")]))


def test_field_selectors() -> None:
    fields = {"metadata.name": "a,b", "status.phase": "Running"}
    assert parse_field_selector(r"metadata.name=a\,b,status.phase!=Pending").matches(fields)
    assert not parse_field_selector("status.phase==Pending").matches(fields)
    assert parse_field_selector("spec.nodeName=").matches(fields)
    assert parse_field_selector("metadata.name=x").exact("metadata.name") == "x"
    with pytest.raises(SelectorError):
        parse_field_selector("status.phase")


@given(st.dictionaries(st.sampled_from("abc"), st.sampled_from(["x", "y", ""])), st.sampled_from("abc"), st.sampled_from(["x", "y"]))
def test_in_and_notin_are_opposites(labels: dict[str, str], key: str, value: str) -> None:
    assert parse_label_selector(f"{key}={value}").matches(labels) is not parse_label_selector(f"{key}!={value}").matches(labels)
