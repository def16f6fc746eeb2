"""Draws a run of the engine in the words that Ansible's users read: PLAY, TASK, ok/changed/failed lines, PLAY RECAP."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from provisioner.cli.diff_text import diff_text
from provisioner.cli.error_blocks import error_block, warning_block
from provisioner.cli.output_style import OutputStyle, log_line
from provisioner.cli.timings import Timings
from provisioner.engine.events import (
    BackgroundTold,
    Event,
    HostDone,
    Included,
    ItemDone,
    NoHosts,
    PlaybookStarted,
    PlayStarted,
    Recap,
    Retrying,
    Said,
    TaskStarted,
    Warned,
)
from provisioner.engine.playbook import Play, Task
from provisioner.engine.results import Status
from provisioner.inventory.documents import Location
from provisioner.templating.sorted_json import sorted_json

COLOURS = {
    "background": "90",
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
_INCLUDES = frozenset({"include_tasks", "include_role", "include"})
# Facts are too many for a person to look at.
_NEVER_ASKED_FOR = frozenset({"gather_facts", "setup"})
# What a result of `debug: var=` holds besides the variable.
_BESIDE = frozenset({"changed", "failed", "skipped", "invocation", "skip_reason", "ansible_loop_var", "ansible_index_var", "ansible_loop"})
# What every result carries and nobody reads; the second part shows with -vvv.
_NEVER_SHOWN = frozenset({"failed", "skipped", "exception", "warnings", "deprecations"})
_SELDOM_SHOWN = frozenset({"invocation", "diff"})


class PlayOutput:
    """A callback of the engine. Lines only: they serve a terminal, a pipe and a log alike."""

    def __init__(self, verbosity: int = 0, *, profile: bool = False, colour: bool | None = None, style: OutputStyle | None = None) -> None:
        self._style = style or OutputStyle()
        self._timings = Timings()
        self._verbosity = verbosity
        self._colour = sys.stdout.isatty() if colour is None else colour
        self._profile = profile
        self.shown: int | None = None
        """The task whose title stands above what comes next."""
        self.dump: Callable[[dict[str, Any]], str] | None = None
        """Writes results, where a plugin of somebody's own does it."""
        self.banner: Callable[[str], None] | None = None
        """Writes titles, likewise."""
        self._tasks: dict[int, TaskStarted] = {}
        self._latest = 0
        self._is_free = False
        self._looped: set[tuple[int, str]] = set()
        """(Serial, host) of loops whose items have had their own lines."""
        self._told: set[str] = set()
        """Error blocks: equal ones are told once."""
        self._seconds: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        if isinstance(event, PlaybookStarted):
            self._dry_run()
        elif isinstance(event, PlayStarted):
            mark = self._mark(event.play)
            self._head(f"PLAY [{event.name}]{mark}" if event.name else f"PLAY{mark}")
            self._is_free = event.is_free
        elif isinstance(event, TaskStarted):
            self._tasks[event.serial] = event
            self._latest = event.serial
            self._starts(event)
        elif isinstance(event, HostDone):
            self._done(event)
        elif isinstance(event, ItemDone):
            self._item(event)
        elif isinstance(event, Retrying):
            self.title(self._latest)
            self._say("warning", f"FAILED - RETRYING: [{event.host}]: {event.task} ({event.retries} retries left).")
        elif isinstance(event, BackgroundTold):
            self.title(self._latest)
            polled = f" started={event.result.get('started')} finished={event.result.get('finished')}" if event.state == "poll" else ""
            self._say("background", f"ASYNC {event.state.upper()} on {event.host}: jid={event.job}{polled}")
        elif isinstance(event, Included):
            self.title(self._latest)
            of_item = f" => (item={event.label})" if event.label else ""
            self._say("skipping", f"included: {event.what} for {', '.join(event.hosts)}{of_item}")
        elif isinstance(event, NoHosts):
            if event.reason == "no hosts left":
                self._head("NO MORE HOSTS LEFT")
            else:
                self._print(f"skipping: {event.reason}")
        elif isinstance(event, Warned):
            self._say("warning", warning_block(event), error=True)
        elif isinstance(event, Said):
            said = event.text.removesuffix("\n") if event.newline else event.text
            drawn = f"\033[{event.colour}m{said}\033[0m" if self._colour and event.colour else said
            self._print(drawn, error=event.error, plain=said, end="\n" if event.newline else "")
        elif isinstance(event, Recap):
            self._recap(event)

    def _starts(self, event: TaskStarted) -> None:
        timed = "profile_tasks" in self._style.callbacks
        if not self._is_free and not self._style.hides:
            self.title(event.serial)
        if timed and event.action != "meta":
            self._print(self._timings.start(event.serial, event.name))
        for host in event.hosts if self._style.per_host_start and event.action != "meta" else ():
            self._say("ok", f" [started {'HANDLER' if event.handler else 'TASK'}: {event.name} on {host}]")

    def _head(self, text: str) -> None:
        if self.banner is not None:
            self.banner(text)
            return
        self._print(f"\n{text} {'*' * max(3, WIDTH - len(text))}")

    def _print(self, text: str, *, error: bool = False, plain: str | None = None, end: str = "\n") -> None:
        print(text, end=end, flush=True, file=sys.stderr if error else sys.stdout)
        if self._style.log is not None:
            with self._style.log.open("a") as log:
                log.writelines(map(log_line, (plain or text).splitlines()))

    def title(self, serial: int) -> None:
        task = self._tasks.get(serial)
        if serial == self.shown or task is None:
            return
        self.shown = serial
        self._head(f"{'RUNNING HANDLER' if task.handler else 'TASK'} [{task.name}{self._arguments(task.task)}]{self._mark(task.task)}")
        if self._verbosity > 1 and task.location:
            self._print(f"task path: {task.location.file}:{task.location.line}")

    def _mark(self, shown: Play | Task | None) -> str:
        """Behind a title, where somebody wants to see what only checks."""
        if shown is None or not self._style.check_markers:
            return ""
        return " [CHECK MODE]" if shown.attributes.values.get("check_mode", self._style.check) else ""

    def _dry_run(self) -> None:
        if self._style.check_markers and self._style.check:
            self._head("DRY RUN")

    def _arguments(self, task: Task | None) -> str:
        if task is None or not self._style.arguments or task.attributes.values.get("no_log"):
            return ""
        return " " + ", ".join(f"{key}={value}" for key, value in task.args.items())

    def _item(self, event: ItemDone) -> None:
        task = self._tasks.get(event.serial)
        self._looped.add((event.serial, event.host))
        if self._hidden(event.status):
            return
        self.title(event.serial)
        action = task.action if task else ""
        if action in _INCLUDES and event.status in (Status.OK, Status.CHANGED):
            return  # told of as what is included
        host = _host(event)
        match event.status:
            case Status.FAILED | Status.UNREACHABLE:
                self.explain(action, event.result, task.location if task else None)
                text = f"failed: [{host}] (item={event.label}) => {self._json(event.result, action)}"
                self._say("failed", text, error=self._style.failed_stderr)
            case Status.SKIPPED:
                self._say("skipping", f"skipping: [{event.host}] => (item={event.label}) {self._asked_for(event.result, action)}")
            case _:
                self._diff(event)
                line = f"{event.status.value}: [{host}] => (item={event.label})"
                self._say(event.status.value, line + self._asked_for(event.result, action))

    def _done(self, event: HostDone) -> None:
        self._seconds[event.task] = self._seconds.get(event.task, 0.0) + event.duration_s
        if self._hidden(event.status):
            return
        self.title(event.serial)
        looped = (event.serial, event.host) in self._looped
        host, failed = _host(event), event.status in (Status.FAILED, Status.UNREACHABLE)
        of_items = looped and event.status is Status.FAILED
        if failed and (not of_items or event.action == "debug"):  # which shows that it has failed and no more
            if not of_items:
                self.explain(event.action, event.result, event.location)
            if self._style.task_path_on_failure and self._verbosity < 2 and event.location:
                self._print(f"task path: {event.location.file}:{event.location.line}")
            word = "UNREACHABLE!" if event.status is Status.UNREACHABLE else "FAILED!"
            result = {**event.result, "_ansible_verbose_always": False} if of_items else event.result
            self._say("fatal", f"fatal: [{host}]: {word} => {self._json(result, event.action)}", error=self._style.failed_stderr)
        elif event.status is Status.SKIPPED:
            self._say("skipping", f"skipping: [{event.host}]{self._asked_for(event.result, event.action)}")
        elif not looped:
            self._diff(event)
            self._say(event.status.value, f"{event.status.value}: [{host}]{self._asked_for(event.result, event.action)}")
        if failed and event.ignored:
            self._say("ignored", "...ignoring")

    def explain(self, action: str, result: Mapping[str, Any], location: Location | None) -> None:
        text = error_block(action, result, location)
        if text and text not in self._told:
            self._told.add(text)
            self._say("failed", text.rstrip("\n") + "\n", error=self._style.failed_stderr)

    def _hidden(self, status: Status) -> bool:
        return (status is Status.SKIPPED and not self._style.skipped_hosts) or (status is Status.OK and not self._style.ok_hosts)

    def _diff(self, event: HostDone | ItemDone) -> None:
        if event.shows_diff and event.result.get("diff") and event.result.get("changed"):
            text = diff_text(event.result["diff"], self._style.diff_context)
            if text:
                self._print(text.rstrip("\n") + "\n")

    def _asked_for(self, result: Mapping[str, Any], action: str) -> str:
        """A result that a person wants to see: with -v, or of `debug`."""
        if (not self._verbosity and not result.get("_ansible_verbose_always")) or (action in _NEVER_ASKED_FOR and "censored" not in result):
            return ""
        return f" => {self._json(result, action)}"

    def _json(self, result: Mapping[str, Any], action: str) -> str:
        shown = {key: value for key, value in result.items() if key not in _NEVER_SHOWN and not str(key).startswith("_ansible")}
        if self._verbosity < 3:
            shown = {key: value for key, value in shown.items() if key not in _SELDOM_SHOWN}
        if action == "debug":
            shown = {"msg": shown["msg"]} if "msg" in shown else {key: value for key, value in shown.items() if key not in _BESIDE}
        if self.dump is not None:
            always = {key: value for key, value in result.items() if key == "_ansible_verbose_always"}
            return self.dump({**shown, **always}).removesuffix("\n")
        return self._style.dump(shown, wide=bool(result.get("_ansible_verbose_always")) or self._verbosity > 2)

    def _recap(self, event: Recap) -> None:
        self._head("PLAY RECAP")
        for host, stats in sorted(event.stats.items()):
            names = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")
            counts = " ".join(f"{name}={getattr(stats, name):<4}" for name in names)
            word = "failed" if stats.failed or stats.unreachable else "changed" if stats.changed else "ok"
            self._say(word, f"{host:<26} : {counts}")
        self._print("")
        if self._style.custom_stats and event.custom:
            self._custom(event.custom)
        self._dry_run()
        for name in self._style.callbacks:
            self._callback(name)
        if self._profile:
            for task, seconds in sorted(self._seconds.items(), key=lambda item: -item[1])[:20]:
                self._print(f"{seconds:8.2f} s  {task}")

    def _custom(self, custom: Mapping[str, Any]) -> None:
        """What set_stats has gathered, of hosts first."""
        self._head("CUSTOM STATS:")
        for host in sorted(name for name in custom if name != "_run"):
            self._print(f"\t{host}: {_flat(custom[host])}")
        if "_run" in custom:
            self._print(f"\n\tRUN: {_flat(custom['_run'])}")
        self._print("")

    def _callback(self, name: str) -> None:
        """The end of one of callbacks_enabled; others than these are read over."""
        if name == "timer":
            self._head("PLAYBOOK RECAP")
            self._print(self._timings.whole() + "\n")
        elif name == "profile_tasks":
            self._head("TASKS RECAP")
            for line in self._timings.slowest():
                self._print(line)

    def _say(self, word: str, text: str, *, error: bool = False) -> None:
        drawn = f"\033[{COLOURS[word]}m{text}\033[0m" if self._colour and word in COLOURS else text
        self._print(drawn, error=error, plain=text)


def _flat(value: Any) -> str:
    return sorted_json(value, default=str, indent=1, ensure_ascii=False).replace("\n", "")


def _host(event: HostDone | ItemDone) -> str:
    if not event.delegated_to or event.delegated_to == event.host:
        return event.host
    address = event.address if event.address not in (None, event.delegated_to) else None
    return f"{event.host} -> {event.delegated_to}" + (f"({address})" if address else "")
