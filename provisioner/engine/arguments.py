"""The short forms of module arguments: `copy: src=a dest="b c"`, `shell: echo hi chdir=/tmp`."""

from __future__ import annotations

import codecs
import re
from typing import Any

# Modules whose text is a command or a name; only these options may stand in it.
FREE_FORM: dict[str, frozenset[str]] = {
    name: frozenset({"creates", "removes", "chdir", "executable", "warn", "stdin", "stdin_add_newline", "strip_empty_ends", "argv", "cmd"})
    for name in ("command", "shell", "script")
}
FREE_FORM["raw"] = frozenset({"executable"})
for _name in ("include_tasks", "import_tasks", "include_vars", "meta", "import_playbook", "include"):
    FREE_FORM[_name] = frozenset({"file", "name", "tasks_from", "depth", "tags"})

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*=")


def split(text: str) -> list[str]:
    """Words of a text; quotes and Jinja braces keep theirs together, quotes stay in place."""
    words: list[str] = []
    word = ""
    quote = ""
    depth = 0
    i = 0
    while i < len(text):
        char = text[i]
        pair = text[i : i + 2]
        if not quote and pair in ("{{", "{%", "{#"):
            depth += 1
            word += pair
            i += 2
            continue
        if not quote and depth and pair in ("}}", "%}", "#}"):
            depth -= 1
            word += pair
            i += 2
            continue
        if char == "\\" and i + 1 < len(text) and quote:
            word += pair
            i += 2
            continue
        if char in "'\"" and not depth:
            quote = "" if quote == char else (quote or char)
        if char.isspace() and not quote and not depth:
            if word:
                words.append(word)
            word = ""
        else:
            word += char
        i += 1
    if quote or depth:
        raise ValueError(f"failed at splitting arguments, either an unbalanced jinja2 block or quotes: {text}")
    if word:
        words.append(word)
    return words


def unquote(value: str) -> str:
    if len(value) > 1 and value[0] in "'\"" and value[-1] == value[0] and value[-2] != "\\":
        return value[1:-1]
    return value


def parse(action: str, text: str) -> dict[str, Any]:
    """Arguments from a text. Raises ValueError with what is wrong."""
    options: dict[str, Any] = {}
    if action in FREE_FORM:
        allowed = FREE_FORM[action]
        raw = text
        for word in split(text):
            found = _KEY.match(word)
            if found and word[: found.end() - 1] in allowed:
                options[word[: found.end() - 1]] = unquote(unescape(word[found.end() :]))
                raw = _without(raw, word)
        raw = raw.strip(" \t") if action in ("command", "shell") else raw.strip()
        if raw.strip():
            options["_raw_params"] = raw if action in ("command", "shell", "raw", "script") else unquote(raw)
        return options
    for word in split(text):
        found = _KEY.match(word)
        if not found:
            raise ValueError(f"expected key=value, found {word!r}")
        options[word[: found.end() - 1]] = unquote(unescape(word[found.end() :]))
    return options


_ESCAPE = re.compile(r"""\\(?:U[0-9a-fA-F]{8}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|N\{[^}]+\}|[\\'"abfnrtv])""")


def unescape(value: str) -> str:
    """`\\n` and its like in a value of the short form stand for what they name."""
    if "\\" not in value:
        return value
    return _ESCAPE.sub(lambda found: codecs.decode(found.group(0), "unicode-escape"), value)


def _without(text: str, word: str) -> str:
    """The text with one of its words and the space before it taken out."""
    at = re.search(r"(?:^|(?<=\s))" + re.escape(word) + r"(?=\s|$)", text)
    return text if at is None else (text[: at.start()].rstrip(" ") + " " + text[at.end() :].lstrip(" "))
