"""A run of the engine as data: `--output json` (one document at the end), `jsonl` (an event a line) and `junit` (a report for CI systems).

The documents have the keys of Ansible's callbacks `ansible.posix.json`, `ansible.posix.jsonl` and `junit`, so that what reads those goes on.
"""

from __future__ import annotations

import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from provisioner.engine.events import Event, HostDone, ItemDone, NoHosts, PlaybookStarted, PlayStarted, Recap, Retrying, TaskStarted, Warned
from provisioner.engine.results import HostStats, Status
from provisioner.inventory.documents import Location
from provisioner.templating.sorted_json import sorted_json

FORMATS = ("text", "json", "jsonl", "junit")
_EVENT = {
    Status.OK: "v2_runner_on_ok",
    Status.CHANGED: "v2_runner_on_ok",
    Status.FAILED: "v2_runner_on_failed",
    Status.SKIPPED: "v2_runner_on_skipped",
    Status.UNREACHABLE: "v2_runner_on_unreachable",
}
_CONTROL = {code: None for code in range(32) if code not in (9, 10, 13)}  # what XML 1.0 cannot hold


def counts(stats: HostStats) -> dict[str, int]:
    """A host's line of the recap under the names of Ansible's callbacks."""
    return {
        "ok": stats.ok,
        "changed": stats.changed,
        "unreachable": stats.unreachable,
        "failures": stats.failed,
        "skipped": stats.skipped,
        "rescued": stats.rescued,
        "ignored": stats.ignored,
    }


def _result(event: HostDone) -> dict[str, Any]:
    shown = {key: value for key, value in event.result.items() if not str(key).startswith("_ansible")}
    shown["action"] = event.action
    if event.ignored and event.status is not Status.UNREACHABLE:
        shown["ignore_errors"] = True
    if event.delegated_to:
        shown["_ansible_delegated_vars"] = {"ansible_host": event.delegated_to}
    return shown


def _recap(event: Recap) -> dict[str, Any]:
    custom = {name: value for name, value in event.custom.items() if name != "_run"}
    return {
        "custom_stats": custom,
        "global_custom_stats": event.custom.get("_run", {}),
        "stats": {host: counts(stats) for host, stats in sorted(event.stats.items())},
    }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _text(value: Any) -> Any:
    """What JSON has no word for, as text: bytes, paths, dates; mappings and other collections as such."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return str(value)


def _dump(value: Any, stream: TextIO, indent: int | None = None) -> None:
    print(sorted_json(value, default=_text, indent=indent), file=stream, flush=True)


def _place(location: Location | None) -> str:
    """A file and line, as Ansible without the column."""
    return f"{location.file}:{location.line}" if location else ""


def _play(event: PlayStarted, number: int) -> dict[str, Any]:
    return {"name": event.name, "id": str(number), "path": _place(event.location), "duration": {"start": _now()}}


def _task(event: TaskStarted) -> dict[str, Any]:
    return {"name": event.name, "id": str(event.serial), "path": _place(event.location), "duration": {"start": _now()}}


def _ended(task: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The task as of now, for an event of its own."""
    return {**task, "duration": {**task.get("duration", {}), "end": _now()}, **more}


class JsonLines:
    """One JSON object a line, as things happen."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._plays = 0
        self._tasks: dict[int, dict[str, Any]] = {}

    def __call__(self, event: Event) -> None:
        match event:
            case PlaybookStarted():
                self._line("v2_playbook_on_start", path=event.path)
            case PlayStarted():
                self._plays += 1
                self._line("v2_playbook_on_play_start", play=_play(event, self._plays), tasks=[], hosts=list(event.hosts))
            case NoHosts():
                self._line("v2_playbook_on_no_hosts_matched", play={"name": event.play}, msg=event.reason)
            case TaskStarted():
                self._tasks[event.serial] = _task(event)
                kind = "v2_playbook_on_handler_task_start" if event.handler else "v2_playbook_on_task_start"
                self._line(kind, task={**self._tasks[event.serial], "action": event.action}, hosts={})
            case ItemDone():
                name = {Status.FAILED: "v2_runner_item_on_failed", Status.SKIPPED: "v2_runner_item_on_skipped"}
                kind = name.get(event.status, "v2_runner_item_on_ok")
                self._line(kind, hosts={event.host: dict(event.result)}, task=self._of(event.serial, event.task))
            case HostDone():
                task = _ended(self._of(event.serial, event.task), duration_s=round(event.duration_s, 6))
                self._line(_EVENT[event.status], hosts={event.host: _result(event)}, task=task)
            case Retrying():
                self._line("v2_runner_retry", hosts={event.host: dict(event.result)}, task={"name": event.task}, retries=event.retries)
            case Warned():
                self._line("warning", msg=event.message)
            case Recap():
                self._line("v2_playbook_on_stats", **_recap(event))

    def _of(self, serial: int, name: str) -> dict[str, Any]:
        return self._tasks.get(serial, {"name": name})

    def _line(self, name: str, **fields: Any) -> None:
        _dump({"_event": name, "_timestamp": _now(), **fields}, self._stream)


class JsonDocument:
    """The whole run as one JSON document, printed when it ends."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._plays: list[dict[str, Any]] = []
        self._tasks: dict[int, dict[str, Any]] = {}

    def __call__(self, event: Event) -> None:
        match event:
            case PlayStarted():
                self._plays.append({"play": _play(event, len(self._plays) + 1), "tasks": []})
            case TaskStarted():
                made = {"hosts": {}, "task": _task(event)}
                self._tasks[event.serial] = made
                self._plays[-1]["tasks"].append(made)
            case HostDone():
                task = self._tasks.get(event.serial)
                if task is not None:
                    task["hosts"][event.host] = _result(event)
                    self._plays[-1]["play"]["duration"]["end"] = task["task"]["duration"]["end"] = _now()
            case Recap():
                _dump({"plays": self._plays, **_recap(event)}, self._stream, indent=4)


@dataclass
class _Case:
    host: str
    play: str
    event: HostDone


@dataclass
class JUnitReport:
    """JUnit XML: a test suite for each playbook, a test case for each task of each host, as Ansible's callback `junit` has them.

    Names leave the tasks' arguments out, as with JUNIT_HIDE_TASK_ARGUMENTS: they may be secrets.
    """

    stream: TextIO | None = None
    folder: Path | None = None
    """Gets a file for each run, where there is one."""
    _playbook: str = ""
    _play: str = ""
    _suites: dict[str, list[_Case]] = field(default_factory=dict)

    def __call__(self, event: Event) -> None:
        match event:
            case PlaybookStarted():
                self._playbook = Path(event.path).stem
            case PlayStarted():
                self._play = event.name
            case HostDone():
                self._suites.setdefault(self._playbook, []).append(_Case(event.host, self._play, event))
            case Recap():
                self._write()

    def _write(self) -> None:
        if self.folder is None:
            print(self.document(), file=self.stream or sys.stdout)
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{self._playbook}-{time.time()}.xml").write_text(self.document())

    def document(self) -> str:
        root = ET.Element("testsuites")
        total = {"disabled": 0, "errors": 0, "failures": 0, "tests": 0}
        seconds = 0.0
        for name, cases in self._suites.items():
            numbers = {
                "disabled": 0,
                "errors": sum(case.event.status is Status.UNREACHABLE for case in cases),
                "failures": sum(case.event.status is Status.FAILED and not case.event.ignored for case in cases),
                "skipped": sum(case.event.status is Status.SKIPPED for case in cases),
                "tests": len(cases),
            }
            spent = sum(case.event.duration_s for case in cases)
            suite = ET.SubElement(root, "testsuite", {"name": name, "time": f"{spent:.3f}", **{k: str(v) for k, v in numbers.items()}})
            for case in cases:
                self._case(suite, case)
            for key in total:
                total[key] += numbers[key]
            seconds += spent
        root.attrib.update({key: str(value) for key, value in total.items()}, time=f"{seconds:.3f}")
        ET.indent(root)
        return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode")

    def _case(self, suite: ET.Element, case: _Case) -> None:
        event = case.event
        named = {
            "name": f"[{case.host}] {case.play}: {event.task}".translate(_CONTROL),
            "classname": _place(event.location) or event.action,
        }
        made = ET.SubElement(suite, "testcase", {**named, "time": f"{event.duration_s:.3f}"})
        told = sorted_json(_result(event), default=_text).translate(_CONTROL)
        message = str(event.result.get("msg", f"rc={event.result.get('rc', 0)}")).translate(_CONTROL)
        if event.status is Status.FAILED and not event.ignored:
            ET.SubElement(made, "failure", {"message": message, "type": "failure"}).text = told
        elif event.status is Status.UNREACHABLE:
            ET.SubElement(made, "error", {"message": message, "type": "error"}).text = told
        elif event.status is Status.SKIPPED:
            ET.SubElement(made, "skipped").text = str(event.result.get("skip_reason", "skipped"))
        else:
            ET.SubElement(made, "system-out").text = told
