"""Display for people's own plugins: what they say goes to `Display.sink` where the controller has set one, and is not shown on a host."""

import textwrap
import unicodedata
from typing import Any, Callable, List, Optional

_WIDTH = 79
Sink = Callable[[str, Optional[str], bool, bool], None]
"""(text, colour, whether it is for the error output, whether a new line follows)."""


def get_text_width(text: str) -> int:
    """Columns of a terminal."""
    return sum(0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "FW" else 1 for char in text)


class Display:
    sink: Optional[Sink] = None
    level = 0
    """Of the run's -v; a display of its own may have another."""
    _told: List[str] = []

    def __init__(self, verbosity: Optional[int] = None) -> None:
        self._own = verbosity
        self.columns = _WIDTH
        self.b_cowsay = None

    @property
    def verbosity(self) -> int:
        return Display.level if self._own is None else self._own

    @verbosity.setter
    def verbosity(self, value: int) -> None:
        self._own = value

    def display(
        self,
        msg: Any,
        color: Optional[str] = None,
        stderr: bool = False,
        screen_only: bool = False,
        log_only: bool = False,
        newline: bool = True,
        **_: Any,
    ) -> None:  # noqa: E501 - Ansible's signature
        if Display.sink is not None and not log_only:
            Display.sink(str(msg), color, stderr, newline)

    def banner(self, msg: Any, color: Optional[str] = None, cows: bool = True) -> None:
        """A title with stars behind it."""
        text = str(msg)
        self.display("\n%s %s" % (text, "*" * max(3, _WIDTH - len(text))), color=color)

    def verbose(self, msg: Any, host: Optional[str] = None, caplevel: int = 2, **_: Any) -> None:
        if self.verbosity > caplevel:
            self.display("<%s> %s" % (host, msg) if host else msg, color="blue", stderr=True)

    def v(self, msg: Any, host: Optional[str] = None) -> None:
        self.verbose(msg, host, 0)

    def vv(self, msg: Any, host: Optional[str] = None) -> None:
        self.verbose(msg, host, 1)

    def vvv(self, msg: Any, host: Optional[str] = None) -> None:
        self.verbose(msg, host, 2)

    def vvvv(self, msg: Any, host: Optional[str] = None) -> None:
        self.verbose(msg, host, 3)

    def vvvvv(self, msg: Any, host: Optional[str] = None) -> None:
        self.verbose(msg, host, 4)

    def debug(self, msg: Any, host: Optional[str] = None) -> None:
        """Of Ansible's own making; not shown."""

    def warning(self, msg: Any, formatted: bool = False, **_: Any) -> None:
        self._once("[WARNING]: %s" % msg, "bright purple")

    def deprecated(
        self, msg: Any, version: Any = None, removed: bool = False, date: Any = None, collection_name: Any = None, **_: Any
    ) -> None:
        self._once("[DEPRECATION WARNING]: %s" % msg, "purple")

    def error(self, msg: Any, wrap_text: bool = True, **_: Any) -> None:
        text = "[ERROR]: %s" % msg
        self._once("\n".join(textwrap.wrap(text, _WIDTH)) if wrap_text else text, "red")

    def _once(self, text: str, color: str) -> None:
        """Equal ones are told once."""
        if Display.sink is not None and text not in self._told:
            self._told.append(text)
            self.display(text, color=color, stderr=True)
