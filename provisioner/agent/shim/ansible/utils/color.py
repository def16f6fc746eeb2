"""Colours for people's own callback plugins."""

import os
import sys
from typing import Any, Mapping, Optional

ANSIBLE_COLOR = sys.stdout.isatty() and "NO_COLOR" not in os.environ and "ANSIBLE_NOCOLOR" not in os.environ
CODES = {
    "black": "0;30", "bright gray": "0;37", "blue": "0;34", "white": "1;37", "green": "0;32", "bright blue": "1;34", "cyan": "0;36",
    "bright green": "1;32", "red": "0;31", "bright cyan": "1;36", "purple": "0;35", "bright red": "1;31", "yellow": "0;33",
    "bright purple": "1;35", "dark gray": "1;30", "bright yellow": "1;33", "magenta": "0;35", "bright magenta": "1;35", "normal": "0",
}  # fmt: skip


def stringc(text: Any, color: Optional[str], wrap_nonvisible_chars: bool = False) -> str:
    """Each line in the colour, on a terminal."""
    if not ANSIBLE_COLOR or color not in CODES:
        return str(text)
    return "\n".join("\033[%sm%s\033[0m" % (CODES[color], line) for line in str(text).split("\n"))


def colorize(lead: str, num: Any, color: Optional[str]) -> str:
    """A count of the recap."""
    text = "%s=%-4s" % (lead, num)
    return stringc(text, color) if num else text


def hostcolor(host: str, stats: Mapping[str, Any], color: bool = True) -> str:
    """A host of the recap, by how it fared."""
    if not (ANSIBLE_COLOR and color):
        return "%-26s" % host
    kind = "red" if stats["failures"] or stats["unreachable"] else "yellow" if stats["changed"] else "green"
    return "%-37s" % stringc(host, kind)
