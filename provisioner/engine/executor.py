"""Runs one task on one host: items, conditions, arguments, retries, and what becomes of the result."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import GeneratorType
from typing import Any

from provisioner.agent.hidden_values import HIDDEN
from provisioner.engine import actions
from provisioner.engine.actions.action_call import ActionCall
from provisioner.engine.background import in_background
from provisioner.engine.driving import drive, drive_together, failure
from provisioner.engine.errors import EngineError, TaskError, condition_error
from provisioner.engine.events import ItemDone, Retrying
from provisioner.engine.exchange import Attempt, Exchange
from provisioner.engine.inventory_held import InventoryHeld
from provisioner.engine.items import item_variables, loop_items
from provisioner.engine.keyword_types import as_flag, as_number
from provisioner.engine.playbook import Task
from provisioner.engine.plugin_action import run_plugin
from provisioner.engine.results import Status, status_of
from provisioner.engine.run_context import Run
from provisioner.engine.state import HostState, is_restricted
from provisioner.engine.targets import keyword_value
from provisioner.engine.task_arguments import rendered_arguments
from provisioner.engine.task_settings import Settings, hides, task_settings
from provisioner.engine.unreachable import connection_errors, unreachable_result
from provisioner.engine.variables import PlayContext
from provisioner.templating import OMIT, Templar, TemplateError, UndefinedVariable
from provisioner.templating.filters.text import to_bool

MAX_BATCH = 64  # items in one message; a guess that bounds memory and lets failures of connections show early
_STREAMS = ("stdout", "stderr")
_NOT_BATCHED = frozenset(
    {"include_tasks", "include_role", "pause", "wait_for_connection", "reboot", "raw", "fetch", "script", "async_status"}
)
# What these leave out is no result that `until` could ask: Ansible's actions raise it.
_LEAVE_OUT = frozenset({"fetch", "script", "unarchive", "uri"})
# Work of the controller that cannot be left to run in the background.
_NEVER_ASYNC = frozenset(
    {"add_host", "assemble", "assert", "copy", "debug", "fail", "fetch", "group_by", "include_vars", "pause", "raw", "reboot", "script",
     "set_fact", "set_stats", "template", "unarchive", "validate_argument_spec", "wait_for_connection"}
)  # fmt: skip
CENSORED = "the output has been hidden due to the fact that 'no_log: true' was specified for this result"


@dataclass
class Outcome:
    """What a task did on one host."""

    result: dict[str, Any]
    status: Status
    ignored: bool = False
    no_log: bool = False
    delegated_to: str | None = None
    duration_s: float = 0.0
    notify: tuple[str, ...] = ()
    templar: Templar | None = None
    includes: list[dict[str, Any]] = field(default_factory=list)
    verbose: bool = False
    """Its result is what a person asked to see."""
    shows_diff: bool = True


def censored(result: Mapping[str, Any]) -> dict[str, Any]:
    """What may be shown of a result that no_log is for."""
    return {"censored": CENSORED, "changed": False, **{key: result[key] for key in ("attempts", "changed", "retries") if key in result}}


class Executor:
    """Runs tasks for hosts of one play batch; called from several threads, for a host from one at a time."""

    def __init__(self, run: Run, context: PlayContext) -> None:
        self.run = run
        self.context = context
        self.rescued = False
        """Whether a rescue section may look at what fails now."""

    def execute(self, state: HostState, task: Task, serial: int) -> Outcome:
        """Runs the task, registers its result and takes over its facts. Never raises for what goes wrong on the host."""
        started = time.monotonic()
        templar = self.run.variables.templar(state, self.context, task)
        held = InventoryHeld.before(task, self.run, self.context)
        try:
            items = loop_items(task, templar)
        except (TemplateError, EngineError) as e:
            outcome = self._loop_failed(task, templar, e)
        else:
            outcome = self._single(state, task, templar) if items is None else self._looped(state, task, templar, items, serial)
        if held is not None and outcome.status is Status.FAILED:
            held.restore(outcome.result)
        outcome.duration_s = time.monotonic() - started
        outcome.templar = templar
        self._keep(state, task, outcome, templar)
        return outcome

    def _loop_failed(self, task: Task, templar: Templar, error: Exception) -> Outcome:
        """A loop that cannot be evaluated is skipped when a condition says so before."""
        try:
            for condition in task.attributes.when:
                if not templar.condition(condition, task.location):
                    return self._outcome(_skipped(condition), task, templar)
        except TemplateError:
            pass
        undefined = isinstance(error, UndefinedVariable)
        return self.lost(task, templar, {"failed": True, "msg": f"Task failed: {error}" if undefined else str(error)}, tried=undefined)

    def lost(self, task: Task, templar: Templar, result: dict[str, Any], *, tried: bool = True) -> Outcome:
        """Of a task that fails before, or otherwise than, an action does."""
        made = self._outcome(result, task, templar, Settings(no_log=hides(task, templar)))
        if not tried:
            made.result.pop("changed", None)
        return made

    # One item, or none

    def _single(self, state: HostState, task: Task, templar: Templar) -> Outcome:
        settings = Settings(no_log=hides(task, templar))
        try:
            settings = task_settings(self.run, state, self.context, task, templar)
            templar = self._delegated(templar, settings)
            result = drive(self.attempt(state, task, templar, settings))
        except TemplateError as e:
            result = {"failed": True, "msg": f"Task failed: {e}"}
        except EngineError as e:
            result = failure(e)
        except connection_errors() as e:
            result = unreachable_result(e)
        return self._outcome(result, task, templar, settings)

    def settle(self, state: HostState, task: Task, templar: Templar, settings: Settings, result: dict[str, Any]) -> Outcome:
        """What an attempt's result comes to: registered, and its facts taken over, as `execute` does."""
        outcome = self._outcome(result, task, templar, settings)
        outcome.templar = templar
        self._keep(state, task, outcome, templar)
        return outcome

    def _outcome(self, result: dict[str, Any], task: Task, templar: Templar, settings: Settings | None = None) -> Outcome:
        complete(result)
        status = status_of(result)
        ignored = False
        if status is Status.FAILED:
            ignored = self._flag(task, "ignore_errors", templar)
        elif status is Status.UNREACHABLE:
            ignored = self._flag(task, "ignore_unreachable", templar)
        chosen = settings or Settings()
        hidden = chosen.no_log or bool(result.get("_ansible_no_log"))
        outcome = Outcome(result, status, ignored, hidden, chosen.delegate_to, shows_diff=chosen.diff)
        include = result.pop("_include", None)
        outcome.includes = [include] if include is not None and status is Status.OK else []
        return outcome

    def _delegated(self, templar: Templar, settings: Settings) -> Templar:
        if settings.delegate_to is None:
            return templar
        target = self.run.targets.delegate(settings.delegate_to)
        return templar.with_local(self.run.targets.delegated_variables(target, self.context, templar))

    def _flag(self, task: Task, name: str, templar: Templar) -> bool:
        value = task.attributes.get(name)
        if isinstance(value, str):
            try:
                found = templar.render(value)
                return found is not None and as_flag(name, found)
            except TemplateError:
                return True  # as whatever is written there: the task has failed of it already
        return bool(value)

    def attempt(self, state: HostState, task: Task, templar: Templar, settings: Settings) -> Attempt:
        """Conditions, then the action until it is satisfied."""
        for condition in task.attributes.when:
            if not self._condition(condition, task, templar):
                return _skipped(condition)
        retries, delay = self._retries(task, templar)
        notify = _names_of(task.notify, templar)
        attempt = 1
        while True:
            result = yield from self._act(state, task, templar, settings)
            if "_include" in result or (result.get("skipped") and task.action in _LEAVE_OUT):
                return result
            if retries > 1:
                result["attempts"] = attempt
            seen = _seen_after(task, templar, result)
            self._judge(task, result, seen)
            if notify:
                result["_ansible_notify"] = notify
            if retries <= 1:
                return result  # a task that is not to be tried again is not asked whether it should be
            done = all(self._condition(c, task, seen) for c in task.until) if task.until else not result["failed"]
            if done:
                return result
            if attempt >= retries:
                result["attempts"] = retries - 1
                result["failed"] = True
                return result
            shown = censored(result) if settings.no_log else result
            self.run.emit(Retrying(state.name, task.title, attempt, retries - attempt, shown))
            if self.run.stop.wait(delay):
                raise TaskError("the run was stopped")
            attempt += 1

    def _retries(self, task: Task, templar: Templar) -> tuple[int, float]:
        if not task.until and task.retries is None:
            return 1, 0.0
        raw, delay = keyword_value("retries", task.retries, templar), keyword_value("delay", task.delay, templar)
        retries = 3 if raw is None else max(int(as_number("retries", raw)), 0) + 1
        seconds = as_number("delay", 5 if delay is None else delay)
        return retries, seconds if seconds >= 0 else 1.0

    def _condition(self, condition: Any, task: Task, templar: Templar) -> bool:
        try:
            return templar.condition(condition, task.location)
        except TemplateError as e:
            raise condition_error(e) from e

    def _act(self, state: HostState, task: Task, templar: Templar, settings: Settings) -> Attempt:
        """The action once; what nobody has foreseen in it is a failure as any other, to be retried, ignored or expected."""
        try:
            return (yield from self._acted(state, task, templar, settings))
        except Exception as e:  # the guard of the task's own action
            if isinstance(e, (EngineError, TemplateError, *connection_errors())):
                raise
            text = "".join(traceback.format_exception(e))
            return normalize({"failed": True, "msg": f"Task failed: {e or type(e).__name__}", "exception": text}, streams=())

    def _acted(self, state: HostState, task: Task, templar: Templar, settings: Settings) -> Attempt:
        """The action's modules yielded one by one."""
        task = self._named(task, templar)
        target = self.run.targets.delegate(settings.delegate_to) if settings.delegate_to else state
        call = ActionCall(
            self.run,
            self.context,
            task,
            state,
            target,
            rendered_arguments(task, templar, self.run.content),
            templar,
            settings.check,
            settings.diff,
            settings.become,
            settings.environment,
            settings.timeout_s,
            self.run.tells_invocations or self.rescued or (task.loop is not None and task.register is not None),
        )
        plugin = self.run.content.own_actions.get(task.action, task.written) if task.action in self.run.content.own_actions else None
        if plugin is not None:
            made = run_plugin(plugin, call, lambda of, request: drive(in_background(of, request)))
            return made if made.get("skipped") else normalize(made, streams=())
        plan = actions.planner(task.action)
        if plan is None:
            request = call.request(task.action, call.args)
            if task.async_s:
                made = normalize((yield from in_background(call, request)))
                return {"failed": False, **made}
            return normalize((yield Exchange(call.session, call.become, request)))
        if task.async_s and task.action in _NEVER_ASYNC:
            return normalize({"failed": True, "msg": f"This action ({task.action}) does not support async."}, streams=())
        try:
            made = plan(call)
            if not isinstance(made, GeneratorType):
                return normalize(made, streams=() if actions.is_local(task.action) else _STREAMS)
            request = next(made)
            while True:
                answer = yield Exchange(call.session, call.become, request)
                request = made.send(answer)
        except StopIteration as e:
            return normalize(_with_invocation(e.value, call) if call.invocation else e.value)
        except TaskError as e:
            return normalize(dict(e.result))

    def _named(self, task: Task, templar: Templar) -> Task:
        """A task whose action was a template, or a name that nobody had when it was read, with what it is. Raises TaskError."""
        content = self.run.content
        if content.knows(task.action):
            return task
        name = str(keyword_value("action", task.action, templar))
        known = content.module_for(name, task)
        if known is None:
            raise TaskError(f"Task failed: Cannot resolve {name!r} to an action or module.")
        return replace(task, action=known)

    def _judge(self, task: Task, result: dict[str, Any], templar: Templar) -> None:
        """changed_when and failed_when have the last word."""
        if result.get("skipped") or result.get("unreachable"):
            return
        for name, conditions in (("changed", task.changed_when), ("failed", task.failed_when)):
            if not conditions:
                continue
            try:
                result[name] = all(templar.condition(condition, task.location) for condition in conditions)
            except TemplateError as e:
                # What the task did stays known; that nobody can tell what it means is a failure.
                result["failed"] = True
                result[f"{name}_when_result"] = str(condition_error(e)).removeprefix("Task failed: ")
                return
            if name == "failed":
                result["failed_when_result"] = result["failed"]

    # Loops

    def _looped(self, state: HostState, task: Task, templar: Templar, items: list[Any], serial: int) -> Outcome:
        """What is wrong with how the loop is controlled ends all of it."""
        try:
            return self._loop(state, task, templar, items, _pause(task, templar) if items else 0.0, serial)
        except (TemplateError, TaskError) as e:
            return self.lost(task, templar, {"failed": True, "msg": str(e).removeprefix("Task failed: ")}, tried=False)

    def _loop(self, state: HostState, task: Task, templar: Templar, items: list[Any], pause_s: float, serial: int) -> Outcome:
        if not items:
            skipped = {"changed": False, "skipped": True, "skipped_reason": "No items in the list", "results": []}
            return self._outcome(skipped, task, templar)
        control = task.loop_control
        batched = not (
            _uses_own_result(task)
            or task.until
            or task.action in _NOT_BATCHED
            or actions.is_local(task.action)
            or control.pause
            or control.break_when
        )
        held = state.store.held() if actions.is_local(task.action) else None
        results: list[dict[str, Any]] = []
        includes: list[dict[str, Any]] = []
        settings, hidden = Settings(), False
        last: dict[str, Any] = {}
        size = MAX_BATCH if batched else 1
        for start in range(0, len(items), size):
            if start and pause_s:
                self.run.stop.wait(pause_s)
            chunk = [(index, items[index]) for index in range(start, min(start + size, len(items)))]
            done = self._chunk(state, task, items, chunk, last)
            for result, local, settings in done:
                hidden |= settings.no_log
                if task.register:
                    last = {task.register: result}
                include = result.pop("_include", None)
                result.update({key: value for key, value in local.items() if not key.startswith("__")})
                results.append(result)
                label = self._item_done(state, task, serial, templar, result, local, settings)
                if include is not None and not result.get("skipped"):
                    includes.append({**include, "local": local, "label": str(label)})
            if results and control.break_when and self._breaks(task, templar, results[-1], done[-1][1]):
                break
            if any(result.get("unreachable") for result in results):
                break
        outcome = self._outcome(_summary(results), task, templar, replace(settings, no_log=hidden))
        outcome.includes = includes
        if held is not None and outcome.status is Status.FAILED:
            state.store.back_to(held)  # what items set was for the items after them
        return outcome

    def _breaks(self, task: Task, templar: Templar, result: dict[str, Any], local: dict[str, Any]) -> bool:
        seen = templar.with_local({**local, **({task.register: result} if task.register else {})})
        return all(self._condition(condition, task, seen) for condition in task.loop_control.break_when)

    def _chunk(
        self, state: HostState, task: Task, items: list[Any], chunk: list[tuple[int, Any]], last: Mapping[str, Any]
    ) -> list[tuple[dict[str, Any], dict[str, Any], Settings]]:
        """Runs some items, their first module calls together in one message: of each the result, its variables and settings."""
        templar = self.run.variables.templar(state, self.context, task)
        attempts: list[tuple[Attempt | None, dict[str, Any], dict[str, Any], Settings]] = []
        for index, item in chunk:
            local = item_variables(task, templar, items, index, item)
            inner = templar.with_local({**last, **local, "__written__": task.loop and task.loop.value})
            settings = Settings(no_log=hides(task, inner))
            try:
                settings = task_settings(self.run, state, self.context, task, inner)
                inner = self._delegated(inner, settings)
                attempts.append((self.attempt(state, task, inner, settings), {}, local, settings))
            except (TemplateError, EngineError) as e:
                attempts.append((None, failure(e), local, settings))
        results = drive_together([attempt for attempt, *_ in attempts])
        done = []
        for (attempt, early, local, settings), late in zip(attempts, results, strict=True):
            result = early if attempt is None else late
            complete(result)
            done.append((result, local, settings))
            facts = result.get("ansible_facts")
            if actions.is_local(task.action) and isinstance(facts, dict):
                self._take_facts(state, task, {**result, **local}, templar)
        return done

    def _item_done(
        self, state: HostState, task: Task, serial: int, templar: Templar, result: dict[str, Any], local: dict[str, Any], settings: Settings
    ) -> Any:
        """Tells of it; answers with the label."""
        label: Any = local[next(iter(local))]
        if task.loop_control.label is not None:
            try:
                seen = {task.register: result} if task.register else {}
                label = templar.with_local({**seen, **local}).render(task.loop_control.label)
            except TemplateError as e:
                result.update(failed=True, msg=f"Failed to template loop_control.label: {e}")
        status = status_of(result)
        ignored = status is Status.FAILED and self._flag(task, "ignore_errors", templar)
        hidden = settings.no_log or result.get("_ansible_no_log")
        shown = censored(result) if hidden else result
        shown = {key: value for key, value in shown.items() if key != "_ansible_notify"}
        to = settings.delegate_to
        told = "(censored due to no_log)" if hidden else label
        address = self.run.targets.address(to) if to else None
        self.run.emit(ItemDone(state.name, task.title, serial, told, status, shown, ignored, to, address, settings.diff, templar))
        return told

    # What stays

    def _keep(self, state: HostState, task: Task, outcome: Outcome, templar: Templar) -> None:
        result = outcome.result
        if outcome.status is not Status.FAILED and not (task.loop is not None and actions.is_local(task.action)):
            for part in result["results"] if task.loop is not None and isinstance(result.get("results"), list) else [result]:
                if isinstance(part, dict) and isinstance(part.get("ansible_facts"), dict):
                    self._take_facts(state, task, part, templar)
        for part in [result, *(result.get("results") or [])] if isinstance(result.get("results"), list) else [result]:
            for key in [key for key in part if isinstance(part, dict) and str(key).startswith("_ansible")]:
                outcome.verbose |= key == "_ansible_verbose_always"
                if key == "_ansible_notify":
                    outcome.notify = (*outcome.notify, *part[key])
                del part[key]
        if outcome.status is Status.CHANGED and task.action not in ("setup", "gather_facts"):
            state.store.facts_gathered = None
        if task.register and not outcome.includes:
            state.store.set(task.register, {key: value for key, value in result.items() if key != "invocation"})

    def _take_facts(self, state: HostState, task: Task, result: dict[str, Any], templar: Templar) -> None:
        facts = result["ansible_facts"]
        owner = state
        delegate = task.attributes.get("delegate_to")
        if delegate and to_bool(task.attributes.get("delegate_facts")):
            of_item = result.get("ansible_loop_var")
            seen = templar.with_local({of_item: result.get(of_item)}) if of_item else templar
            owner = self.run.targets.delegate(str(seen.render(delegate)))
        kind = result.get("_ansible_kind")
        if kind in ("set_fact", "include_vars"):
            self.run.variables.reserved.look(facts, task.location)
            self.run.warn_of_content()
        if kind == "set_fact":
            owner.store.set_facts(facts, cacheable=bool(result.get("_ansible_cacheable")))
        elif kind == "include_vars":
            owner.store.add_include_vars(facts)
        else:
            for name in filter(is_restricted, facts):
                self.run.warn(f"Removed restricted key from module data: {name}")
            owner.store.add_facts(facts)


def _seen_after(task: Task, templar: Templar, result: dict[str, Any]) -> Templar:
    """What conditions about a result see: what is registered, and the facts that the task has learned or set."""
    local: dict[str, Any] = {}
    facts = result.get("ansible_facts")
    if isinstance(facts, dict):
        local.update(facts)
    if task.register:
        local[task.register] = result
    return templar.with_local(local) if local else templar


def _pause(task: Task, templar: Templar) -> float:
    """Seconds between the items of a loop."""
    return as_number("pause", keyword_value("pause", task.loop_control.pause, templar)) if task.loop_control.pause else 0.0


def _names_of(notify: tuple[Any, ...], templar: Templar) -> list[str]:
    """Names and topics a task notifies."""
    names: list[str] = []
    for raw in notify:
        rendered = keyword_value("notify", raw, templar)
        names.extend(str(name) for name in (rendered if isinstance(rendered, list) else [rendered]) if name and name is not OMIT)
    return names


def _uses_own_result(task: Task) -> bool:
    """Whether an item may look at what the item before it registered; such items cannot share a message."""
    if not task.register:
        return False
    return task.register in repr((task.args, task.attributes.when, task.attributes.vars, task.attributes.environment))


def complete(result: dict[str, Any]) -> None:
    """Adds what every result says."""
    result.setdefault("changed", False)
    if result.get("failed") and not {"msg", "results"} & result.keys():
        result["msg"] = "Task failed: Action failed: Unknown error."
    if not result.get("skipped") and not ("results" in result and "skipped" in result):
        result.setdefault("failed", False)


def normalize(result: Mapping[str, Any] | None, streams: Sequence[str] = _STREAMS) -> dict[str, Any]:
    """A module's result with what every result has; `streams`: what is told by lines as well, which no action of the controller's own is."""
    made = dict(result or {})
    if "failed" not in made:
        made["failed"] = made.get("rc", 0) not in (0, "0", None)
    made.setdefault("changed", False)
    for stream in streams:
        text = made.get(stream)
        if isinstance(text, str) and f"{stream}_lines" not in made:
            made[f"{stream}_lines"] = text.splitlines()
    return made


def _with_invocation(result: dict[str, Any], call: ActionCall) -> dict[str, Any]:
    """Of an action: its own arguments, and what the module that does its work made of them."""
    if "invocation" not in result:
        return result
    hidden = actions.hidden_arguments(call.task.action)
    told = {key: HIDDEN if key in hidden else value for key, value in call.args.items() if not str(key).startswith("_ansible")}
    taken = {key: value for key, value in result["invocation"].get("module_args", {}).items() if key not in hidden and key != "src"}
    return {**result, "invocation": {"module_args": {**told, **taken}}}


def _skipped(condition: Any) -> dict[str, Any]:
    return {"changed": False, "skipped": True, "skip_reason": "Conditional result was False", "false_condition": condition}


def _summary(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The result of a whole loop from those of its items."""
    failed = any(result.get("failed") for result in results)
    skipped = bool(results) and all(result.get("skipped") for result in results)
    summary: dict[str, Any] = {
        "results": results,
        "changed": any(result.get("changed") for result in results),
        "skipped": skipped,
        "msg": "One or more items failed" if failed else "All items skipped" if skipped else "All items completed",
    }
    if any(result.get("unreachable") for result in results):
        summary["unreachable"] = True
        summary["msg"] = next(str(result.get("msg")) for result in results if result.get("unreachable"))
    if failed:
        summary["failed"] = True
    return summary
