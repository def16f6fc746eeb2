"""Plays, tasks, hosts and groups as people's own plugins see them, under the names that Ansible's objects have."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from provisioner.engine.failed_task import described
from provisioner.engine.options import RunOptions
from provisioner.engine.playbook import Block, Node, Play, Role, Task
from provisioner.inventory import Inventory
from provisioner.templating import Templar


class TaskView:
    """A task; its keywords are rendered when asked for, where `templar` is given."""

    def __init__(self, task: Task, title: str, uuid: str, options: RunOptions, templar: Templar | None = None) -> None:
        self._task = task
        self._title = title
        self._uuid = uuid
        self._options = options
        self._templar = templar
        self._role = role_view(task.role) if task.role else None
        self.implicit = task.implicit
        self._ds = task.raw
        self.action = self.resolved_action = task.action if "." in task.action else _written(task)
        self.loop = task.loop.value if task.loop else None
        self.loop_with = task.loop.lookup if task.loop else None
        self._parent: Any = None

    @functools.cached_property
    def fields(self) -> dict[str, Any]:
        """All keywords."""
        found = plain(described(self._task, self._templar, self._options))
        return {**found, "action": self.action, "name": self._title}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self.fields:
            raise AttributeError(f"the task has no '{name}' here")
        return self.fields[name]

    @property
    def name(self) -> str:
        return self._title.removeprefix(f"{self._role} : ") if self._task.name else ""

    def get_name(self, include_role_fqcn: bool = True) -> str:
        return self._title

    def get_path(self) -> str:
        place = self._task.location
        return f"{place.file}:{place.line}" if place else ""

    def get_vars(self) -> dict[str, Any]:
        return dict(self._task.attributes.vars)

    def get_first_parent_include(self) -> Any:
        return None

    def __str__(self) -> str:
        return f"TASK: {self._title}"

    __repr__ = __str__


def _written(task: Task) -> str:
    return task.written or task.action


def include_view(task: TaskView) -> TaskView:
    """A task that includes others, which plugins know by its class."""
    from ansible.playbook.task_include import TaskInclude

    class Include(TaskView, TaskInclude):  # type: ignore[misc]
        pass

    made = Include.__new__(Include)
    made.__dict__.update(task.__dict__)
    return made


def role_view(role: Role) -> SimpleNamespace:
    return RoleView(
        _role_name=role.own_name, _role_path=str(role.path), _role_collection=role.collection or None, get_name=lambda *_, **__: role.name
    )


class RoleView(SimpleNamespace):
    def __str__(self) -> str:
        return str(self.get_name())

    __repr__ = __str__


def as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


class PlayView:
    """A play; what plugins look at of it."""

    def __init__(self, play: Play, name: str, options: RunOptions, uuid: str, hosts: Sequence[str] = ()) -> None:
        values = play.attributes.values
        self._play = play
        batch = ("ansible_play_batch", "ansible_play_hosts", "ansible_play_hosts_all")
        known = {**play.vars, **options.extra_vars, "ansible_play_name": name, **{key: list(hosts) for key in batch}}
        self._variable_manager = SimpleNamespace(get_vars=lambda **_: {**known, "vars": known}, extra_vars=dict(options.extra_vars))
        self._loader = SimpleNamespace(_FILE_CACHE=dict.fromkeys(self._files()))
        self._uuid = uuid
        self.name, self.hosts, self.vars, self.vars_files = name, as_list(play.hosts), dict(play.vars), list(play.vars_files)
        self.vars_prompt = [dict(entry) for entry in play.vars_prompt]
        self.strategy = play.strategy_by(options.settings)
        self.serial = list(play.serial)
        self.tags = sorted(play.attributes.tags)
        self.check_mode = values.get("check_mode", options.check)
        self.diff = values.get("diff", options.diff)
        self.gather_facts = play.gather_facts
        self.become = values.get("become")
        self.remote_user = values.get("remote_user")
        self.any_errors_fatal = values.get("any_errors_fatal")
        self.roles = [role_view(role) for role in play.roles]

    def get_name(self) -> str:
        return str(self.name)

    def get_vars(self) -> dict[str, Any]:
        return dict(self.vars)

    def get_roles(self) -> list[Any]:
        return list(self.roles)

    def get_path(self) -> str:
        place = self._play.location
        return f"{place.file}:{place.line}" if place else ""

    def get_tasks(self) -> list[Any]:
        """Of all sections but roles, in order; blocks are lists of theirs, and so are tasks that follow each other."""
        found: list[list[Any]] = []
        for section in (self._play.pre_tasks, self._play.tasks, self._play.post_tasks):
            for is_block, nodes in itertools.groupby(section, lambda node: isinstance(node, Block)):
                together = list(nodes)
                parts = [[node] for node in together] if is_block else [together]
                found.extend([_shown(task) for task in _flat(part)] for part in parts)
        return found

    def get_variable_manager(self) -> Any:
        """Its `get_vars()` answers what the play says, and what was given with the run, not rendered: hosts' variables are the engine's alone."""
        return self._variable_manager

    def _all_tasks(self) -> Iterator[Task]:
        play = self._play
        return _flat([*play.pre_tasks, *play.role_blocks, *play.tasks, *play.post_tasks])

    def _files(self) -> Iterator[str]:
        """Where the play and its tasks are written."""
        for place in (self._play.location, *(task.location for task in self._all_tasks())):
            if place is not None:
                yield str(place.file)

    def __str__(self) -> str:
        return self.get_name()


def _shown(task: Task) -> SimpleNamespace:
    return SimpleNamespace(name=task.name, action=task.action, get_name=task.titled)


def _flat(nodes: list[Node]) -> Iterator[Task]:
    for node in nodes:
        if isinstance(node, Block):
            yield from _flat([*node.block, *node.rescue, *node.always])
        else:
            yield node


class HostViews:
    """Hosts and groups of an inventory; one object for each."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._hosts: dict[str, Any] = {}
        self._groups: dict[str, Any] = {}

    def host(self, name: str) -> Any:
        from ansible.inventory.host import Host

        if name not in self._hosts:
            found = self._inventory.host(name)
            groups = [
                self.group(group) for group in (*(("all",) if found and not found.implicit else ()), *(found.groups if found else ()))
            ]
            self._hosts[name] = Host(name, groups, lambda: dict(found.vars) if found else {}, bool(found and found.implicit))
        return self._hosts[name]

    def group(self, name: str) -> Any:
        from ansible.inventory.group import Group

        if name not in self._groups:
            self._groups[name] = Group(
                name,
                self._inventory.depth(name),
                lambda: [self.host(host.name) for host in self._inventory.hosts_of(name)],
                lambda: dict(self._inventory.groups[name].own_vars),
            )
        return self._groups[name]


def playbook_view(path: str, plays: list[PlayView]) -> SimpleNamespace:
    return SimpleNamespace(_file_name=path, _basedir=str(Path(path).parent), _entries=plays, get_plays=lambda: list(plays))


def plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a result, all the way down, that a plugin may change; what JSON has no word for stays what it is."""
    return {key: _copied(item) for key, item in value.items()}


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_copied(key): _copied(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_copied(item) for item in value]
    return str(value) if isinstance(value, str) else value


def command_line(options: RunOptions) -> dict[str, Any]:
    """What `ansible.context.CLIARGS` has."""
    return {
        "check": options.check,
        "diff": options.diff,
        "extra_vars": (json.dumps(dict(options.extra_vars), default=str),) if options.extra_vars else (),
        "forks": options.forks,
        "subset": options.limit,
        "tags": options.tags or ("all",),
        "skip_tags": options.skip_tags,
        "verbosity": options.verbosity,
        "become": bool(options.become),
        "become_user": options.become_user,
        "become_method": options.become_method,
        "remote_user": options.remote_user,
        "connection": options.connection,
        "start_at_task": options.start_at_task,
        "inventory": (),
        "args": (),
    }
