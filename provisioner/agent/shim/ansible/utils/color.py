"""Colours for people's own callback plugins."""

import os
import sys
from typing import Any, Mapping, Optional

from ansible.constants import COLOR_CODES

ANSIBLE_COLOR = sys.stdout.isatty() and "NO_COLOR" not in os.environ and "ANSIBLE_NOCOLOR" not in os.environ


def stringc(text: Any, color: Optional[str], wrap_nonvisible_chars: bool = False) -> str:
    """Each line in the colour, on a terminal."""
    if not ANSIBLE_COLOR or color not in COLOR_CODES:
        return str(text)
    return "\n".join("\033[%sm%s\033[0m" % (COLOR_CODES[color], line) for line in str(text).split("\n"))


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
