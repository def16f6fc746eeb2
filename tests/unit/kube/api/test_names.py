"""Proves which names are taken, and that upstream's words come for the others."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from provisioner.kube.api import names


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (names.is_dns_label, ["a", "a-1", "1a"], ["", "A", "-a", "a.b", "a" * 64]),
        (names.is_dns1035_label, ["a", "a-1"], ["1a", "a_b"]),
        (names.is_dns_subdomain, ["a.b", "a-1.b2"], ["a..b", "A.b", ".a", "a" * 254]),
        (names.is_path_segment, ["system:node:x", "A b"], [".", "..", "a/b", "a%b"]),
        (names.is_qualified_name, ["a", "example.com/a", "A_b.c"], ["", "/a", "a/", "a/b/c", "a" * 64, "Ex/a"]),
        (names.is_label_value, ["", "a", "A_b.c-1"], ["-a", "a b", "a" * 64]),
        (names.is_config_key, ["a.yaml", "A_b"], ["a/b", "..", ""]),
        (names.is_port_name, ["http", "p-1"], ["1", "a--b", "A", "abcdefghijklmnop"]),
        (names.is_env_name, ["A", "a.b-c"], ["", "a=b"]),
    ],
)
def test_names(check: Callable[[str], list[str]], good: list[str], bad: list[str]) -> None:
    assert [text for text in good if check(text)] == []
    assert [text for text in bad if not check(text)] == []
