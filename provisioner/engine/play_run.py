"""Runs one play: its hosts in batches, its sections in order, its handlers between them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from provisioner.engine.attributes import Attributes, as_tuple
from provisioner.engine.errors import OddValueError, OptionsError, PlaybookError, RunError
from provisioner.engine.events import NoHosts, PlayStarted
from provisioner.engine.handlers import Handlers
from provisioner.engine.lockstep import FREE, STRATEGIES, Lockstep, PlayEnded
from provisioner.engine.play_scope import hosts_of, name_of, play_templar, read_vars_files, settled
from provisioner.engine.playbook import Node, Play, Task, tasks_of
from provisioner.engine.run_context import Run
from provisioner.engine.state import HostState
from provisioner.engine.tag_selection import selected
from provisioner.engine.variables import PlayContext
from provisioner.inventory import Host, patterns
from provisioner.inventory.patterns import PatternError
from provisioner.templating import Templar, TemplateError, Unsafe
from provisioner.templating.filters.digests import password_hash
from provisioner.templating.filters.text import to_bool

_ALWAYS = frozenset({"always"})  # the tag of what the engine puts between sections
_MAX_TRIES = 10  # a guess: whoever types two different answers so often is no person


class PlayRun:
    """One play in one run. `lost` are hosts that failed in plays before."""

    def __init__(self, run: Run, play: Play, lost: set[str]) -> None:
        self.run = run
        self.play = play
        self.lost = lost
        self._name = play.name
        self._stop_play = False

    def execute(self) -> bool:
        """Runs the play; False when nothing after it may run: a whole batch was lost, or an error was fatal for all.

        Raises PlaybookError for what is wrong with the play itself.
        """
        try:
            return self._execute()
        except TemplateError as e:
            raise PlaybookError(str(e), self.play.location) from e

    def _enter(self) -> None:
        """What lies beside a playbook holds for its plays, for those of an imported playbook what lies beside that."""
        directory, run = self.play.directory, self.run
        if directory != run.content.directory:
            run.content.directory = directory
        if directory != run.variables.directory:
            run.variables.directory = directory
            run.inventory.playbook_files = run.variable_files(directory)
            run.inventory.changed()
            run.variables.inventory_changed()

    def _execute(self) -> bool:
        self._enter()
        prompted = self._prompt(self._scope())
        templar = self._scope(prompted)
        self.play = settled(self.play, templar)
        name = self._name = name_of(self.play, templar)
        hosts = self._hosts(templar)
        if not hosts:
            self.run.emit(PlayStarted(name, (), self.play.location, play=self.play))
            self.run.emit(NoHosts(name, "no hosts matched"))
            return True
        alive = [host for host in hosts if host.name not in self.lost]
        strategy = self.play.strategy_by(self.run.options.settings)
        if strategy not in STRATEGIES:
            raise RunError(f"Invalid play strategy specified: {strategy}", self.play.location, f"known: {', '.join(STRATEGIES)}")
        is_free = strategy in FREE
        if is_free and self.play.max_fail_percentage is not None:
            self.run.warn(f"max_fail_percentage does not count with the strategy {strategy}: hosts go on independently of each other")
        if is_free and any(to_bool(task.attributes.get("run_once") or False) for task in self._tasks()):
            self.run.warn(f"run_once does not count with the strategy {strategy}: each host runs the task")
        if not alive:
            self.run.emit(PlayStarted(name, (), self.play.location, is_free, self.play))
            self.run.emit(NoHosts(name, "no hosts left"))
            return True
        everyone, version = self._names(templar), self.run.variables.inventory_version
        for batch in batches(hosts, [size for written in self.play.serial for size in as_tuple(templar.render(written))]):
            left = [host for host in batch if host.name not in self.lost]
            self.run.emit(PlayStarted(name, tuple(host.name for host in left), self.play.location, is_free, self.play))
            if not left:
                continue
            if self.run.variables.inventory_version != version:  # hosts were added
                version = self.run.variables.inventory_version
                everyone = self._names(templar)
            context = self._batch(left, len(batch), everyone, prompted)
            if self._stop_play or self.run.stop.is_set() or all(state.lost for state in context.hosts):
                return False
            if context.ended:
                break
        return True

    def _scope(self, prompted: Mapping[str, Any] | None = None) -> Templar:
        return play_templar(self.play, self.run.variables, self.run.content.read_mapping, self.run.templates, prompted)

    def _hosts(self, templar: Templar) -> list[Host]:
        pattern = hosts_of(self.play, templar)
        try:
            hosts = self.run.inventory.match(pattern, self.run.options.limit)
        except PatternError as e:
            raise PlaybookError(str(e), self.play.location) from e
        self._warn_of(pattern)
        order = templar.render(self.play.order)
        match order:
            case None | "inventory":
                pass
            case "sorted":
                hosts.sort(key=lambda host: host.name)
            case "reverse_sorted":
                hosts.sort(key=lambda host: host.name, reverse=True)
            case "reverse_inventory":
                hosts.reverse()
            case "shuffle":
                random.SystemRandom().shuffle(hosts)
            case _:
                raise OptionsError(f"Invalid 'order' specified for inventory hosts: {order}", self.play.location)
        return hosts

    def _names(self, templar: Templar) -> list[str]:
        """Of all hosts, as the inventory has them, whatever the order in which they are worked on."""
        return [host.name for host in self.run.inventory.match(hosts_of(self.play, templar), self.run.options.limit)]

    def _warn_of(self, pattern: Any) -> None:
        """Tells of each part of a pattern that matches nothing, once in a run."""
        for given in (pattern, self.run.options.limit):
            for name in patterns.unmatched(given, self.run.inventory) if given else ():
                if name in self.run.unmatched:
                    continue
                self.run.unmatched.add(name)
                text = f"Could not match supplied host pattern, ignoring: {name}"
                mode = self.run.options.settings.get("HOST_PATTERN_MISMATCH", "warning")
                if mode == "error":
                    raise RunError(text)
                if mode != "ignore":
                    self.run.warn(text)

    def _prompt(self, templar: Templar) -> dict[str, Any]:
        answers: dict[str, Any] = {}
        for entry in self.play.vars_prompt:
            name = str(entry.get("name"))
            if name in self.run.variables.extra_vars:
                continue
            default = templar.render(entry.get("default"))
            try:
                answer: Any = self._ask(templar, entry, name, default)
            except EOFError:
                self.run.warn("Not prompting as we are not in interactive mode")
                answer = None
            if not answer and default is not None:
                answer = default
            if entry.get("encrypt") and answer is not None:
                answer = password_hash(str(answer), str(entry["encrypt"]), entry.get("salt"), entry.get("salt_size"))
            text = str(answer)  # also where nobody has said anything
            answers[name] = Unsafe(text) if to_bool(entry.get("unsafe", False)) else text
        return answers

    def _ask(self, templar: Templar, entry: Mapping[str, Any], name: str, default: Any) -> str:
        """Twice where the answer is to be confirmed, until both are equal. Raises EOFError when nobody is there."""
        private = bool(to_bool(entry.get("private", True)))
        text = str(templar.render(entry.get("prompt", name)))
        if "prompt" in entry and default is not None:
            text += f" [{default}]"
        for _ in range(_MAX_TRIES):
            answer = self.run.options.prompt(text, private)
            if not to_bool(entry.get("confirm", False)) or answer == self.run.options.prompt(f"confirm {text}", private):
                return answer
            self.run.warn("***** VALUES ENTERED DO NOT MATCH ****")
        raise PlaybookError(f"vars_prompt '{name}': the two answers differ", self.play.location)

    # One batch

    def _batch(self, batch: list[Host], size: int, everyone: list[str], prompted: dict[str, Any]) -> PlayContext:
        """Runs all sections on some hosts; `size` counts those of the batch that were lost before, too."""
        context = PlayContext(self.play, self.run.templates)
        context.name = self._name
        context.prompted = prompted
        context.all_hosts = everyone
        context.size = size
        context.lost = self.lost
        context.hosts = [HostState(host, self.run.variables.store(host.name)) for host in batch]
        for state in context.hosts:
            self._read_vars_files(state, context)
        handlers = Handlers(self.run, context, self.play.handlers)
        workers = max(1, min(self.run.options.forks, len(batch)))
        with ThreadPoolExecutor(workers, thread_name_prefix="host") as pool:
            if self.play.strategy_by(self.run.options.settings) in FREE:
                jobs = [pool.submit(self._sections, Lockstep(self.run, context, handlers, None), [state]) for state in context.hosts]
                for job in jobs:
                    job.result()
            else:
                self._sections(Lockstep(self.run, context, handlers, pool if workers > 1 else None), context.hosts)
        for state in context.hosts:
            if state.lost:
                self.lost.add(state.name)
        fatal = self.play.attributes.get("any_errors_fatal")
        fatal = self.run.options.settings.get("ANY_ERRORS_FATAL") if fatal is None else fatal
        is_free = self.play.strategy_by(self.run.options.settings) in FREE
        if any(state.failed or state.unreachable for state in context.hosts) and to_bool(fatal) and not is_free:
            self._stop_play = True
        return context

    def _sections(self, step: Lockstep, hosts: Sequence[HostState]) -> None:
        play = self.play
        sections: list[list[Node]] = [play.pre_tasks, [*play.role_blocks, *play.tasks], play.post_tasks]
        try:
            self._gather(step, hosts)
            for nodes in sections:
                step.run_nodes(nodes, hosts)
                if selected(_ALWAYS, self.run.options.tags, self.run.options.skip_tags):
                    step.run_handlers(hosts, forced=self._forced())
        except PlayEnded:
            self._stop_play = True

    def _forced(self) -> bool:
        own = self.play.force_handlers
        return self.run.options.force_handlers if own is None else bool(to_bool(own))

    def _gather(self, step: Lockstep, hosts: Sequence[HostState]) -> None:
        """Facts, before anything else, unless the play does not want them."""
        gathering = self.run.options.settings.get("DEFAULT_GATHERING", "implicit")
        wanted = gathering != "explicit" if self.play.gather_facts is None else self.play.gather_facts
        if isinstance(wanted, str):
            wanted = to_bool(step.run.variables.templar(hosts[0], step.context, None).render(wanted))
        if not wanted or not self._begins_here(step):
            return
        args = {"gather_subset": self.play.gather_subset, "gather_timeout": self.play.gather_timeout, "fact_path": self.play.fact_path}
        inherited = self.play.attributes
        task = Task(
            action="gather_facts",
            args={key: value for key, value in args.items() if value is not None},
            attributes=Attributes(
                values={key: value for key, value in inherited.values.items() if key not in ("check_mode", "run_once", "delegate_to")},
                tags=inherited.tags or _ALWAYS,
                environment=inherited.environment,
                module_defaults=inherited.module_defaults,
            ),
            name="Gathering Facts",
            directory=self.play.directory,
            implicit=True,
        )
        known = gathering == "smart"
        step.run_task(task, [state for state in hosts if state.alive and not (known and state.store.facts.get("gather_subset"))])

    def _begins_here(self, step: Lockstep) -> bool:
        """A play without the task that is to be the first one is passed over, its facts as well."""
        return self.run.skipping_to is None or any(step.is_first(task) for task in self._tasks())

    def _tasks(self) -> list[Task]:
        """All that the play says; what it includes comes in later."""
        play = self.play
        return tasks_of([*play.pre_tasks, *play.role_blocks, *play.tasks, *play.post_tasks])

    def _read_vars_files(self, state: HostState, context: PlayContext) -> None:
        def templar(found: Mapping[str, Any]) -> Templar:
            context.vars_files[state.name] = dict(found)
            state.store.version += 1
            return self.run.variables.templar(state, context, None)

        found, missing = read_vars_files(self.play, self.run.content.read_mapping, templar, deep=self.run.inventory.merge_mappings)
        for names in missing:
            self.run.warn(f"vars file {names} was not found, and is left out")
        templar(found)


def batches(hosts: list[Host], sizes: list[Any]) -> list[list[Host]]:
    """Hosts in batches of `serial`: numbers or percentages, the last one repeating."""
    if not sizes:
        return [hosts]
    result: list[list[Host]] = []
    rest = list(hosts)
    position = 0
    while rest:
        size = batch_size(sizes[min(position, len(sizes) - 1)], len(hosts))
        result.append(rest[:size] if size > 0 else rest)
        rest = rest[size:] if size > 0 else []
        position += 1
    return result


def batch_size(value: Any, total: int) -> int:
    text = str(value)
    if text.endswith("%"):
        text = text[:-1]
        share = True
    else:
        share = False
    try:
        return max(int(float(text) / 100 * total), 1) if share else int(text)
    except ValueError:
        raise OddValueError(f"serial must be a number or a percentage, not {value!r}") from None
