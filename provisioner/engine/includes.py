"""Dynamic includes: hosts that include the same with the same variables go through it together. All that a loop includes is looked up and told of
before the first of it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from provisioner.engine.attributes import Attributes, tag_set
from provisioner.engine.errors import MissingContentError, PlaybookError, TaskError
from provisioner.engine.events import HostDone, Included
from provisioner.engine.keyword_types import check_vars
from provisioner.engine.parsing import Surroundings
from provisioner.engine.playbook import Node, Task, role_blocks, with_dependencies
from provisioner.engine.results import Status
from provisioner.engine.state import HostState
from provisioner.templating import Resolved, TemplateError
from provisioner.templating.filters.text import to_bool

if TYPE_CHECKING:
    from provisioner.engine.executor import Outcome
    from provisioner.engine.lockstep import Lockstep


def run_includes(step: Lockstep, task: Task, done: Sequence[tuple[HostState, Outcome]], handler: bool) -> None:
    """Runs what the hosts' include tasks asked for, each on the hosts that did; an include that runs once has one."""
    for state, outcome in done:
        if task.register and task.loop is not None and outcome.includes:
            state.store.set(task.register, _of_loop(task, outcome))
    longest = max((len(outcome.includes) for _, outcome in done), default=0)
    loaded = []
    for position in range(longest):
        groups: list[tuple[dict[str, Any], list[HostState]]] = []
        for state, outcome in done:
            if position >= len(outcome.includes):
                continue
            wanted = outcome.includes[position]
            for known, hosts in groups:
                if {**known, "label": ""} == {**wanted, "label": ""}:
                    hosts.append(state)
                    break
            else:
                groups.append((wanted, [state]))
        for wanted, hosts in groups:
            loaded.append(_loaded(step, task, wanted, hosts, handler))
    for nodes, hosts in loaded:
        step.run_nodes(nodes, hosts, handler=handler)


def _of_loop(task: Task, outcome: Outcome) -> dict[str, Any]:
    """What a loop of includes registers: of each item what it included, or why it did not."""
    left = iter(outcome.includes)
    results = []
    for result in outcome.result["results"]:
        if not result.get("skipped") and not result.get("failed"):
            include = next(left)
            local = {key: value for key, value in include["local"].items() if not key.startswith("__")}
            result = {**_told(include["args"]), **local}
        results.append(result)
    return {**outcome.result, "results": results}


def _told(args: Mapping[str, Any]) -> dict[str, Any]:
    """A file is told as it was written, a role not at all."""
    file = args.get("file", args.get("_raw_params"))
    return {**({} if file is None else {"include": file}), "include_args": {}}


def _loaded(
    step: Lockstep, task: Task, wanted: Mapping[str, Any], hosts: list[HostState], handler: bool
) -> tuple[list[Node], list[HostState]]:
    """What is to run, and on which hosts. Those whose include is not there have failed."""
    alive = [state for state in hosts if state.alive]
    if not alive:
        return [], []
    try:
        with step.run.lock:
            nodes, what = _load(step, task, wanted, alive[0], handler)
    except (MissingContentError, TaskError, TemplateError) as e:
        for state in alive:
            # Counted as a failure even where a block around it rescues, which only the exit code knows of: so does Ansible.
            state.failed = True
            state.left |= not step.is_rescued
            stats = step.run.result.of(state.name)
            stats.failed, stats.ok = stats.failed + 1, stats.ok - 1
            if step.is_rescued:
                step.run.result.forgiven.add(state.name)
            result: dict[str, Any] = {
                "failed": True,
                "changed": False,
                "reason": e.message if isinstance(e, MissingContentError) else str(e),
            }
            if task.action != "include_role":
                result["include"] = wanted["args"].get("file", wanted["args"].get("_raw_params"))
            step.keep_failure(state, task, {**result, "msg": str(e)}, None)
            step.run.emit(HostDone(state.name, task.title, task.action, 0, Status.FAILED, result, location=task.location))
        return [], []
    step.run.warn_of_content()
    step.run.emit(Included(what, tuple(state.name for state in alive), wanted.get("label", ""), wanted["args"]))
    if task.register and task.loop is None:
        for state in alive:
            state.store.set(task.register, {**_told(wanted["args"]), "changed": False})
    return nodes, alive


def _load(step: Lockstep, task: Task, wanted: Mapping[str, Any], state: HostState, handler: bool) -> tuple[list[Node], str]:
    content = step.run.content
    args: Mapping[str, Any] = wanted["args"]
    local: Mapping[str, Any] = wanted.get("local", {})
    # Variables of the include itself and its loop item are parameters of what is included.
    items = {key: Resolved(value) for key, value in local.items() if not key.startswith("__")}
    params = {**task.params, **(task.raw.get("vars") or {}), **items}
    attributes = _inherited(task, args.get("apply"))
    if task.action == "include_role":
        return _load_role(step, task, args, attributes, params)
    name = args.get("file", args.get("_raw_params"))
    if not isinstance(name, str):
        raise PlaybookError("No file specified for include_tasks", task.location)
    here = task.directory / "main.yml"
    path = content.task_file(name, Surroundings(here, attributes, task.role, params, handler), task.location)
    tasks = content.read(path)
    if tasks is not None and not isinstance(tasks, list):
        raise MissingContentError("included task files must contain a list of tasks", task.location)
    return content.parser.nodes(tasks, Surroundings(path, attributes, task.role, params, handler)), str(path)


def _inherited(task: Task, apply: Any) -> Attributes:
    """An include hands down what surrounds it, and what `apply` says; not its own conditions and tags."""
    attributes = task.block_attributes
    if not isinstance(apply, Mapping):
        return attributes
    check_vars(apply, "Block", task.location)
    derived = attributes.derive(apply)
    if apply.get("tags"):
        derived = replace(derived, tags=derived.tags | tag_set(apply["tags"]))
    return derived


def _load_role(
    step: Lockstep, task: Task, args: Mapping[str, Any], attributes: Attributes, params: Mapping[str, Any]
) -> tuple[list[Node], str]:
    name = args.get("name", args.get("role"))
    if not isinstance(name, str):
        raise PlaybookError("'name' is a required field for include_role.", task.location)
    parents = (*task.role.parents, task.role) if task.role else ()
    chosen: dict[str, Any] = {key: str(args[key]) for key in ("tasks_from", "vars_from", "defaults_from", "handlers_from") if args.get(key)}
    role = step.run.content.role(
        name,
        attributes=attributes,
        place=task.location,
        parents=parents,
        include_params=params,
        included=True,
        public=bool(to_bool(args.get("public", False))),
        allow_duplicates=bool(to_bool(args.get("allow_duplicates", True))),
        validate=bool(to_bool(args.get("rolespec_validate", True))),
        **chosen,
    )
    for part in with_dependencies(role):
        step.handlers.add(part.handlers)
        step.context.add_role(part)
        for message in step.run.templates.add_plugins(part.path):
            step.run.warn(message)
    return role_blocks(role), name
