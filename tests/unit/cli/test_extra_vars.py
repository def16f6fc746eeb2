"""`-e` takes words, JSON, YAML and files, and says which value it could not read."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from provisioner.cli.extra_vars import parse


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["a=1 b='two words'"], {"a": "1", "b": "two words"}),
        (['{"a": 1}', "a=2"], {"a": "2"}),
        (["{a: [1, 2]}"], {"a": [1, 2]}),
        (["a: 1\nb: x"], {"a": 1, "b": "x"}),
        ([], {}),
    ],
)
def test_forms(values: list[str], expected: dict[str, object]) -> None:
    assert parse(values) == expected


def test_file(tmp_path: Path) -> None:
    (tmp_path / "v.yaml").write_text("a: {b: 1}\n")
    assert parse([f"@{tmp_path}/v.yaml", "c=d"]) == {"a": {"b": 1}, "c": "d"}


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        ("@/nowhere/x", 1, "cannot be read"),
        ("@.", 1, "cannot be read"),
        ("word", 4, "expected key=value"),
        ("{a: [", 4, "neither JSON nor YAML"),
    ],
)
def test_mistakes(value: str, code: int, text: str) -> None:
    with pytest.raises(click.ClickException, match=text) as refused:
        parse([value])
    assert refused.value.exit_code == code
