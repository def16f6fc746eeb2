"""Terms of the form `key option=value …`, as old lookups take them."""

from __future__ import annotations

import re

_WORDS = re.compile(r"""(?:[^\s"']|"[^"]*"|'[^']*'|["'])+""")
_UNQUOTED = re.compile(r"""^(["'])(.*)\1$""", re.DOTALL)


def words_of(text: str) -> tuple[list[str], dict[str, str]]:
    """What is no option, and the options; a word ends at a space outside of quotes, and a value in quotes is what is within them."""
    words = _WORDS.findall(text)
    options = (word.partition("=") for word in words if "=" in word)
    return [word for word in words if "=" not in word], {name: _UNQUOTED.sub(r"\2", value) for name, _, value in options}
