"""What a run would do, without doing it: `--list-hosts`, `--list-tasks`, `--list-tags`, in ansible-playbook's form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.engine.attributes import tag_set
from provisioner.engine.play_scope import hosts_of, name_of
from provisioner.engine.playbook import Block
from provisioner.engine.tag_selection import selected
from provisioner.templating import Templar

if TYPE_CHECKING:
    from provisioner.engine.playbook import Node, Play, Task
    from provisioner.inventory import Inventory


@dataclass(frozen=True)
class Wanted:
    """Which lists were asked for."""

    hosts: bool = False
    tasks: bool = False
    tags: bool = False
    syntax: bool = False

    def __bool__(self) -> bool:
        return self.hosts or self.tasks or self.tags or self.syntax


def listing(
    parsed: Sequence[tuple[Path, Sequence[Play]]],
    inventory: Inventory,
    wanted: Wanted,
    *,
    limit: str | None = None,
    only: Sequence[str] = (),
    skip: Sequence[str] = (),
    names: Sequence[str] = (),
    scope: Callable[[Play], Templar] = lambda play: Templar(variables=play.vars),
) -> Iterator[str]:
    """Lines to print. `names` are the playbooks as the user wrote them, `scope` is what a play's keywords see. Raises PlaybookError."""
    for position, (path, plays) in enumerate(parsed):
        yield ""
        yield f"playbook: {names[position] if position < len(names) else path}"
        for number, play in enumerate(plays, start=1):
            templar = scope(play)
            shown = replace(play, hosts=hosts_of(play, templar), name=name_of(play, templar))
            if wanted.hosts or wanted.tasks or wanted.tags:
                yield ""
                yield from _play(shown, number, inventory, wanted, limit, only, skip, templar)


def _play(
    play: Play,
    number: int,
    inventory: Inventory,
    wanted: Wanted,
    limit: str | None,
    only: Sequence[str],
    skip: Sequence[str],
    templar: Templar,
) -> Iterator[str]:
    pattern = play.hosts if isinstance(play.hosts, list) else [play.hosts]
    yield f"  play #{number} ({','.join(map(str, pattern))}): {play.name}\tTAGS: [{','.join(sorted(play.attributes.tags))}]"
    if wanted.hosts:
        hosts = inventory.match([str(part) for part in pattern], limit)
        yield f"    pattern: {[str(part) for part in pattern]}"
        yield f"    hosts ({len(hosts)}):"
        yield from (f"      {host.name}" for host in hosts)
    if not only and not skip and wanted.tags:
        only = ("all", "never")  # who wants to know all tags wants to know these, too
    tasks = [(task, tags) for task, tags in _tasks(play, templar) if selected(tags, only, skip)]
    if wanted.tasks:
        yield "    tasks:"
        yield from (
            f"      {task.title if task.name else task.written or task.action}\tTAGS: [{', '.join(sorted(tags))}]" for task, tags in tasks
        )
    if wanted.tags:
        yield f"      TASK TAGS: [{', '.join(sorted({tag for _, tags in tasks for tag in tags}))}]"


def _tasks(play: Play, templar: Templar) -> list[tuple[Task, frozenset[str]]]:
    """Tasks with their tags, rendered by the play's variables; those of a block's rescue and always are not told of."""
    found = []
    for task in _listed([*play.pre_tasks, *play.role_blocks, *play.tasks, *play.post_tasks]):
        tags = task.attributes.tags
        if any("{{" in tag for tag in tags):
            tags = tag_set([templar.render(tag) for tag in tags])
        found.append((task, tags))
    return found


def _listed(nodes: Sequence[Node]) -> Iterator[Task]:
    for node in nodes:
        if isinstance(node, Block):
            yield from _listed(node.block)
        else:
            yield node
