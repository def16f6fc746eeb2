"""Regular expressions as Go's regexp takes them: no lookaround, no references, time that grows with the text alone. RE2, which Go's is made after,
matches; what Go says of an expression that it does not take is told here.

Source: the syntax that Go's regexp/syntax package documents.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Protocol

_GROUP = re.compile(r"\(\?(?:P?<[A-Za-z_][A-Za-z0-9_]*>|[imsU]*(?:-[imsU]+)?[:)])")
_REPEAT = re.compile(r"[*+?]|\{(\d+)(?:,(\d*))?\}")
MAX_REPEAT = 1000


class Match(Protocol):
    def group(self) -> str: ...


class Pattern(Protocol):
    def search(self, text: str) -> Match | None: ...
    def finditer(self, text: str) -> Iterator[Match]: ...


@lru_cache(maxsize=2048)
def compiled(text: str) -> Pattern:
    """Raises ValueError in Go's words."""
    import re2  # 3 MB, for those who have expressions

    options = re2.Options()
    options.log_errors = False
    try:
        found: Pattern = re2.compile(text, options)
    except re2.error as error:
        raise ValueError(syntax_error(text) or f"error parsing regexp: {error.args[0].decode()}") from None
    return found


def syntax_error(text: str) -> str:
    """The first thing that is wrong, "" where nothing is."""
    at, depth = 0, 0
    last = ""  # the repetition that ends here
    operand = False  # whether there is something to repeat
    while at < len(text):
        char = text[at]
        repeat = _REPEAT.match(text, at)
        if repeat is not None:
            if wrong := _repetition(repeat, last, operand):
                return wrong
            at = repeat.end()
            at += text[at : at + 1] == "?"  # lazily
            last = text[repeat.start() : at]
            continue
        last, operand = "", char not in "(|"
        if char == "\\":
            if at + 1 == len(text):
                return _told("trailing backslash at end of expression", "")
            if text[at + 1] in "123456789":
                return _told("invalid escape sequence", text[at : at + 2])
            end = text.find("\\E", at) if text[at + 1] == "Q" else at
            at = (len(text) if end < 0 else end) + 2
        elif char == "[":
            end = _class_end(text, at)
            if end < 0:
                return _told("missing closing ]", text[at:])
            at = end
        elif char == "(":
            group = _GROUP.match(text, at)
            if group is None and text.startswith("(?", at):
                return _told("invalid or unsupported Perl syntax", text[at : at + 3])
            depth += group is None or not group[0].endswith(")")
            at = group.end() if group is not None else at + 1
        elif char == ")":
            if not depth:
                return _told("unexpected )", text)
            depth, at = depth - 1, at + 1
        else:
            at += 1
    return _told("missing closing )", text) if depth else ""


def _repetition(repeat: re.Match[str], last: str, operand: bool) -> str:
    if not operand:
        return _told("missing argument to repetition operator", repeat[0])
    if last:
        return _told("invalid nested repetition operator", last + repeat[0])
    least, most = repeat[1], repeat[2]
    if least and (int(least) > MAX_REPEAT or (most and not int(least) <= int(most) <= MAX_REPEAT)):
        return _told("invalid repeat count", repeat[0])
    return ""


def _class_end(text: str, at: int) -> int:
    """Behind the bracket that closes the one at a place, -1 for none. A bracket that comes first stands for itself."""
    at += 2 if text.startswith("[^", at) else 1
    first = True
    while at < len(text):
        if text[at] == "]" and not first:
            return at + 1
        first = False
        named = text.find(":]", at + 2) if text.startswith("[:", at) else -1
        at = named + 2 if named > 0 else at + (2 if text[at] == "\\" else 1)
    return -1


def _told(what: str, where: str) -> str:
    return f"error parsing regexp: {what}: `{where}`"
