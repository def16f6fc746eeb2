"""Proves what an approval of a definition in a group of the project must be: nothing that is written there is more than refused."""

from __future__ import annotations

import pytest

from provisioner.kube.api.validation.extensions import is_page, is_protected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("https://example.com/1", True), ("example.com", False), ("", False), ("http://[", False), ("https://", False)],
)
def test_addresses(text: str, expected: bool) -> None:
    assert is_page(text) is expected


@pytest.mark.parametrize(("group", "expected"), [("k8s.io", True), ("a.kubernetes.io", True), ("myk8s.io", False), ("", False)])
def test_groups_of_the_project(group: str, expected: bool) -> None:
    assert is_protected(group) is expected
