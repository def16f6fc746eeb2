"""The text of a label selector, read into requirements: `a=b,c in (d,e),!f,g>1`. Pure; the grammar and the refusals' words are upstream's
(`labelSelector` of the API's list options)."""

from __future__ import annotations

import re
from typing import NamedTuple

from provisioner.kube.api import names
from provisioner.kube.api.errors import invalid_value

_WORD, _END = "a word", ""
# The longest operator first: `==` is one, `=!` are two.
_TOKEN = re.compile(r"[ \t\r\n]*(?:(?P<symbol>==|!=|[=!(),<>])|(?P<word>[^=!(),<> \t\r\n]+))")
_OPERATORS = {"in": "In", "notin": "NotIn", "=": "In", "==": "In", "!=": "NotIn", ">": "Gt", "<": "Lt"}
_BINARY = "in, notin, =, ==, !=, gt, lt"


class SelectorError(ValueError):
    """A selector that can't be parsed."""


class Term(NamedTuple):
    """`operator` is In, NotIn, Exists, DoesNotExist, Gt or Lt."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()


def terms(text: str) -> tuple[Term, ...]:
    """In the order of their keys. Raises SelectorError."""
    return tuple(sorted(_Parser(text).terms(), key=lambda term: term.key))


class _Refused(Exception):
    """What is wrong with one requirement."""


class _Parser:
    def __init__(self, text: str) -> None:
        # (what it is: an operator itself or a word, its text)
        self._tokens: list[tuple[str, str]] = []
        for found in _TOKEN.finditer(text.rstrip(" \t\r\n")):
            symbol, word = found["symbol"], found["word"]
            self._tokens.append((symbol, symbol) if symbol else (_WORD, word))
        self._tokens.append((_END, ""))
        self._at = 0

    def _next(self) -> tuple[str, str]:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _ahead(self) -> tuple[str, str]:
        return self._tokens[self._at]

    def terms(self) -> list[Term]:
        found: list[Term] = []
        kind, text = self._ahead()
        if kind == _END:
            return found
        if kind not in (_WORD, "!"):
            raise SelectorError(f"found '{text}', expected: !, identifier, or 'end of string'")
        while True:
            try:
                found.append(self._term())
            except _Refused as refused:
                raise SelectorError(f"unable to parse requirement: {refused}") from None
            kind, text = self._next()
            if kind == _END:
                return found
            if kind != ",":
                raise SelectorError(f"found '{text}', expected: ',' or 'end of string'")
            kind, text = self._ahead()
            if kind not in (_WORD, "!"):
                raise SelectorError(f"found '{text}', expected: identifier after ','")

    def _term(self) -> Term:
        kind, key = self._next()
        absent = kind == "!"
        if absent:
            kind, key = self._next()
        if kind != _WORD:
            raise _Refused(f"found '{key}', expected: identifier")
        if wrong := names.is_qualified_name(key):
            raise _Refused(str(invalid_value("<nil>", key, "; ".join(wrong))))
        if absent:
            return Term(key, "DoesNotExist")
        if self._ahead()[0] in (_END, ","):
            return Term(key, "Exists")
        operator = self._next()[1]
        if operator not in _OPERATORS:
            raise _Refused(f"found '{operator}', expected: {_BINARY}")
        values = self._listed() if operator in ("in", "notin") else frozenset((self._one(),))
        return Term(key, _OPERATORS[operator], _checked(key, operator, values))

    def _one(self) -> str:
        if self._ahead()[0] in (_END, ","):
            return ""
        kind, text = self._next()
        if kind != _WORD:
            raise _Refused(f"found '{text}', expected: identifier")
        return text

    def _listed(self) -> frozenset[str]:
        kind, text = self._next()
        if kind != "(":
            raise _Refused(f"found '{text}' expected: '('")
        kind, first = self._ahead()
        if kind == ")":
            self._next()
            return frozenset(("",))
        if kind not in (_WORD, ","):
            raise _Refused(f"found '{first}', expected: ',', ')' or identifier")
        found: set[str] = set()
        while True:
            kind, text = self._next()
            after, later = self._ahead()
            if kind == _WORD:
                found.add(text)
                if after not in (",", ")"):
                    raise _Refused(f"found '{later}', expected: ',' or ')'")
            elif kind == ",":
                # "(," and ",)" and ",," have an empty value
                if not found or after in (",", ")"):
                    found.add("")
            else:
                raise _Refused(f"found '{text}', expected: ',', or identifier")
            if after == ")":
                self._next()
                return frozenset(found)


def _checked(key: str, operator: str, values: frozenset[str]) -> frozenset[str]:
    found = []
    for index, value in enumerate(sorted(values)):
        if operator in "<>" and not _is_whole(value):
            found.append(invalid_value(f"values[{index}]", value, "for 'Gt', 'Lt' operators, the value must be an integer"))
    for index, value in enumerate(sorted(values)):
        if wrong := names.is_label_value(value):
            found.append(invalid_value(f"values[{index}][{key}]", value, "; ".join(wrong)))
    if found:
        texts = [str(one) for one in found]
        raise _Refused(texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]")
    return values


def _is_whole(text: str) -> bool:
    return re.fullmatch(r"[-+]?[0-9]+", text) is not None and -(2**63) <= int(text) < 2**63
