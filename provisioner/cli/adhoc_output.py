"""Draws the results of one module on many hosts, as Ansible's ad hoc command does."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from provisioner.engine.events import Event, HostDone, NoHosts, Warned
from provisioner.engine.results import Status

WORDS = {
    Status.OK: "SUCCESS",
    Status.CHANGED: "CHANGED",
    Status.FAILED: "FAILED!",
    Status.UNREACHABLE: "UNREACHABLE!",
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
            print("[WARNING]: No hosts matched, nothing to do", file=sys.stderr)
        elif isinstance(event, Warned):
            print(f"[WARNING]: {event.message}", file=sys.stderr)


def text(host: str, action: str, status: Status, result: Mapping[str, Any], one_line: bool) -> str:
    if status is Status.SKIPPED:
        return f"{host} | SKIPPED"
    if action.rpartition(".")[2] in TEXT_ACTIONS and "rc" in result and not result.get("ansible_job_id"):
        head = f"{host} | {WORDS[status].rstrip('!')} | rc={result['rc']} "
        if one_line:
            words = [f"({name}) {shown}" for name in ("stdout", "stderr") if (shown := _one_line(result.get(name)))]
            return f"{head}| {' '.join(words)}"
        return f"{head}>>\n" + "".join(str(result.get(name) or "") for name in ("stdout", "stderr", "msg"))
    return f"{host} | {WORDS[status]} => {_document(action, result, one_line)}"


def _one_line(output: Any) -> str:
    return str(output or "").replace("\n", "\\n").replace("\r", "\\r")


def _document(action: str, result: Mapping[str, Any], one_line: bool) -> str:
    shown = {
        key: value for key, value in result.items() if not str(key).startswith("_ansible") and key not in ("failed", "diff", "invocation")
    }
    if action == "debug" and not result.get("failed"):
        shown = {"msg": shown["msg"]} if "msg" in shown else {key: value for key, value in shown.items() if key != "changed"}
    if one_line:
        return json.dumps(shown, indent=0, sort_keys=True, default=str).replace("\n", "")
    return json.dumps(shown, indent=4, sort_keys=True, default=str)
