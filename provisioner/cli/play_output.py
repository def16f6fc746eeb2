"""Draws a run of the engine in the words that Ansible's users read: PLAY, TASK, ok/changed/failed lines, PLAY RECAP."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from provisioner.cluster.results import differences
from provisioner.engine.events import Event, HostDone, Included, ItemDone, NoHosts, PlayStarted, Recap, Retrying, TaskStarted, Warned
from provisioner.engine.results import Status

COLOURS = {
    "ok": "32",
    "changed": "33",
    "failed": "31",
    "fatal": "31",
    "unreachable": "31",
    "skipping": "36",
    "ignored": "36",
    "warning": "35",
}
WIDTH = 79
# What every result carries and nobody reads.
# What a result of `debug: var=` holds besides the variable.
_BESIDE = {
    "_ansible_verbose_always",
    "_ansible_no_log",
    "changed",
    "failed",
    "item",
    "ansible_loop_var",
    "ansible_loop",
    "ansible_index_var",
}
QUIET = {"_ansible_no_log", "_ansible_verbose_always", "_ansible_item_label", "invocation", "diff", "changed", "_ansible_parsed"}


class PlayOutput:
    """A callback of the engine. Lines only: they serve a terminal, a pipe and a log alike."""

    def __init__(self, verbosity: int = 0, *, profile: bool = False, colour: bool | None = None) -> None:
        self._verbosity = verbosity
        self._colour = sys.stdout.isatty() if colour is None else colour
        self._profile = profile
        self._shown: int | None = None
        self._tasks: dict[int, TaskStarted] = {}
        self._seconds: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        if isinstance(event, PlayStarted):
            self._head(f"PLAY [{event.name}]")
        elif isinstance(event, TaskStarted):
            self._tasks[event.serial] = event
        elif isinstance(event, HostDone):
            self._done(event)
        elif isinstance(event, ItemDone):
            self._title(event.serial)
            self._result(event.host, event.status, event.result, event.ignored, f" => (item={_label(event.label)})")
        elif isinstance(event, Retrying):
            self._say("warning", f"RETRYING: [{event.host}]: {event.task} ({event.retries - event.attempt} tries left)")
        elif isinstance(event, Included):
            self._say("skipping", f"included: {event.what} for {', '.join(event.hosts)}")
        elif isinstance(event, NoHosts):
            self._head(f"PLAY [{event.play}]")
            print(f"skipping: {event.reason}")
        elif isinstance(event, Warned):
            self._say("warning", f"[WARNING]: {event.message}", error=True)
        elif isinstance(event, Recap):
            self._recap(event)

    def _head(self, text: str) -> None:
        print(f"\n{text} {'*' * max(3, WIDTH - len(text))}", flush=True)

    def _title(self, serial: int) -> None:
        task = self._tasks.get(serial)
        if serial == self._shown or task is None:
            return
        self._shown = serial
        self._head(f"{'RUNNING HANDLER' if task.handler else 'TASK'} [{task.name}]")
        if self._verbosity > 1 and task.location:
            print(f"task path: {task.location}")

    def _done(self, event: HostDone) -> None:
        self._seconds[event.task] = self._seconds.get(event.task, 0.0) + event.duration_s
        self._title(event.serial)
        host = f"{event.host} -> {event.delegated_to}" if event.delegated_to else event.host
        if "results" in event.result and event.status is not Status.FAILED:
            return  # each item had its own line
        self._result(host, event.status, event.result, event.ignored, "")
        if event.status is Status.FAILED and event.location:
            self._say("failed", f"    at {event.location}")

    def _result(self, host: str, status: Status, result: Mapping[str, Any], ignored: bool, more: str) -> None:
        for change in differences(result.get("diff") or ()):
            print(change)
        word = {Status.FAILED: "fatal", Status.UNREACHABLE: "fatal", Status.SKIPPED: "skipping"}.get(status, status.value)
        text = (
            f"{word}: [{host}]{': UNREACHABLE!' if status is Status.UNREACHABLE else ': FAILED!' if status is Status.FAILED else ''}{more}"
        )
        if result.get("_ansible_verbose_always") and status not in (Status.FAILED, Status.SKIPPED):
            text += f" => {_asked_for(result)}"
        elif status in (Status.FAILED, Status.UNREACHABLE) or self._verbosity:
            text += f" => {_json(result, self._verbosity)}"
        self._say(word, text)
        if ignored:
            self._say("ignored", "...ignoring")

    def _recap(self, event: Recap) -> None:
        self._head("PLAY RECAP")
        for host, stats in sorted(event.stats.items()):
            counts = "    ".join(
                f"{name}={getattr(stats, name)}" for name in ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")
            )
            word = "failed" if stats.failed or stats.unreachable else "changed" if stats.changed else "ok"
            self._say(word, f"{host:<26} : {counts}")
        if self._profile:
            print()
            for task, seconds in sorted(self._seconds.items(), key=lambda item: -item[1])[:20]:
                print(f"{seconds:8.2f} s  {task}")

    def _say(self, word: str, text: str, *, error: bool = False) -> None:
        if self._colour and word in COLOURS:
            text = f"\033[{COLOURS[word]}m{text}\033[0m"
        print(text, flush=True, file=sys.stderr if error else sys.stdout)


def _label(label: Any) -> str:
    return label if isinstance(label, str) else json.dumps(label, default=str)


def _asked_for(result: Mapping[str, Any]) -> str:
    """What `debug` was told to show, alone."""
    own = {"msg"} if "msg" in result else set(result) - _BESIDE
    return json.dumps({key: result[key] for key in result if key in own}, default=str, indent=4, sort_keys=True, ensure_ascii=False)


def _json(result: Mapping[str, Any], verbosity: int) -> str:
    shown = {key: value for key, value in result.items() if key not in QUIET or key == "changed" or verbosity > 2}
    return json.dumps(shown, default=str, indent=4 if verbosity else None, sort_keys=True)
