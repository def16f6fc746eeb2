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
        (["{a: 1, b: x}"], {"a": 1, "b": "x"}),
        (["a=1 word"], {"a": "1"}),
        (["word"], {}),
        (["{a: {b: 1}}", "{a: {c: 2}}"], {"a": {"c": 2}}),
        ([], {}),
    ],
)
def test_forms(values: list[str], expected: dict[str, object]) -> None:
    assert parse(values) == expected


def test_mappings_are_merged_where_hash_behaviour_says_so() -> None:
    assert parse(["{a: {b: 1}}", "{a: {c: 2}}"], deep=True) == {"a": {"b": 1, "c": 2}}


def test_a_word_that_sets_nothing_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    parse(["a=1 word"])
    assert "'word' sets nothing; expected key=value" in capsys.readouterr().err


def test_file(tmp_path: Path) -> None:
    (tmp_path / "v.yaml").write_text("a: {b: 1}\n")
    assert parse([f"@{tmp_path}/v.yaml", "c=d"]) == {"a": {"b": 1}, "c": "d"}


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        ("@/nowhere/x", 1, "cannot be read"),
        ("@.", 1, "cannot be read"),
        ("[1]", 5, "expected key=value"),
        ("./file", 5, "Please prepend extra_vars filename './file' with '@'"),
        ("{a: [", 4, "neither JSON nor YAML"),
    ],
)
def test_mistakes(value: str, code: int, text: str) -> None:
    with pytest.raises(click.ClickException, match=text) as refused:
        parse([value])
    assert refused.value.exit_code == code
