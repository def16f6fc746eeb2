"""Draws the results of one module on many hosts, as Ansible's ad hoc command does."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provisioner.cli.diff_text import diff_text
from provisioner.cli.error_blocks import error_block, failure_message, warning_block
from provisioner.engine.events import Event, HostDone, Included, NoHosts, Warned
from provisioner.engine.results import Status
from provisioner.templating.sorted_json import sorted_json, told

WORDS = {
    Status.OK: "SUCCESS",
    Status.CHANGED: "CHANGED",
    Status.FAILED: "FAILED!",
    Status.UNREACHABLE: "UNREACHABLE!",
}
TEXT_ACTIONS = {"command", "shell", "raw"}


_NEVER_SHOWN = frozenset({"failed", "skipped", "diff", "invocation", "exception", "warnings", "deprecations"})


class AdhocOutput:
    """A callback of the engine. `origin` says what was asked for, `tree` is a folder that gets a file of results for each host."""

    def __init__(self, one_line: bool = False, origin: str = "", tree: Path | None = None) -> None:
        self._one_line = one_line
        self._origin = origin
        self._tree = tree
        self._told: set[str] = set()
        """Why hosts failed: they mostly fail alike."""

    def __call__(self, event: Event) -> None:
        if isinstance(event, HostDone):
            if self._tree is not None:
                self._tree.mkdir(parents=True, exist_ok=True)
                (self._tree / event.host.replace("/", "_")).write_text(_document(event.action, event.result, True))
            self._explain(event)
            if not self._one_line and event.result.get("changed") and (shown := diff_text(event.result.get("diff") or [])):
                print(shown.rstrip("\n") + "\n")
            print(text(event.host, event.action, event.status, event.result, self._one_line), flush=True)
        elif isinstance(event, Included):
            file = event.args.get("file", event.args.get("_raw_params"))
            result = {"changed": False, **({"include": file, "include_args": {}} if file else {"include_args": event.args})}
            for host in event.hosts:
                print(text(host, "", Status.OK, result, self._one_line), flush=True)
        elif isinstance(event, NoHosts):
            print("[WARNING]: No hosts matched, nothing to do", file=sys.stderr)
        elif isinstance(event, Warned):
            print(warning_block(event), file=sys.stderr)

    def _explain(self, event: HostDone) -> None:
        """Why it failed, unless that was said before."""
        if event.status not in (Status.FAILED, Status.UNREACHABLE) or self._one_line:
            return
        block = error_block(event.action, event.result, event.location)
        if block and self._origin:  # of no playbook
            block = f"[ERROR]: {failure_message(event.action, event.result)}\nOrigin: <adhoc '{event.action}' task>\n\n{self._origin}"
        if block and block not in self._told:
            self._told.add(block)
            print(block.rstrip("\n") + "\n")


def text(host: str, action: str, status: Status, result: Mapping[str, Any], one_line: bool) -> str:
    if status is Status.SKIPPED:
        return f"{host} | SKIPPED"
    if one_line and status is Status.UNREACHABLE:
        return f"{host} | UNREACHABLE!: {result.get('msg', '')}"
    shown = f"{host} | {WORDS[status]} => {_document(action, result, one_line)}"
    is_text = action.rpartition(".")[2] in TEXT_ACTIONS and status is not Status.UNREACHABLE and not result.get("ansible_job_id")
    head = f"{host} | {WORDS[status].rstrip('!')} | rc={result.get('rc', -1)} "
    if is_text and not one_line:
        return f"{head}>>\n" + "".join(str(result.get(name) or "") for name in ("stdout", "stderr", "msg"))
    if is_text:
        stderr = _one_line(result.get("stderr"))
        line = f"{head}| (stdout) {_one_line(result.get('stdout'))}" + (f" (stderr) {stderr}" if stderr else "")
        return f"{line}\n{shown}" if status is Status.FAILED else line
    return f"{_cause(result)}\n{shown}" if one_line and status is Status.FAILED else shown


def _cause(result: Mapping[str, Any]) -> str:
    *_, last = str(result.get("exception") or "(traceback unavailable)").strip().split("\n")
    return f"An exception occurred during task execution. To see the full traceback, use -vvv. The error was: {last}"


def _one_line(output: Any) -> str:
    return str(output or "").replace("\n", "\\n").replace("\r", "\\r")


def _document(action: str, result: Mapping[str, Any], one_line: bool) -> str:
    shown = {key: value for key, value in result.items() if not str(key).startswith("_ansible") and key not in _NEVER_SHOWN}
    if action == "debug" and not one_line and not result.get("failed"):
        shown = {"msg": shown["msg"]} if "msg" in shown else {key: value for key, value in shown.items() if key != "changed"}
    if one_line:
        indent = 4 if result.get("_ansible_verbose_always") else 0
        return sorted_json(shown, indent=indent, default=told).replace("\n", "")
    return sorted_json(shown, indent=4, default=told)
