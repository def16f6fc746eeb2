"""Proves which regular expressions Go would not take, and what it says of them."""

from __future__ import annotations

import re

import pytest

from provisioner.kube.api.go_regexp import compiled, syntax_error


@pytest.mark.parametrize(
    "text",
    [
        *("", "^a$", "^(a|b)*$", "[]a]", "[^]a]", "[[:alpha:]]+", r"[\]]", r"\p{L}\z", r"\Q(\E", "(?i)a", "(?P<n>a)", "(?<n>a)", "(?:a)?"),
        *("a{2}", "a{2,}?", "a{,3}", "x*?", "^*", "a|b", r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "(?i:a)+", "a{b", r"\.", r"\\"),
    ],
)
def test_right_ones(text: str) -> None:
    assert syntax_error(text) == ""
    compiled(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[", "missing closing ]: `[`"),
        ("a[b-", "missing closing ]: `[b-`"),
        ("(a", "missing closing ): `(a`"),
        ("a)", "unexpected ): `a)`"),
        ("+", "missing argument to repetition operator: `+`"),
        ("(*a)", "missing argument to repetition operator: `*`"),
        ("a|?", "missing argument to repetition operator: `?`"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("a{3,2}", "invalid repeat count: `{3,2}`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(?!a)b", "invalid or unsupported Perl syntax: `(?!`"),
        (r"(a)\1", r"invalid escape sequence: `\1`"),
        ("a\\", "trailing backslash at end of expression: ``"),
    ],
)
def test_wrong_ones(text: str, told: str) -> None:
    assert syntax_error(text) == f"error parsing regexp: {told}"
    with pytest.raises(ValueError, match=re.escape(told)):
        compiled(text)


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("^a$", "a\n", False),
        ("(?m)^a$", "a\nb", True),
        (r"^\w$", "ä", False),
        (r"^\pL$", "ä", True),
        (r"^\d$", "٣", False),
        (r"a\z", "a\n", False),
    ],
)
def test_what_fits(pattern: str, text: str, fits: bool) -> None:
    assert (compiled(pattern).search(text) is not None) is fits


def test_time_grows_with_the_text_alone() -> None:
    assert compiled("^(a|a)*$").search("a" * 10_000 + "b") is None


def test_an_expression_that_only_re2_finds_wrong_is_told_in_its_words() -> None:
    with pytest.raises(ValueError, match="error parsing regexp: invalid character class range: z-a"):
        compiled("[z-a]")
