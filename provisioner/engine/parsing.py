"""Turns mappings from YAML files into tasks and blocks, expanding what is imported statically."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioner.engine import arguments, keyword_types
from provisioner.engine.attributes import KEYWORDS, Attributes, as_tuple, tag_set
from provisioner.engine.errors import PlaybookError, RunError
from provisioner.engine.playbook import Block, Loop, LoopControl, Node, Role, Task, role_blocks
from provisioner.inventory.documents import Location, location_of
from provisioner.templating import is_template
from provisioner.templating.plugins import LOOKUPS

if TYPE_CHECKING:
    from provisioner.engine.content import Content

_BLOCK_ONLY = frozenset({"block", "rescue", "always"})
BLOCK_KEYS = KEYWORDS | _BLOCK_ONLY
TASK_KEYS = KEYWORDS | frozenset(
    {
        "action", "args", "async", "changed_when", "delay", "failed_when", "listen", "local_action", "loop", "loop_control", "notify",
        "poll", "register", "retries", "until",
    }
)  # fmt: skip
_COLLECTIONS = (
    "ansible.builtin.", "ansible.legacy.", "ansible.posix.", "ansible.utils.", "ansible.netcommon.", "community.general.", "community.crypto.",
    "community.docker.", "kubernetes.core.", "community.kubernetes.",
)  # fmt: skip
_RENAMED = {"openssl_certificate": "x509_certificate", "k8s_facts": "k8s_info"}
_LOOP_CONTROL = frozenset({"loop_var", "index_var", "label", "pause", "extended", "extended_allitems", "break_when"})
DYNAMIC_INCLUDES = frozenset({"include_tasks", "include_role"})
STATIC_IMPORTS = frozenset({"import_tasks", "import_role"})
_ROLE_OPTIONS = frozenset(
    {"name", "role", "tasks_from", "vars_from", "defaults_from", "handlers_from", "public", "allow_duplicates", "rolespec_validate"}
)
_INCLUDE_OPTIONS = {
    "include_tasks": frozenset({"file", "apply"}),
    "import_tasks": frozenset({"file"}),
    "include_role": _ROLE_OPTIONS | {"apply"},
    "import_role": _ROLE_OPTIONS,
}
_INCLUDE_KEYWORDS = frozenset(
    {"action", "args", "collections", "debugger", "ignore_errors", "loop", "loop_control", "name", "no_log", "register", "run_once", "tags",
     "timeout", "vars", "when"}
)  # fmt: skip


@dataclass(frozen=True)
class Surroundings:
    """What a list of tasks stands in."""

    file: Path
    attributes: Attributes
    role: Role | None = None
    params: Mapping[str, Any] | None = None
    handlers: bool = False
    depth: int = 0


def short_name(action: str) -> str:
    """A module's name of today without the collections whose modules live here."""
    for prefix in _COLLECTIONS:
        if action.startswith(prefix):
            action = action[len(prefix) :]
            break
    return _RENAMED.get(action, action)


class TaskParser:
    """Parses task lists. `known` says whether an action exists; names of all are for suggestions."""

    def __init__(self, content: Content, known: Callable[[str], bool], names: Callable[[], list[str]]) -> None:
        self._content = content
        self._known = known
        self._names = names

    def nodes(self, value: Any, around: Surroundings) -> list[Node]:
        """Tasks and blocks of a YAML list. Raises PlaybookError at the first mistake."""
        if value is None:
            return []
        if not isinstance(value, list):
            raise PlaybookError("a list of tasks is needed here", Location(str(around.file), 1, 1), "begin each task with '- '")
        if around.depth > 50:
            raise PlaybookError("files import each other without end", Location(str(around.file), 1, 1))
        result: list[Node] = []
        for raw in value:
            if raw is None:
                continue
            if not isinstance(raw, dict):
                raise PlaybookError(
                    f"a task must be a mapping, not {raw!r}", _item(raw, around.file), "write '- debug:' rather than '- debug'"
                )
            if "block" in raw:
                result.append(self._block(raw, around))
                continue
            task = self._task(raw, around)
            if around.handlers:
                _check_handler(task)
            if task.action in STATIC_IMPORTS:
                imported = self._import(task, raw, around)
                result.extend(imported.block if around.handlers else [imported])  # handlers stand in the list that imports them
            else:
                result.append(task)
        return result

    def _block(self, raw: dict[str, Any], around: Surroundings) -> Block:
        place = location_of(raw)
        self._check_keys(raw, BLOCK_KEYS, "block", place)
        keyword_types.check(raw, "block", place)
        self._content.module_defaults.check(raw, place)
        orphan = next((key for key in ("rescue", "always") if raw.get(key) and not raw.get("block")), None)
        if orphan:
            raise PlaybookError(f"'{orphan}' keyword cannot be used without 'block'", location_of(raw, orphan) or place)
        inner = replace(around, attributes=around.attributes.derive(raw))
        return Block(
            block=self.nodes(raw.get("block"), inner),
            rescue=self.nodes(raw.get("rescue"), inner),
            always=self.nodes(raw.get("always"), inner),
            name=str(raw.get("name", "")),
            location=place,
            attributes=inner.attributes,
        )

    def _check_keys(self, raw: Mapping[str, Any], allowed: frozenset[str], kind: str, place: Location | None) -> None:
        for key in raw:
            if key not in allowed:
                close = difflib.get_close_matches(str(key), allowed, n=1)
                hint = f"did you mean {close[0]!r}?" if close else ""
                raise PlaybookError(f"'{key}' is not a valid attribute for a {kind}", location_of(raw, key) or place, hint)

    # One task

    def _task(self, raw: dict[str, Any], around: Surroundings) -> Task:
        place = location_of(raw)
        keyword_types.check(raw, "task", place)
        self._content.module_defaults.check(raw, place)
        written, action, given, local = self._action(raw, place, around.attributes.derive(raw).collections)
        args = self._arguments(action, given, raw.get("args"), place)
        if action in _INCLUDE_OPTIONS:
            _check_include(action, args, raw, place, handler=around.handlers)
        if action == "meta" and args.get("_raw_params") == "end_role" and around.role is None:
            raise PlaybookError("Cannot execute 'end_role' from outside of a role", place)
        own = {**raw, "delegate_to": raw.get("delegate_to", "localhost"), "connection": "local"} if local else raw
        attributes = around.attributes.derive(own)
        control = self._loop_control(raw.get("loop_control"), place)
        return Task(
            action=action,
            written=written,
            args=args,
            attributes=attributes,
            name=str(raw.get("name") or ""),
            location=place,
            role=around.role,
            loop=self._loop(raw, place),
            loop_control=control,
            register=self._register(raw, place),
            until=_conditions(raw.get("until")),
            retries=raw.get("retries"),
            delay=raw.get("delay"),
            changed_when=_conditions(raw["changed_when"]) if raw.get("changed_when") is not None else None,
            failed_when=_conditions(raw["failed_when"]) if raw.get("failed_when") is not None else None,
            notify=as_tuple(attributes.get("notify") or ()),
            listen=tuple(str(topic) for topic in as_tuple(raw["listen"])) if raw.get("listen") else (),
            async_s=raw.get("async", 0),
            poll=raw.get("poll"),
            raw=raw,
            params=around.params or {},
            directory=around.file.parent,
            block_attributes=around.attributes,
        )

    def _action(self, raw: dict[str, Any], place: Location | None, search: tuple[str, ...]) -> tuple[str, str, Any, bool]:
        """The action's name as written and as known here, its arguments as written, and whether it was a local_action."""
        found = [key for key in raw if key not in TASK_KEYS and not str(key).startswith("with_")]
        for key in ("action", "local_action"):
            if raw.get(key) is not None:
                if found:
                    raise PlaybookError(f"conflicting action statements: {key}, {found[0]}", place)
                name, given = self._written_action(raw[key], place)
                return name, self._resolve_if_possible(name, place, search), given, key == "local_action"
        if len(found) > 1:
            self._reject(raw, found, place)
        if found and found[0] in _BLOCK_ONLY:
            raise PlaybookError(f"'{found[0]}' keyword cannot be used without 'block'", location_of(raw, found[0]) or place)
        if not found:
            raise PlaybookError("no module/action detected in task", place, "a task needs one module such as 'copy:'")
        return str(found[0]), self._resolve(str(found[0]), location_of(raw, found[0]), search), raw[found[0]], False

    def _reject(self, raw: dict[str, Any], found: list[str], place: Location | None) -> None:
        unknown = [key for key in found if not self._known(short_name(str(key)))]
        if len(unknown) == len(found) - 1:
            close = difflib.get_close_matches(str(unknown[0]), [*TASK_KEYS], n=1)
            hint = f"did you mean {close[0]!r}?" if close else "check the indentation"
            raise PlaybookError(f"'{unknown[0]}' is not a valid attribute for a Task", location_of(raw, unknown[0]), hint)
        raise PlaybookError(f"conflicting action statements: {', '.join(map(str, found))}", place, "a task has one module")

    def _written_action(self, value: Any, place: Location | None) -> tuple[str, Any]:
        if isinstance(value, str):
            text = value.strip()
            try:
                name = next(iter(arguments.split(text)), "").strip()
            except ValueError as e:
                raise PlaybookError(str(e), place) from e
            return name, text.removeprefix(name).lstrip(" ")
        if isinstance(value, dict) and "module" in value:
            rest_args = {key: item for key, item in value.items() if key != "module"}
            if isinstance(rest_args.get("args"), dict):
                rest_args = {**rest_args.pop("args"), **rest_args}
            name, text = self._written_action(str(value["module"]), place)
            return name, rest_args if not text else {**arguments.parse(short_name(name), text), **rest_args}
        raise PlaybookError("action must be a text or a mapping with 'module'", place)

    def _resolve_if_possible(self, name: str, place: Location | None, search: tuple[str, ...]) -> str:
        """What `action` names may be a template, or nothing at all: the task fails when its turn comes."""
        if is_template(name):
            return name
        try:
            return self._resolve(name, place, search)
        except PlaybookError:
            return name

    def _resolve(self, name: str, place: Location | None, search: tuple[str, ...]) -> str:
        short = short_name(name)
        if "." not in name and any(f"{collection}." not in _COLLECTIONS for collection in search):
            # A collection that is asked first may have a module of a builtin's name.
            found = self._content.collection_module(name, tuple(c for c in search if f"{c}." not in _COLLECTIONS))
            if found is not None:
                return found
        if short == "include":
            raise RunError(
                "The 'ansible.builtin.include' action plugin has been removed. Use include_tasks or import_tasks instead.", place
            )
        if not self._known(short):
            found = self._content.collection_module(name, search, last=True)
            if found is not None:
                return found
            gone = self._content.collections.tombstone(name)
            if gone:
                raise RunError(gone, place)
            close = difflib.get_close_matches(short, [*self._names(), *TASK_KEYS], n=1)
            hint = (
                f"did you mean {close[0]!r}?" if close else "check its spelling; modules of your own go into library/ beside the playbook"
            )
            raise PlaybookError(f"couldn't resolve module/action '{name}'", place, hint)
        return short

    def _arguments(self, action: str, given: Any, more: Any, place: Location | None) -> dict[str, Any]:
        args: dict[str, Any] = {}
        if isinstance(more, str):
            args["_variable_params"] = more
        elif isinstance(more, dict):
            args.update(more)
        elif more is not None:
            raise PlaybookError(f"args must be a mapping, not {type(more).__name__}", place)
        if isinstance(given, dict):
            args.update(given)
        elif isinstance(given, str):
            if given.strip().startswith("{{") and given.strip().endswith("}}") and action not in arguments.FREE_FORM:
                args["_variable_params"] = given
                return args
            try:
                args.update(arguments.parse(action, given))
            except ValueError as e:
                raise PlaybookError(str(e), place) from e
        elif isinstance(given, list) and action in arguments.FREE_FORM:
            args["argv"] = given
        elif given is not None:
            if action not in ("meta", "command", "shell", "raw", "include_tasks"):
                raise PlaybookError(f"arguments of {action} must be a mapping or text, not {type(given).__name__}", place)
            args["_raw_params"] = str(given)
        return args

    def _loop(self, raw: dict[str, Any], place: Location | None) -> Loop | None:
        found = [(str(key), value) for key, value in raw.items() if str(key).startswith("with_") or (key == "loop" and value is not None)]
        if not found:
            return None
        if len(found) > 1:
            raise RunError(f"duplicate loop in task: {found[1][0].removeprefix('with_')}", place)
        key, value = found[0]
        if value is None:
            raise RunError(f"you must specify a value when using {key}", place)
        if key == "loop":
            return Loop(None, value)
        lookup = key.removeprefix("with_")
        if lookup.split(".")[-1] not in LOOKUPS and not self._content.has_lookup(lookup):
            close = difflib.get_close_matches(lookup, LOOKUPS, n=1)
            raise PlaybookError(f"'{key}' is not a loop", location_of(raw, key), f"did you mean 'with_{close[0]}'?" if close else "")
        return Loop(lookup, value)

    def _loop_control(self, raw: Any, place: Location | None) -> LoopControl:
        if raw is None:
            return LoopControl()
        if not isinstance(raw, dict):
            raise PlaybookError("loop_control must be a mapping", place)
        self._check_keys(raw, _LOOP_CONTROL, "LoopControl", place)
        if not isinstance(raw.get("loop_var", ""), str):
            raise PlaybookError("loop_var must be a name", place)
        values = {key: value for key, value in raw.items() if value is not None}
        if "break_when" in values:
            values["break_when"] = _conditions(values["break_when"])
        return LoopControl(**values)

    def _register(self, raw: dict[str, Any], place: Location | None) -> str | None:
        name = raw.get("register")
        if name is None:
            return None
        if not isinstance(name, str) or not name.isidentifier():
            raise PlaybookError(f"Invalid 'register' specified: Invalid variable name '{name}'.", location_of(raw, "register") or place)
        return name

    # Static imports

    def _import(self, task: Task, raw: dict[str, Any], around: Surroundings) -> Block:
        if task.loop is not None:
            raise PlaybookError(
                f"You cannot use loops on '{task.action}' statements. You should use '{task.action.replace('import', 'include')}' instead.",
                task.location,
            )
        # Variables of an import are like those of a block; those of an include around it are parameters.
        params = dict(around.params or {})
        attributes = around.attributes.derive(raw)
        if task.action == "import_role":
            role = self._content.role_for_import(task, around, attributes, params)
            return Block(block=role_blocks(role), name=task.name, location=task.location, attributes=attributes)
        name = task.args.get("file", task.args.get("_raw_params"))
        if not isinstance(name, str):
            raise PlaybookError("import_tasks needs the name of a file", task.location)
        path = self._content.task_file(self._content.render_static(name, {**task.attributes.vars, **params}, task), around, task.location)
        inner = Surroundings(path, attributes, around.role, params, around.handlers, around.depth + 1)
        return Block(block=self.nodes(self._content.read(path), inner), name=task.name, location=task.location, attributes=attributes)


def _check_include(action: str, args: Mapping[str, Any], raw: Mapping[str, Any], place: Location | None, *, handler: bool) -> None:
    """Includes and imports take few options, includes few keywords: others would be lost without a word."""
    of_role = action.endswith("_role")
    if action in DYNAMIC_INCLUDES:
        for key in raw:
            allowed = key in _INCLUDE_KEYWORDS or key not in TASK_KEYS or (handler and key == "listen")
            if not allowed:
                kind = "IncludeRole" if of_role else "HandlerTaskInclude" if handler else "TaskInclude"
                raise PlaybookError(f"'{key}' is not a valid attribute for a {kind}", location_of(raw, key) or place)
    unknown = sorted(str(key) for key in args if key not in _INCLUDE_OPTIONS[action] and not str(key).startswith("_"))
    if unknown:
        raise PlaybookError(f"Invalid options for {action}: {','.join(unknown)}", place)
    if of_role and args.get("name", args.get("role")) is None and "_variable_params" not in args:
        raise PlaybookError(f"'name' is a required field for {action}.", place)
    if not of_role and not args.get("file", args.get("_raw_params")):
        raise PlaybookError(f"No file specified for {action}", place)
    if args.get("apply") is not None and not isinstance(args["apply"], Mapping):
        raise PlaybookError(f"Expected a dict for apply but got {type(args['apply'])} instead", place)


def _check_handler(task: Task) -> None:
    if task.action in ("include_role", "import_role"):
        raise PlaybookError(f"Using '{task.action}' as a handler is not supported.", task.location)
    if task.action == "meta" and task.args.get("_raw_params") == "flush_handlers":
        raise PlaybookError("flush_handlers cannot be used as a handler", task.location)


def _item(raw: Any, file: Path) -> Location:
    """Where a list's item stands that is no mapping, which alone know their place: at its line, if it is found, or the file's beginning."""
    lines = enumerate(file.read_text(errors="replace").splitlines(), 1)
    return next(
        (Location(str(file), n, line.index("- ") + 1) for n, line in lines if line.strip() == f"- {raw}"), Location(str(file), 1, 1)
    )


def _conditions(value: Any) -> tuple[Any, ...]:
    return () if value is None else as_tuple(value)


__all__ = ["BLOCK_KEYS", "DYNAMIC_INCLUDES", "TASK_KEYS", "Surroundings", "TaskParser", "short_name", "tag_set"]
