"""Runs the roles over the hosts and tells the bus what happens; failures come back as one error that names each host's first."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provisioner.cluster.context import ROLES, SITE, Context
from provisioner.cluster.errors import ApplyError, HostProblem
from provisioner.cluster.events import Bus
from provisioner.cluster.failures import classify
from provisioner.cluster.hosts import Hosts
from provisioner.cluster.results import HostStats, differences, message_of
from provisioner.engine.events import Event, HostDone, Retrying, TaskStarted, Warned
from provisioner.engine.options import RunOptions
from provisioner.engine.results import Status
from provisioner.engine.runner import Runner

# A unit that does not start within its TimeoutStartSec (90 s) fails its task; nothing in our roles takes longer than a package download.
TASK_TIMEOUT_S = 600.0
JOURNAL_LINES = 12
# Tries are a second apart, and each is the same as the last.
TOLD_TRIES = 10
# Roles of a master until its API server answers, which all other hosts wait for.
BEFORE_API = ("common", "release", "pki", "etcd", "kube-apiserver")


@dataclass
class Recorder:
    """Listens to the engine. When no master's API server can answer any more it calls `stop`: nobody else waits for it then."""

    bus: Bus
    stats: dict[str, HostStats]
    masters: Sequence[str] = ()
    stop: Callable[[], None] = lambda: None
    stopped: bool = False
    failures: dict[str, HostDone] = field(default_factory=dict)
    slow: list[tuple[float, str, str]] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        if isinstance(event, HostDone):
            self._done(event)
        elif isinstance(event, TaskStarted):
            for host in event.hosts:
                self.bus.send("task", event.name, host=host)
        elif isinstance(event, Retrying) and (event.attempt == 1 or event.attempt % TOLD_TRIES == 0):
            why = message_of(event.result).splitlines()[0]
            self.bus.send(
                "progress",
                f"{event.task}: not yet, tried {event.attempt} times of {event.attempt + event.retries} ({why})",
                host=event.host,
            )
        elif isinstance(event, Warned):
            self.bus.send("warning", event.message)

    def _done(self, event: HostDone) -> None:
        stats = self.stats.setdefault(event.host, HostStats())
        stats.seconds += event.duration_s
        if event.status in (Status.OK, Status.CHANGED):
            stats.ok += 1
        if event.status is Status.CHANGED:
            stats.changed += 1
        elif event.status is Status.SKIPPED:
            stats.skipped += 1
        elif event.status in (Status.FAILED, Status.UNREACHABLE) and not event.ignored:
            if event.status is Status.UNREACHABLE:
                stats.unreachable += 1
            else:
                stats.failed += 1
            if not self.stopped:
                self.failures.setdefault(event.host, event)
        data: dict[str, Any] = {
            "status": event.status.value,
            "changed": event.status is Status.CHANGED,
            "seconds": round(event.duration_s, 3),
        }
        if event.status in (Status.FAILED, Status.UNREACHABLE):
            data["msg"] = message_of(event.result)
        if event.result.get("diff"):
            data["diff"] = differences(event.result["diff"])
        self.bus.send("result", event.task, host=event.host, **data)
        if not self.stopped:
            self._give_up()

    def _give_up(self) -> None:
        failed = [self.failures[name].task.partition(" : ")[0] for name in self.masters if name in self.failures]
        if failed and len(failed) == len(self.masters) and set(failed) <= set(BEFORE_API):
            self.stopped = True
            self.bus.send("progress", "no master is left that could serve the API: the other hosts are stopped")
            self.stop()


def apply(
    context: Context,
    hosts: Hosts,
    variables: Mapping[str, Any],
    *,
    forks: int,
    check: bool = False,
    diff: bool = False,
    tags: tuple[str, ...] = (),
    skip_tags: tuple[str, ...] = (),
    playbook: Path = SITE,
    only: Sequence[str] | None = None,
) -> dict[str, HostStats]:
    """The counts by host, in the inventory's order. Raises ApplyError when any host failed; the others have finished then, or were
    stopped because no master was left."""
    names = context.topology.hosts if only is None else only
    recorder = Recorder(context.bus, {name: HostStats() for name in names}, context.topology.masters)
    options = RunOptions(
        check=check,
        diff=diff,
        forks=forks,
        extra_vars=variables,
        timeout_s=TASK_TIMEOUT_S,
        roles_path=(ROLES,),
        tags=tags,
        skip_tags=skip_tags,
        limit=None if only is None else ",".join(only),
    )
    started = time.monotonic()
    runner = Runner(context.inventory, options=options, sessions=hosts, callbacks=[recorder])
    recorder.stop = runner.stop
    result = runner.run([playbook])
    context.bus.send("recap", f"{time.monotonic() - started:.1f} s", hosts={name: vars(stats) for name, stats in recorder.stats.items()})
    if recorder.failures:
        problems = [problem_of(hosts, event) for event in recorder.failures.values()]
        raise ApplyError(problems, stats=recorder.stats, hint=_hint(context), others="were stopped" if recorder.stopped else "finished")
    if result.aborted:
        raise ApplyError([], hint=result.aborted)
    return recorder.stats


def problem_of(hosts: Hosts, event: HostDone) -> HostProblem:
    """The first failure of a host, with the end of the unit's journal where a unit is the trouble."""
    failure = classify(event.host, event.task, event.action, event.result)
    return HostProblem(event.host, failure.kind, failure.text + journal(hosts, event.host, failure.unit), failure.hint)


def journal(hosts: Hosts, host: str, unit: str) -> str:
    """The last lines that a unit logged, indented; empty when they can't be had."""
    if not unit:
        return ""
    try:
        said = hosts.run(host, f"journalctl -u {unit} -n {JOURNAL_LINES} --no-pager -o cat 2>&1").stdout
    except hosts.errors:
        return ""
    lines = "".join(f"\n| {line}" for line in said.splitlines())
    return f"\nthe journal of {unit} ends with:{lines}" if lines else ""


def _hint(context: Context) -> str:
    logs = sorted(context.state.runs.glob("*/events.jsonl"))
    return f"mend it and run the same command again: it continues. The whole log: {logs[-1] if logs else context.state.runs}"
