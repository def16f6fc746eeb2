"""Plays, blocks, tasks and roles as parsed: what is written, where, and with which inherited attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provisioner.engine.attributes import Attributes
from provisioner.inventory.documents import Location


@dataclass(frozen=True)
class LoopControl:
    loop_var: Any = "item"
    index_var: Any = None
    label: Any = None
    pause: Any = 0
    """Seconds between items."""
    extended: Any = False
    extended_allitems: Any = True
    break_when: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Loop:
    """`loop: value`, or `with_<lookup>: value`."""

    lookup: str | None
    value: Any


@dataclass(eq=False)
class Task:
    """One task as written; identity matters, two equal tasks are two."""

    action: str
    """Short name of the module or action."""
    args: Mapping[str, Any]
    attributes: Attributes
    name: str = ""
    location: Location | None = None
    role: Role | None = None
    loop: Loop | None = None
    loop_control: LoopControl = field(default_factory=LoopControl)
    register: str | None = None
    until: tuple[Any, ...] = ()
    retries: Any = None
    delay: Any = None
    changed_when: tuple[Any, ...] | None = None
    failed_when: tuple[Any, ...] | None = None
    notify: tuple[Any, ...] = ()
    listen: tuple[str, ...] = ()
    async_s: Any = 0
    poll: Any = None
    params: Mapping[str, Any] = field(default_factory=dict)
    """Variables of the includes that brought the task (precedence level 21)."""
    raw: Mapping[str, Any] = field(default_factory=dict)
    """As it is written."""
    directory: Path = field(default_factory=Path)
    """Folder of the file the task was written in."""
    implicit: bool = False
    """Made by the engine (gathering facts, flushing handlers) rather than written."""
    written: str = ""
    """The action's name as the file has it."""
    include_apply: Mapping[str, Any] = field(default_factory=dict)
    block_attributes: Attributes = field(default_factory=Attributes)
    """Attributes of what surrounds the task; dynamic includes hand down these rather than their own."""

    @property
    def title(self) -> str:
        """The name shown, with the role before it."""
        text = self.name or self.written or self.action
        if not self.name and self.action == "include_role":
            text = f"{text} : {self.args.get('name', self.args.get('role'))}"
        return self.titled(text)

    def titled(self, text: str) -> str:
        """A name with the role before it. What includes a role has none before it, as in Ansible."""
        return f"{self.role.name} : {text}" if self.role and self.action != "include_role" else text


@dataclass(eq=False)
class Block:
    """Tasks that run together; a failure goes to `rescue`, and `always` runs whatever happens."""

    block: list[Node]
    rescue: list[Node] = field(default_factory=list)
    always: list[Node] = field(default_factory=list)
    name: str = ""
    location: Location | None = None
    role: Role | None = None
    """Set on the block that is a whole role, so that a role runs once for a host."""
    attributes: Attributes = field(default_factory=Attributes)


Node = Task | Block


@dataclass(eq=False)
class Role:
    """A role as used in one place."""

    own_name: str
    path: Path
    collection: str = ""
    """Nothing for a role that lies outside of collections."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    vars: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    entry_vars: Mapping[str, Any] = field(default_factory=dict)
    """From `vars:` where the role is used; seen by its own tasks and those of the roles it depends on."""
    allow_duplicates: bool = False
    parents: tuple[Role, ...] = ()
    """Roles that depend on this one or include it, outermost first."""
    included_by: tuple[Role, ...] = ()
    """Roles whose tasks include or import this one, outermost first; `parents` holds those that depend on it, too."""
    dependencies: list[Role] = field(default_factory=list)
    tasks: list[Node] = field(default_factory=list)
    handlers: list[Node] = field(default_factory=list)
    public: bool = True
    """Whether defaults and vars are seen by the rest of the play."""
    key: str = ""
    """Equal for two uses that count as the same role run twice."""

    @property
    def name(self) -> str:
        """With its collection before it."""
        return f"{self.collection}.{self.own_name}" if self.collection else self.own_name

    def named(self, text: str) -> frozenset[str]:
        """What a handler or a topic of this role may be called by other than its own name."""
        return frozenset({f"{self.name} : {text}", f"{self.own_name} : {text}"})

    def visible_defaults(self) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for dependency in self.dependencies:
            merged.update(dependency.visible_defaults())
        for parent in self.parents:
            merged.update(parent.defaults)
        merged.update(self.defaults)
        return merged

    def visible_vars(self, *, to_dependent: bool = False) -> dict[str, Any]:
        """Those that a role which depends on this one sees leave out what was written where this one is used."""
        merged: dict[str, Any] = {}
        for parent in self.parents:
            merged.update(parent.vars)
            merged.update(parent.entry_vars)
        for dependency in self.dependencies:
            merged.update(dependency.visible_vars(to_dependent=True))
        merged.update(self.vars)
        if not to_dependent:
            merged.update(self.entry_vars)
        return merged

    def visible_params(self) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for parent in self.parents:
            merged.update(parent.params)
        merged.update(self.params)
        return merged


@dataclass(eq=False)
class Play:
    """One play as written."""

    name: str
    hosts: Any
    attributes: Attributes
    location: Location | None = None
    directory: Path = field(default_factory=Path)
    vars: Mapping[str, Any] = field(default_factory=dict)
    vars_files: tuple[Any, ...] = ()
    vars_prompt: tuple[Mapping[str, Any], ...] = ()
    gather_facts: Any = True
    gather_subset: Any = None
    gather_timeout: Any = None
    fact_path: Any = None
    serial: tuple[Any, ...] = ()
    strategy: str = ""
    """As written; empty means what the settings say, else linear."""
    order: Any = None
    max_fail_percentage: Any = None
    force_handlers: Any = None
    roles: list[Role] = field(default_factory=list)
    """Every role of `roles:` and their dependencies, in order."""
    pre_tasks: list[Node] = field(default_factory=list)
    role_blocks: list[Node] = field(default_factory=list)
    tasks: list[Node] = field(default_factory=list)
    post_tasks: list[Node] = field(default_factory=list)
    handlers: list[Node] = field(default_factory=list)

    def strategy_by(self, settings: Mapping[str, Any]) -> str:
        """The play's own strategy, else the one that the settings name, without its collection; Mitogen's go about it as those they speed up."""
        named = str(self.strategy or settings.get("DEFAULT_STRATEGY", "linear"))
        return {"mitogen": "linear"}.get(named, named.split(".")[-1].removeprefix("mitogen_"))


def tasks_of(nodes: list[Node]) -> list[Task]:
    """All tasks under nodes, in order."""
    found: list[Task] = []
    for node in nodes:
        if isinstance(node, Task):
            found.append(node)
        else:
            found.extend(tasks_of(node.block) + tasks_of(node.rescue) + tasks_of(node.always))
    return found


def role_blocks(role: Role) -> list[Node]:
    """A role's dependencies and then itself, each as one block."""
    blocks: list[Node] = []
    for dependency in role.dependencies:
        blocks.extend(role_blocks(dependency))
    blocks.append(Block(block=list(role.tasks), name=role.name, role=role))
    return blocks


def with_dependencies(role: Role) -> list[Role]:
    found: list[Role] = []
    for dependency in role.dependencies:
        found.extend(with_dependencies(dependency))
    return [*found, role]
