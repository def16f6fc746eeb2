"""What OpenSSH's own configuration says of a host: ~/.ssh/config, then /etc/ssh/ssh_config, as ssh_config(5) has it.

paramiko reads the files; it does not know `Include`, which is done here. The first value that is said holds.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import paramiko

USER, SYSTEM = Path("~/.ssh/config"), Path("/etc/ssh/ssh_config")
# As ssh: files that include each other end somewhere.
DEPTH = 16


class SshConfigError(ValueError):
    """A file that can't be read; names it."""


def options_of_host(alias: str, file: str | None = None) -> Mapping[str, str | list[str]]:
    """Options of a host by the name that somebody gives it, their names in lower case; `identityfile` is a list. `hostname` is there only
    where a file has it. `file`: the one that -F names, `none` for none. Raises SshConfigError."""
    named = None if file is None else [Path(file)] if file.lower() != "none" else []
    found: dict[str, str | list[str]] = {}
    for path in (USER, SYSTEM) if named is None else named:
        path = path.expanduser()
        config = _parsed(path, _changed_ns(path))
        if config is None:
            continue
        for key, value in config.lookup(alias).items():
            if key == "identityfile" and isinstance(value, list):
                found["identityfile"] = [*found.get("identityfile", []), *value]
            elif key != "hostname" or value != alias:
                found.setdefault(key, value)
    return found


def _changed_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@functools.lru_cache(maxsize=16)
def _parsed(path: Path, changed_ns: int) -> paramiko.SSHConfig | None:
    """None where there is no such file. `changed_ns` tells versions of it apart."""
    import paramiko

    if not changed_ns:
        return None
    try:
        config = paramiko.SSHConfig.from_text("".join(_lines(path, path.parent, 0)))
    except (paramiko.SSHException, UnicodeDecodeError) as error:
        raise SshConfigError(f"{path}: {error}") from error
    # A ProxyCommand is for the port and the user that hold in the end: its tokens are put in later.
    config.TOKENS_BY_CONFIG_KEY = {key: tokens for key, tokens in config.TOKENS_BY_CONFIG_KEY.items() if key != "proxycommand"}
    return config


def _lines(path: Path, folder: Path, depth: int) -> list[str]:
    """A file's lines with those of the files that it includes; a file that can't be read has none, as with ssh."""
    if depth > DEPTH:
        raise SshConfigError(f"{path}: too many files that include each other")
    try:
        text = path.read_text()
    except OSError:
        return []
    found = []
    for line in text.splitlines(keepends=True):
        words = line.replace("=", " ", 1).split()
        if not words or words[0].lower() != "include":
            found.append(line if line.endswith("\n") else line + "\n")
            continue
        for pattern in words[1:]:
            wanted = folder / Path(pattern.strip('"')).expanduser()
            for part in sorted(Path(wanted.anchor).glob(str(wanted.relative_to(wanted.anchor)))):
                found += _lines(part, folder, depth + 1)
    return found
