"""OpenSSH's own words for a connection, as inventories carry them: options in arguments, and hops of a jump."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.transport.ssh_config import options_of_host

ARGUMENT_VARIABLES = ("ansible_ssh_common_args", "ansible_ssh_extra_args", "ansible_ssh_args")
_FLAGS = {"-J": "proxyjump", "-i": "identityfile", "-p": "port", "-l": "user", "-F": "configfile"}


@dataclass(frozen=True)
class Hop:
    """One host of a ProxyJump. `user` and `port` None: not said."""

    address: str
    user: str | None = None
    port: int | None = None


def arguments_of(variables: Mapping[str, Any]) -> dict[str, str]:
    """The -o options (and -J, -i, -p, -l) of the argument variables, by lower-case name. As with ssh, the first one said holds.

    Raises ValueError naming the variable.
    """
    found: dict[str, str] = {}
    for key in ARGUMENT_VARIABLES:
        try:
            words = shlex.split(str(variables.get(key) or ""))
        except ValueError as error:
            raise ValueError(f"{key}: {error} in {variables[key]!r}") from None
        while words:
            word = words.pop(0)
            flag = next((name for short, name in _FLAGS.items() if word.startswith(short)), None)
            if flag is not None:
                value = word[2:] or (words.pop(0) if words else "")
            elif word.startswith("-o"):
                option = word[2:] or (words.pop(0) if words else "")
                flag, _, value = option.partition("=") if "=" in option else option.partition(" ")
            else:
                continue
            found.setdefault(flag.strip().lower(), value.strip())
    return found


def options_of(alias: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """What the argument variables say, and where they don't, OpenSSH's configuration of a host of that name (`identityfile`: a list).

    Of ProxyJump and ProxyCommand the one said first holds. Raises ValueError naming the variable or the file.
    """
    said = arguments_of(variables)
    configured = dict(options_of_host(alias, said.get("configfile")))
    if "proxyjump" in said or "proxycommand" in said:
        configured.pop("proxyjump", None)
        configured.pop("proxycommand", None)
    return {**configured, **said}


def expanded(command: str, *, alias: str, address: str, port: int, user: str) -> str:
    """The tokens of a ProxyCommand: %h, %n, %p, %r and %%."""
    tokens = {"%h": address, "%n": alias, "%p": str(port), "%r": user, "%%": "%"}
    return re.sub("%[hnpr%]", lambda match: tokens[match[0]], command)


def hops_of(jump: str, variable: str = "gateway") -> tuple[Hop, ...]:
    """[user@]host[:port] or ssh://user@host:port, several separated by commas: the last is nearest to the host. Raises ValueError."""
    return tuple(_hop(part.strip(), variable) for part in jump.split(",") if part.strip())


def _hop(text: str, variable: str) -> Hop:
    user, at, rest = text.removeprefix("ssh://").rstrip("/").rpartition("@")
    if rest.startswith("["):
        address, _, tail = rest[1:].partition("]")
        port = tail.removeprefix(":")
    elif rest.count(":") > 1:
        address, port = rest, ""
    else:
        address, _, port = rest.partition(":")
    if not address or (port and not port.isdigit()):
        raise ValueError(f"{variable}: expected [user@]host[:port], got {text!r}")
    return Hop(address, user if at else None, int(port) if port else None)


def seconds_of(value: Any, name: str) -> float:
    """A duration as ssh and Ansible write it: 10, "10", "10s", "2m". Raises ValueError naming the setting."""
    text = str(value).strip().lower()
    unit = {"s": 1.0, "m": 60.0, "h": 3600.0}.get(text[-1:], 0.0)
    try:
        return float(text[:-1]) * unit if unit else float(text)
    except ValueError:
        raise ValueError(f"{name}: expected seconds, got {value!r}") from None
