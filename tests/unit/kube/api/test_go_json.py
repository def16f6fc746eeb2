"""Proves the words for texts that are no JSON, and that there are none for texts that are."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.kube.api.go_json import printed, shape, syntax_error

_END = "unexpected end of JSON input"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", _END),
        ('{"a"', _END),
        ('{"a": [1', _END),
        ('"a', _END),
        ("-", _END),
        ("{a:1}", "invalid character 'a' looking for beginning of object key string"),
        ('{"a" 1}', "invalid character '1' after object key"),
        ('{"a":1 "b"}', "invalid character '\"' after object key:value pair"),
        ('{"a":1,}', "invalid character '}' looking for beginning of object key string"),
        ("[1 2]", "invalid character '2' after array element"),
        ("[1,]", "invalid character ']' looking for beginning of value"),
        ("'a'", r"invalid character '\'' looking for beginning of value"),
        ("é", "invalid character 'Ã' looking for beginning of value"),
        ("tru3", "invalid character '3' in literal true (expecting 'e')"),
        ("01", "invalid character '1' after top-level value"),
        ("1.x", "invalid character 'x' after decimal point in numeric literal"),
        ("1e+x", "invalid character 'x' in exponent of numeric literal"),
        ("-x", "invalid character 'x' in numeric literal"),
        (r'"\q"', "invalid character 'q' in string escape code"),
        (r'"\u12g4"', r"invalid character 'g' in \u hexadecimal character escape"),
        ('"a\nb"', r"invalid character '\n' in string literal"),
        ("{} x", "invalid character 'x' after top-level value"),
        ("[" * 10_001, "exceeded max depth"),
        (' {"a": [1, -2.5e3, true, null, "x\\u00e9\\n"], "b": {}} \n', ""),
    ],
)
def test_words(text: str, expected: str) -> None:
    assert syntax_error(text.encode()) == expected


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(_values, st.sampled_from([None, 1]))
def test_json_is_right(value: object, indent: int | None) -> None:
    assert syntax_error(json.dumps(value, indent=indent).encode()) == ""


@pytest.mark.parametrize(
    ("value", "expected"), [({}, "object"), ([], "array"), ("", "string"), (1, "number"), (True, "bool"), (None, "null")]
)
def test_shapes(value: object, expected: str) -> None:
    assert shape(value) == expected


def test_printed() -> None:
    assert printed({"b": [1, "x", None], "a": {"c": True, "d": 1.5}}) == "map[a:map[c:true d:1.5] b:[1 x <nil>]]"
