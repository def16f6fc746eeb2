"""People's own callback plugins: a run's events as the methods of a CallbackBase (`v2_runner_on_ok` and its like).

A plugin of the type `stdout` takes the place of the output where `stdout_callback` names it; what it leaves to Ansible's own (`default`) our
output draws. Others run beside it: those that lie beside a playbook or in a role by themselves, unless they want to be enabled, those of
collections where `callbacks_enabled` names them. One that raises is warned of, and goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Protocol

from provisioner.engine.content import Content
from provisioner.engine.errors import RunError
from provisioner.engine.events import (
    BackgroundTold,
    Callback,
    Event,
    HandlerNotified,
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
from provisioner.engine.options import RunOptions
from provisioner.engine.own_plugins import use_stand_ins
from provisioner.engine.plugin_objects import HostViews, PlayView, TaskView, command_line, include_view, plain, playbook_view
from provisioner.engine.results import Status
from provisioner.inventory import Inventory

# What `stdout_callback` and `callbacks_enabled` may name that is no plugin: our output has it.
OUTPUTS = frozenset({"default", "yaml", "json", "jsonl", "minimal", "oneline", "junit", "dense", "debug", "skippy", "actionable", "full_skip", "stderr", "unixy", "null", "selective"})  # fmt: skip
EXTRAS = frozenset({"timer", "profile_tasks", "profile_roles", "junit", "tree", "log_plays", "cgroup_memory_recap", "cgroup_perf_recap"})
_OURS = frozenset({"default", "yaml", "json", "jsonl", "timer", "profile_tasks", "minimal", "oneline", "junit"})
_ENDS = {
    Status.OK: "ok",
    Status.CHANGED: "ok",
    Status.FAILED: "failed",
    Status.SKIPPED: "skipped",
    Status.UNREACHABLE: "unreachable",
}
_NO_TRACEBACK = "(traceback unavailable)"
"""What failures say that were none of a program's."""
_COUNTS = {"failures": "failed"}


class Output(Protocol):
    """What draws a run; `title` puts a task's title above what comes next, once, `shown` is the task whose title stands there."""

    def __call__(self, event: Event) -> None: ...


def own_callbacks(content: Content, options: RunOptions, inventory: Inventory, output: Sequence[Callback]) -> tuple[Callback, ...]:
    """`output` and the plugins beside it, or in its place. Raises RunError for a `stdout_callback` that nobody has."""
    settings = options.settings
    own = content.own_plugins["callback"]

    def full_name(name: str) -> str:
        """A bare name nobody here has is that of a collection's plugin, as in content from before collections."""
        known = "." in name or name in _OURS or own.find(name) is not None
        return name if known else content.collections.holding(name, "callback") or name

    wanted = full_name(str(settings.get("DEFAULT_STDOUT_CALLBACK", "default")))
    enabled = [full_name(str(name)) for name in settings.get("CALLBACKS_ENABLED", ())]
    is_own = own.find(wanted) is not None and not _is_ours(wanted)
    if not is_own and wanted.split(".")[-1] not in OUTPUTS:
        raise RunError(f"Could not load {wanted!r} callback plugin.", None, "is it in callback_plugins/, or is its collection installed?")
    warnings = []
    names = [name for name in own.names() if name != wanted]
    for name in enabled:
        if name.count(".") >= 2 and own.find(name) is not None and name != wanted and not _is_ours(name):
            names.append(name)
        elif own.find(name) is None and name.split(".")[-1] not in EXTRAS:
            warnings.append(f"Skipping callback plugin '{name}', unable to load")
    if not is_own and not names and not warnings:
        return tuple(output)
    use_stand_ins(settings)
    plugins: list[Any] = []
    for name in [*([wanted] if is_own else []), *names]:
        try:
            plugin = _made(own.load(name).CallbackModule, name, name == wanted, enabled)
        except Exception as e:
            if name == wanted:
                raise RunError(f"Could not load {wanted!r} callback plugin ({own.find(name)}): {type(e).__name__}: {e}") from e
            warnings.append(f"Failed to load callback plugin '{name}': {e}")
            continue
        if plugin is not None:
            plugins.append(plugin)
    made = PluginCallbacks(plugins, options, inventory, output, in_place=is_own)
    for text in warnings:
        made.warn(text)
    return (made,) if is_own else (*output, made)


def _is_ours(name: str) -> bool:
    """Whether a collection's plugin is one whose work our output does."""
    collection, _, short = name.rpartition(".")
    return collection in ("ansible.builtin", "ansible.posix", "community.general") and short in _OURS


def _made(cls: Any, name: str, chosen: bool, enabled: Sequence[str]) -> Any:
    """The plugin, ready to be told; None for one that is not meant to run."""
    if not chosen:
        needs = getattr(cls, "CALLBACK_NEEDS_ENABLED", getattr(cls, "CALLBACK_NEEDS_WHITELIST", False))
        if getattr(cls, "CALLBACK_TYPE", "") == "stdout" or (needs and name not in enabled):
            return None
    plugin = cls()
    plugin._load_name = plugin.ansible_name = name
    plugin.set_options()
    plugin._heard_events = plugin._heard()
    return plugin


class PluginCallbacks:
    """A callback of the engine that tells plugins. `in_place`: they draw, and `output` only what they hand to it."""

    def __init__(
        self, plugins: Sequence[Any], options: RunOptions, inventory: Inventory, output: Sequence[Callback], *, in_place: bool
    ) -> None:
        from ansible import context
        from ansible.constants import COLOR_CODES
        from ansible.plugins.callback import CallbackBase
        from ansible.utils.display import Display

        self._plugins = plugins
        self._options = options
        self._hosts = HostViews(inventory)
        self._output = output
        self._in_place = in_place
        self._tasks: dict[int, TaskStarted] = {}
        self._latest = 0
        self._plays: list[Any] = []
        self._event: Event | None = None
        self._result: dict[str, Any] | None = None
        """Of the event being told, as the plugin has made it."""
        Display.sink = lambda text, colour, error, newline: self._say(Said(text, COLOR_CODES.get(colour or ""), error, newline))
        Display.level = options.verbosity
        context.CLIARGS.clear()
        context.CLIARGS.update(command_line(options))
        for plugin in plugins:
            plugin._drawing = self
            if in_place and "banner" in vars(plugin._display):
                for drawing in output:
                    if hasattr(drawing, "banner"):
                        drawing.banner = plugin._display.banner
            if in_place and type(plugin)._dump_results is not CallbackBase._dump_results:
                for drawing in output:
                    if hasattr(drawing, "dump"):
                        drawing.dump = plugin._dump_results

    # What plugins that stand on Ansible's own output do with it

    def draw(self) -> None:
        """The event being told, by our own output."""
        event = self._event
        if isinstance(event, HostDone | ItemDone) and self._result is not None:
            event = replace(event, result={key: value for key, value in self._result.items() if value != _NO_TRACEBACK})
        if event is not None and (self._result is None or not isinstance(event, Included)):  # of its hosts it tells at once
            self._say(event)

    def explain(self) -> None:
        """Why the event being told is a failure."""
        event = self._event
        if isinstance(event, HostDone | ItemDone):
            task = self._tasks[event.serial].task
            for output in self._output:
                show = getattr(output, "explain", None)
                if show is not None and task is not None:
                    show(task.action, event.result, task.location)

    def title(self, uuid: str) -> None:
        """A task's title above what comes next."""
        for output in self._output:
            show = getattr(output, "title", None)
            if show is not None:
                show(int(uuid.rsplit("-", 1)[-1], 16))

    @property
    def shown(self) -> str | None:
        """The task whose title that is."""
        found = next((number for output in self._output if (number := getattr(output, "shown", None)) is not None), None)
        return None if found is None else _uuid(found)

    def _say(self, event: Event) -> None:
        for output in self._output:
            output(event)

    def warn(self, message: str) -> None:
        self._say(Warned(message))

    # Events

    def __call__(self, event: Event) -> None:
        self._event = event
        match event:
            case PlaybookStarted():
                plays = [PlayView(play, play.name, self._options, _uuid(number, 1)) for number, play in enumerate(event.plays)]
                self._tell("v2_playbook_on_start", playbook_view(event.path, plays))
            case PlayStarted() if event.play is not None:
                self._play(event)
            case NoHosts():
                self._tell(f"v2_playbook_on_no_hosts_{'remaining' if event.reason == 'no hosts left' else 'matched'}")
            case TaskStarted() if event.task is not None:
                self._starts(event)
            case ItemDone():
                self._ended(event, f"v2_runner_item_on_{_ENDS[event.status].replace('unreachable', 'failed')}")
            case HostDone():
                self._done(event)
            case Retrying():
                task = self._task(self._latest)
                left = {"attempts": event.attempt, "retries": event.attempt + event.retries}
                self._tell_result("v2_runner_retry", event.host, task, {**event.result, **left})
            case BackgroundTold():
                self._tell_result(f"v2_runner_on_async_{event.state}", event.host, self._task(self._latest), event.result)
            case Included():
                self._included(event)
            case HandlerNotified():
                self._tell(
                    "v2_playbook_on_notify",
                    SimpleNamespace(name=event.handler, get_name=lambda: event.handler),
                    self._hosts.host(event.host),
                )
            case Warned() | Said():
                if self._in_place:
                    self._say(event)
            case Recap():
                self._recap(event)
        self._event = None

    def _play(self, event: PlayStarted) -> None:
        assert event.play is not None
        play = PlayView(event.play, event.name, self._options, _uuid(len(self._plays), 1), event.hosts)
        self._plays.append(play)
        for plugin in self._plugins:
            plugin.set_play_context(
                SimpleNamespace(
                    check_mode=play.check_mode,
                    diff=play.diff,
                    verbosity=self._options.verbosity,
                    become=play.become,
                    remote_user=play.remote_user,
                )
            )
        self._tell("v2_playbook_on_play_start", play)

    def _starts(self, event: TaskStarted) -> None:
        self._tasks[event.serial], self._latest = event, event.serial
        task = self._task(event.serial)
        if event.handler:
            self._tell("v2_playbook_on_handler_task_start", task)
        else:
            self._tell("v2_playbook_on_task_start", task, is_conditional=False)
        for host in event.hosts if event.action != "meta" else ():
            self._tell("v2_runner_on_start", self._hosts.host(host), task)

    def _task(self, serial: int, done: HostDone | ItemDone | None = None) -> Any:
        """The task of a number, with what it came to on a host."""
        started = self._tasks.get(serial) or self._tasks[self._latest]
        assert started.task is not None
        templar = None
        if done is not None:
            templar, name = done.templar, str(done.result.get("ansible_loop_var"))
            if templar is not None and name in done.result:
                templar = templar.with_local({name: done.result[name]})
        view = TaskView(started.task, started.name, _uuid(started.serial), self._options, templar)
        return include_view(view) if started.task.action in ("include_tasks", "include_role") else view

    def _done(self, event: HostDone) -> None:
        if event.serial not in self._tasks and not self._tasks:
            return
        if event.shows_diff and event.status in (Status.OK, Status.CHANGED) and _has_diff(event.result):
            self._tell_result("v2_on_file_diff", event.host, self._task(event.serial, event), event.result)
        ends = f"v2_runner_on_{_ENDS[event.status]}"
        if event.status is Status.FAILED:
            self._ended(event, ends, ignore_errors=event.ignored or None)
        else:
            self._ended(event, ends)

    def _ended(self, event: HostDone | ItemDone, method: str, **options: Any) -> None:
        result = dict(event.result)
        if isinstance(event, ItemDone):
            result["_ansible_item_label"] = event.label
        if event.delegated_to:
            result["_ansible_delegated_vars"] = {"ansible_host": event.address or event.delegated_to}
        self._tell_result(method, event.host, self._task(event.serial, event), result, **options)

    def _tell_result(self, method: str, host: str, task: Any, result: Mapping[str, Any], **options: Any) -> None:
        from ansible.executor.task_result import CallbackTaskResult

        shown = {key: value for key, value in result.items() if key not in ("failed", "skipped")}
        shown["_ansible_no_log"] = "censored" in shown
        if result.get("failed") or result.get("unreachable"):
            shown.setdefault("exception", _NO_TRACEBACK)
        for plugin in self._listening(method):
            self._result = plain(shown)
            told = CallbackTaskResult(self._hosts.host(host), task, self._result, task.fields)
            self._call(plugin, method, told, **options)
        self._result = None

    def _included(self, event: Included) -> None:
        if not self._tasks:
            return
        task = self._task(self._latest)
        hosts = [self._hosts.host(name) for name in event.hosts]
        shown = {"item": event.label} if event.label else {}
        file = event.args.get("file", event.args.get("_raw_params"))
        for host in event.hosts:
            included = {"changed": False, "include_args": {}, **({"include": file} if file else {}), **shown}
            self._tell_result("v2_runner_on_ok", host, task, included)
        self._tell("v2_playbook_on_include", SimpleNamespace(_filename=event.what, _args={}, _vars=shown, _hosts=hosts, _task=task))

    def _recap(self, event: Recap) -> None:
        from ansible.executor.stats import AggregateStats

        names = ("ok", "failures", "unreachable", "changed", "skipped", "rescued", "ignored")
        counts = {host: {name: getattr(stats, _COUNTS.get(name, name)) for name in names} for host, stats in event.stats.items()}
        self._tell("v2_playbook_on_stats", AggregateStats(counts, plain(event.custom)))

    def _listening(self, method: str) -> list[Any]:
        return [plugin for plugin in self._plugins if not plugin.disabled and {method, "v2_on_any"} & plugin._heard_events]

    def _tell(self, method: str, *args: Any, **options: Any) -> None:
        implicit = next((arg.implicit for arg in args if isinstance(arg, TaskView)), False)
        for plugin in self._listening(method):
            if not implicit or plugin.wants_implicit_tasks or args[0].action == "gather_facts":
                self._call(plugin, method, *args, **options)

    def _call(self, plugin: Any, method: str, *args: Any, **options: Any) -> None:
        for name in (method, "v2_on_any"):
            if name not in plugin._heard_events:
                continue
            try:
                getattr(plugin, name)(*args, **options)
            except Exception as e:  # noqa: BLE001 - somebody's own plugin may do anything, and must not end the run
                self.warn(f"Callback dispatch {method!r} failed for plugin {plugin._load_name!r}: {e or type(e).__name__}")


def _has_diff(result: Mapping[str, Any]) -> bool:
    parts = result.get("results")
    return bool(result.get("diff")) or any(
        isinstance(part, dict) and part.get("diff") for part in (parts if isinstance(parts, list) else ())
    )


def _uuid(number: int, kind: int = 0) -> str:
    """As Ansible's objects have one: equal for one task of one run, and for nothing else."""
    return f"00000000-0000-0000-{kind:04x}-{number:012x}"
