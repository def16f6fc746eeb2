"""Command-line flags as upstream's daemons take them: `--name=value`, `--name value`, `--bool`, `--bool=false`.

All problems are found before anything starts and reported together; the daemon then ends with exit code 2.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from provisioner.kube.version import VERSION

_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_BOOLS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


class FlagError(ValueError):
    """One or more flags are wrong; each problem is a line of the message."""


def duration(text: str) -> float:
    """A Go duration (`1m30s`, `500ms`) in seconds; a bare 0 too."""
    if text == "0":
        return 0.0
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(n + u for n, u in parts) != text:
        raise ValueError("expected a duration like 40s or 1m30s")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def boolean(text: str) -> bool:
    if text.lower() not in _BOOLS:
        raise ValueError("expected true or false")
    return _BOOLS[text.lower()]


def ip_address(text: str) -> str:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise ValueError("expected an IP address") from None
    return text


def integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("expected a whole number") from None


def number(text: str) -> float:
    """Above zero."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise ValueError("expected a number above 0")
    return found


def comma_list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def pairs(text: str) -> dict[str, str]:
    """`key=value,key=value`."""
    found: dict[str, str] = {}
    for part in comma_list(text):
        key, equals, value = part.partition("=")
        if not equals:
            raise ValueError(f"expected key=value, got {part!r}")
        found[key] = value
    return found


@dataclass(frozen=True, slots=True)
class Flag:
    name: str
    parse: Callable[[str], Any]
    default: Any
    help: str


class Flags:
    """Parsed values: `flags.name_with_underscores`, and `given` for those that were on the command line."""

    def __init__(self, values: dict[str, Any], given: frozenset[str]) -> None:
        self._values, self.given = values, given

    def __getattr__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(name) from None

    def as_dict(self) -> dict[str, Any]:
        return dict(self._values)


class FlagSet:
    """The flags of one program. `-h` and `--help` print them, `--version` the version, and exit 0."""

    def __init__(self, program: str, description: str) -> None:
        self.program, self.description = program, description
        self._flags: dict[str, Flag] = {}
        self.add("v", integer, 2, "log verbosity; 4 and more logs debugging lines")

    def add(self, name: str, parse: Callable[[str], Any], default: Any, help: str) -> FlagSet:
        self._flags[name] = Flag(name, parse, default, help)
        return self

    def parse(self, argv: Sequence[str]) -> Flags:
        """Raises FlagError with every problem found."""
        values = {flag.name.replace("-", "_"): flag.default for flag in self._flags.values()}
        given: set[str] = set()
        problems: list[str] = []
        rest = list(argv)
        while rest:
            word = rest.pop(0)
            if word in ("-h", "--help"):
                sys.stdout.write(self.usage())
                raise SystemExit(0)
            if word in ("--version", "--version=true"):
                sys.stdout.write(f"Kubernetes {VERSION}\n")
                raise SystemExit(0)
            name, equals, text = word.lstrip("-").partition("=")
            name = name.replace("_", "-")
            flag = self._flags.get(name)
            if not word.startswith("-"):
                problems.append(f"{word}: unexpected argument; {self.program} takes flags only")
            elif flag is None:
                problems.append(f"--{name}: unknown flag{self._nearest(name)}")
                if not equals and rest and not rest[0].startswith("-"):
                    rest.pop(0)
            else:
                if not equals and flag.parse is boolean:
                    text = "true"
                elif not equals:
                    if not rest:
                        problems.append(f"--{name}: a value is missing")
                        continue
                    text = rest.pop(0)
                problem = self._set(flag, text, values, given)
                if problem:
                    problems.append(problem)
        if problems:
            raise FlagError("\n".join(problems))
        return Flags(values, frozenset(given))

    def _set(self, flag: Flag, text: str, values: dict[str, Any], given: set[str]) -> str | None:
        key = flag.name.replace("-", "_")
        try:
            value = flag.parse(text)
        except ValueError as error:
            return f"--{flag.name}={text}: {error}"
        if key in given and isinstance(value, list):
            value = values[key] + value
        elif key in given and isinstance(value, dict):
            value = values[key] | value
        values[key] = value
        given.add(key)
        return None

    def _nearest(self, name: str) -> str:
        near = difflib.get_close_matches(name, self._flags, n=1)
        return f"; did you mean --{near[0]}?" if near else ""

    def usage(self) -> str:
        lines = [f"{self.program}: {self.description}", "", "Flags:"]
        for flag in sorted(self._flags.values(), key=lambda f: f.name):
            default = f" (default {flag.default})" if flag.default not in (None, "", [], {}) else ""
            lines.append(f"  --{flag.name}  {flag.help}{default}")
        return "\n".join(lines) + "\n"
