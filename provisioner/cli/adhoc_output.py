"""Draws the results of one module on many hosts, as Ansible's ad hoc command does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from provisioner.engine.events import Event, HostDone, NoHosts, Warned
from provisioner.engine.results import Status

WORDS = {
    Status.OK: "SUCCESS",
    Status.CHANGED: "CHANGED",
    Status.FAILED: "FAILED!",
    Status.UNREACHABLE: "UNREACHABLE!",
    Status.SKIPPED: "SKIPPED",
}
TEXT_ACTIONS = {"command", "shell", "raw", "script"}


class AdhocOutput:
    """A callback of the engine."""

    def __init__(self, one_line: bool = False) -> None:
        self._one_line = one_line

    def __call__(self, event: Event) -> None:
        if isinstance(event, HostDone):
            print(text(event.host, event.action, event.status, event.result, self._one_line), flush=True)
        elif isinstance(event, NoHosts):
            print(event.reason)
        elif isinstance(event, Warned):
            print(f"[WARNING]: {event.message}")


def text(host: str, action: str, status: Status, result: Mapping[str, Any], one_line: bool) -> str:
    if action.rpartition(".")[2] in TEXT_ACTIONS and "rc" in result:
        output = "\n".join(part for part in (str(result.get("stdout", "")), str(result.get("stderr", "")), _failure(result)) if part)
        if one_line:
            return f"{host} | {WORDS[status]} | rc={result['rc']} | {output.replace(chr(10), chr(92) + 'n')}"
        return f"{host} | {WORDS[status]} | rc={result['rc']} >>\n{output}"
    return f"{host} | {WORDS[status]} => {json.dumps(dict(result), indent=None if one_line else 4, sort_keys=True, default=str)}"


def _failure(result: Mapping[str, Any]) -> str:
    return str(result.get("msg", "")) if result.get("failed") else ""
