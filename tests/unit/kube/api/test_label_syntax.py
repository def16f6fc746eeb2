"""Proves how a label selector's text is read, and in which words it is refused."""

from __future__ import annotations

import pytest

from provisioner.kube.api.label_syntax import SelectorError, terms

_VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_REQUIREMENT = "unable to parse requirement: "


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" \t", []),
        ("b , a", [("a", "Exists"), ("b", "Exists")]),
        ("x in (foo,,baz),y,z notin ()", [("x", "In", "", "baz", "foo"), ("y", "Exists"), ("z", "NotIn", "")]),
        ("a in (,b)", [("a", "In", "", "b")]),
        ("in in (in,notin)", [("in", "In", "in", "notin")]),
        ("a in(b)", [("a", "In", "b")]),
        ("a=,b!=", [("a", "In", ""), ("b", "NotIn", "")]),
        ("a>5,b<7", [("a", "Gt", "5"), ("b", "Lt", "7")]),
        ("! a", [("a", "DoesNotExist")]),
    ],
)
def test_read(text: str, expected: list[tuple[str, ...]]) -> None:
    assert [(t.key, t.operator, *sorted(t.values)) for t in terms(text)] == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a!==b", _REQUIREMENT + "found '=', expected: identifier"),
        ("a=b=c", "found '=', expected: ',' or 'end of string'"),
        ("a b", _REQUIREMENT + "found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a in", _REQUIREMENT + "found '' expected: '('"),
        ("a in (", _REQUIREMENT + "found '', expected: ',', ')' or identifier"),
        ("a in (b", _REQUIREMENT + "found '', expected: ',' or ')'"),
        ("a in (b,=", _REQUIREMENT + "found '=', expected: ',', or identifier"),
        ("!", _REQUIREMENT + "found '', expected: identifier"),
        ("!a=b", "found '=', expected: ',' or 'end of string'"),
        ("a,", "found '', expected: identifier after ','"),
        ("a,,b", "found ',', expected: identifier after ','"),
        (")", "found ')', expected: !, identifier, or 'end of string'"),
        ("a>x", _REQUIREMENT + "values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer"),
        ("a in (b,-c)", f'{_REQUIREMENT}values[0][a]: Invalid value: "-c": {_VALUE}'),
        ("a/b/c", _REQUIREMENT + '<nil>: Invalid value: "a/b/c": a qualified name must consist of'),
        ("-a", _REQUIREMENT + '<nil>: Invalid value: "-a": name part must consist of'),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(SelectorError) as refused:
        terms(text)
    assert str(refused.value).startswith(message)
    assert str(refused.value) == message or message.endswith("must consist of")
