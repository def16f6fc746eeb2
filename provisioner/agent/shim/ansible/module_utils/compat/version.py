"""LooseVersion and StrictVersion, which left the standard library with distutils."""

import re
from functools import total_ordering
from typing import Any, List, Tuple


@total_ordering
class _Ordered:
    """Compares with its kind and with text."""

    version: Any

    def __init__(self, vstring: Any = None) -> None:
        if vstring is not None:
            self.parse(str(vstring))

    def parse(self, vstring: str) -> None:
        raise NotImplementedError("a kind of version reads its text")

    def _key(self) -> Any:
        return self.version

    def _other(self, other: Any) -> Any:
        return other._key() if isinstance(other, _Ordered) else type(self)(other)._key()

    def __eq__(self, other: Any) -> bool:
        return bool(self._key() == self._other(other))

    def __lt__(self, other: Any) -> bool:
        return bool(self._key() < self._other(other))

    def __hash__(self) -> int:
        return hash(str(self))

    def __repr__(self) -> str:
        return "%s ('%s')" % (type(self).__name__, self)


class LooseVersion(_Ordered):
    """Any text: its numbers compare as numbers, its words as words."""

    _PART = re.compile(r"(\d+ | [a-z]+ | \.)", re.VERBOSE)

    def parse(self, vstring: str) -> None:
        self.vstring = vstring
        parts = [part for part in self._PART.split(vstring) if part and part != "."]
        self.version: List[Any] = [int(part) if part.isdigit() else part for part in parts]

    def __str__(self) -> str:
        return self.vstring


class StrictVersion(_Ordered):
    """1.2, 1.2.3, 1.2a1, 1.2.3b4. Raises ValueError for others."""

    _FORM = re.compile(r"^(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?$")

    def parse(self, vstring: str) -> None:
        match = self._FORM.match(vstring)
        if not match:
            raise ValueError("invalid version number '%s'" % vstring)
        major, minor, patch, letter, number = match.groups()
        self.version: Tuple[int, int, int] = (int(major), int(minor), int(patch or 0))
        self.prerelease = (letter, int(number)) if letter else None

    def _key(self) -> Any:
        return self.version, self.prerelease or ("z", 0)

    def __str__(self) -> str:
        shown = ".".join(map(str, self.version if self.version[2] else self.version[:2]))
        return shown + ("%s%d" % self.prerelease if self.prerelease else "")
