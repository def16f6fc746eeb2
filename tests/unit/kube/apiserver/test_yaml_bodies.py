"""Proves that YAML bodies become what JSON could say, and that none of them grows without bound."""

from __future__ import annotations

import pytest
import yaml

from provisioner.kube.apiserver.yaml_bodies import read_yaml


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", None),
        ("a: 2026-01-01", {"a": "2026-01-01"}),
        ("a: 2026-01-01T00:00:00Z", {"a": "2026-01-01T00:00:00Z"}),
        ("1: a\nnull: c", {"1": "a", "null": "c"}),
        ("true: b\n1.5: c", {"true": "b", "1.5": "c"}),
        ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
        ("a: &x {b: 1}\nc: {<<: *x, d: 2}", {"a": {"b": 1}, "c": {"b": 1, "d": 2}}),
        ("a: !!binary aGk=", {"a": "hi"}),
        ("a: 'x'\nb: |\n  y\n", {"a": "x", "b": "y\n"}),
        ("a: 1\n---\nb: 2", {"a": 1}),
        ("---\n---\nb: 2", None),
        ("a: 1\n...\n", {"a": 1}),
        (
            "a: [22:22, 1:30.5, 1e3, 0x1F, 010, 0o10, 08, -1_000, +5, .5, 1.50]",
            {"a": ["22:22", "1:30.5", 1000, 31, 8, 8, 8, -1000, 5, 0.5, 1.5]},
        ),
    ],
)
def test_yaml_as_json(text: str, wanted: object) -> None:
    assert read_yaml(text.encode()) == wanted


def test_a_document_that_explodes_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    with pytest.raises(yaml.YAMLError, match="excessive aliasing"):
        read_yaml("\n".join(lines).encode())


@pytest.mark.parametrize("text", ["a: &a [*a]", "[" * 1000 + "]" * 1000, "a: [", "a: !!python/object:os.system x", "a: !!set {x}"])
def test_what_can_be_no_json(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        read_yaml(text.encode())
