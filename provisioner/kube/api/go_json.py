"""What Go's encoding/json says of a text that is no JSON, and how its fmt shows values: upstream's answers to bad bodies end with it. Pure."""

from __future__ import annotations

import re

_SPACE = re.compile(rb"[ \t\r\n]*")
_DIGITS = re.compile(rb"[0-9]*")
_PLAIN = re.compile(rb'[^"\\\x00-\x1f]*')
_HEX = b"0123456789abcdefABCDEF"
_WORDS = {ord("t"): b"true", ord("f"): b"false", ord("n"): b"null"}
MAX_DEPTH = 10_000


def syntax_error(body: bytes) -> str:
    """The first thing that is wrong; "" where nothing is. (Nesting beyond 10,000 is too deep.)"""
    try:
        _Scan(body).document()
    except _Wrong as wrong:
        return str(wrong)
    return ""


def shape(value: object) -> str:
    """What a decoded value is called where another was expected."""
    if value is None or isinstance(value, bool):
        return "bool" if value is not None else "null"
    names: dict[type, str] = {dict: "object", list: "array", str: "string"}
    return names.get(type(value), "number")


def printed(value: object) -> str:
    """A decoded value as `%v` shows it."""
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{printed(value[key])}' for key in sorted(value))}]"
    if isinstance(value, list):
        return f"[{' '.join(map(printed, value))}]"
    if value is None:
        return "<nil>"
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Wrong(Exception):
    pass


class _Scan:
    def __init__(self, body: bytes) -> None:
        self._body, self._at = body, 0
        # the brackets that are open
        self._open: list[int] = []

    def _peek(self) -> int:
        if self._at >= len(self._body):
            raise _Wrong("unexpected end of JSON input")
        return self._body[self._at]

    def _wrong(self, where: str) -> _Wrong:
        char = chr(self._peek())
        quoted = {"'": r"'\''", '"': "'\"'", "\\": r"'\\'", "\n": r"'\n'", "\t": r"'\t'", "\r": r"'\r'"}.get(char)
        if quoted is None:
            quoted = f"'{char}'" if char.isprintable() else f"'\\x{ord(char):02x}'" if ord(char) < 0x80 else f"'\\u{ord(char):04x}'"
        return _Wrong(f"invalid character {quoted} {where}")

    def _skip(self, pattern: re.Pattern[bytes]) -> int:
        found = pattern.match(self._body, self._at)
        assert found is not None
        self._at = found.end()
        return len(found[0])

    def document(self) -> None:
        while True:
            while self._value():
                pass
            while self._open and not self._after_value():
                pass
            if not self._open:
                break
        self._skip(_SPACE)
        if self._at < len(self._body):
            raise self._wrong("after top-level value")

    def _value(self) -> bool:
        """One value, or the beginning of one that holds others: then True, and its first is next."""
        self._skip(_SPACE)
        char = self._peek()
        if char in b"{[":
            self._at += 1
            self._open.append(char)
            if len(self._open) > MAX_DEPTH:
                raise _Wrong("exceeded max depth")
            self._skip(_SPACE)
            if self._peek() == char + 2:
                self._close()
                return False
            if char == ord("{"):
                self._key()
            return True
        if char == ord('"'):
            self._string()
        elif char in b"-0123456789":
            self._number()
        elif char in _WORDS:
            for expected in _WORDS[char]:
                if self._peek() != expected:
                    raise self._wrong(f"in literal {_WORDS[char].decode()} (expecting '{chr(expected)}')")
                self._at += 1
        else:
            raise self._wrong("looking for beginning of value")
        return False

    def _close(self) -> None:
        self._at += 1
        self._open.pop()

    def _after_value(self) -> bool:
        """Whether another value is next; if not, what was open is closed."""
        self._skip(_SPACE)
        char, inside = self._peek(), self._open[-1]
        if char == inside + 2:
            self._close()
            return False
        if char != ord(","):
            raise self._wrong("after object key:value pair" if inside == ord("{") else "after array element")
        self._at += 1
        if inside == ord("{"):
            self._key()
        return True

    def _key(self) -> None:
        self._skip(_SPACE)
        if self._peek() != ord('"'):
            raise self._wrong("looking for beginning of object key string")
        self._string()
        self._skip(_SPACE)
        if self._peek() != ord(":"):
            raise self._wrong("after object key")
        self._at += 1

    def _string(self) -> None:
        self._at += 1
        while True:
            self._skip(_PLAIN)
            char = self._peek()
            if char == ord('"'):
                self._at += 1
                return
            if char != ord("\\"):
                raise self._wrong("in string literal")
            self._at += 1
            escaped = self._peek()
            if escaped not in b'bfnrt\\/"u':
                raise self._wrong("in string escape code")
            self._at += 1
            for _ in range(4 if escaped == ord("u") else 0):
                if self._peek() not in _HEX:
                    raise self._wrong("in \\u hexadecimal character escape")
                self._at += 1

    def _number(self) -> None:
        if self._peek() == ord("-"):
            self._at += 1
            self._digit("in numeric literal")
        if self._body[self._at] == ord("0"):
            self._at += 1
        else:
            self._skip(_DIGITS)
        if self._body[self._at : self._at + 1] == b".":
            self._at += 1
            self._digit("after decimal point in numeric literal")
            self._skip(_DIGITS)
        if self._body[self._at : self._at + 1] in (b"e", b"E"):
            self._at += 1
            if self._peek() in b"+-":
                self._at += 1
            self._digit("in exponent of numeric literal")
            self._skip(_DIGITS)

    def _digit(self, where: str) -> None:
        if self._peek() not in b"0123456789":
            raise self._wrong(where)
