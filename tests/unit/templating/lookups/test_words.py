"""Proves how old lookups' terms are taken apart."""

from __future__ import annotations

import pytest

from provisioner.templating.lookups.words import words_of


@pytest.mark.parametrize(
    ("text", "words", "options"),
    [
        ("a b=c", ["a"], {"b": "c"}),
        ("start=0 end=\"3\" format='%02d'", [], {"start": "0", "end": "3", "format": "%02d"}),
        ("a='b c' \"d e\"", ['"d e"'], {"a": "b c"}),
        ("a=b=c it's", ["it's"], {"a": "b=c"}),
        ("a='", [], {"a": "'"}),
    ],
)
def test_words_and_options(text: str, words: list[str], options: dict[str, str]) -> None:
    assert words_of(text) == (words, options)
