"""The short forms of module arguments: `copy: src=a dest="b c"`, `shell: echo hi chdir=/tmp`."""

from __future__ import annotations

import codecs
import re
from typing import Any

# Modules whose text is a command or a name; only these options may stand in it.
FREE_FORM: dict[str, frozenset[str]] = {
    name: frozenset({"creates", "removes", "chdir", "executable", "warn", "stdin", "stdin_add_newline", "strip_empty_ends"})
    for name in ("command", "shell", "script", "raw")
}
for _name in ("include_tasks", "import_tasks", "include_vars", "meta", "import_playbook"):
    FREE_FORM[_name] = frozenset({"file", "name", "tasks_from", "depth", "tags"})

# The `=` after an option's name; `\\=` is an ordinary one.
_EQUALS = re.compile(r"(?<=[^\\])=")
_BLOCKS = (("{{", "}}"), ("{%", "%}"), ("{#", "#}"))


class _Words:
    """The words of a text, line by line. Spaces and line ends that follow a word stay with it, so that words joined again are the text."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._quote = ""
        self._depths = [0] * len(_BLOCKS)

    @property
    def is_open(self) -> bool:
        """Whether a quote or a Jinja block has not ended."""
        return bool(self._quote) or any(self._depths)

    def add_line(self, line: str, *, last: bool) -> None:
        continued = False
        for number, token in enumerate(line.split(" ")):
            if not token and number:
                self._extend(" ")
            elif token == "\\" and not self._quote:
                continued = True  # in the middle of a line, too: where YAML has folded several into one
            else:
                self._add(token, " " if number else "")
        if not last and not continued:
            self._extend("\n")

    def _add(self, token: str, space: str) -> None:
        nested, quoted = any(self._depths), bool(self._quote)
        for char, before in zip(token, " " + token, strict=False):
            if char in "'\"" and before != "\\":
                self._quote = "" if char == self._quote else self._quote or char
        if nested or quoted:
            self._extend(space + token)
        elif token:
            self.words.append(token)
        self._depths = [
            max(depth + token.count(opens) - token.count(closes), 0) for depth, (opens, closes) in zip(self._depths, _BLOCKS, strict=True)
        ]

    def _extend(self, text: str) -> None:
        if self.words:
            self.words[-1] += text
        else:
            self.words.append(text)


def split(text: str) -> list[str]:
    """Words of a text; quotes and Jinja blocks keep theirs together, quotes stay in place. Raises ValueError when one of them does not end."""
    found = _Words()
    lines = text.split("\n") if text else []
    for number, line in enumerate(lines, 1):
        found.add_line(line, last=number == len(lines))
    if found.is_open:
        raise ValueError(f"failed at splitting arguments, either an unbalanced jinja2 block or quotes: {text}")
    return found.words


def join(words: list[str]) -> str:
    """The text that `split` has taken apart."""
    text = ""
    for word in words:
        text += word if not text or text.endswith("\n") else f" {word}"
    return text


def unquote(value: str) -> str:
    if len(value) > 1 and value[0] in "'\"" and value[-1] == value[0] and value[-2] != "\\":
        return value[1:-1]
    return value


def key_values(text: str, allowed: frozenset[str] | None = None) -> tuple[dict[str, Any], list[str]]:
    """The `key=value` words of a text, all or only those allowed, and the other words. Raises ValueError."""
    options: dict[str, Any] = {}
    others: list[str] = []
    for word in split(text):
        plain = unescape(word)
        found = _EQUALS.search(plain)
        if found is None:
            others.append(plain.replace("\\=", "=") if "=" in plain else word)
        elif allowed is not None and plain[: found.start()] not in allowed:
            others.append(word)
        else:
            options[plain[: found.start()].strip()] = unquote(plain[found.end() :].strip())
    return options, others


def parse(action: str, text: str) -> dict[str, Any]:
    """Arguments from a text. Raises ValueError with what is wrong."""
    options, others = key_values(text, FREE_FORM.get(action))
    if action in FREE_FORM:
        raw = join(others)
        if action not in ("command", "shell"):
            raw = raw.strip()
        if raw.strip():
            options["_raw_params"] = raw if action in ("command", "shell", "raw", "script") else unquote(raw)
    elif words := [word.strip() for word in others if word.strip()]:
        options["_raw_params"] = " ".join(words)  # the task fails when its turn comes
    return options


_ESCAPE = re.compile(r"""\\(?:U[0-9a-fA-F]{8}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|N\{[^}]+\}|[\\'"abfnrtv])""")


def unescape(value: str) -> str:
    """`\\n` and its like in a value of the short form stand for what they name."""
    if "\\" not in value:
        return value
    return _ESCAPE.sub(lambda found: codecs.decode(found.group(0), "unicode-escape"), value)
