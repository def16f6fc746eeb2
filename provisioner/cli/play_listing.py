"""What a run would do, without doing it: `--list-hosts`, `--list-tasks`, `--list-tags`, in ansible-playbook's form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.engine.playbook import tasks_of
from provisioner.engine.tag_selection import selected

if TYPE_CHECKING:
    from provisioner.engine.playbook import Play, Task
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
) -> Iterator[str]:
    """Lines to print. `names` are the playbooks as the user wrote them."""
    for position, (path, plays) in enumerate(parsed):
        yield ""
        yield f"playbook: {names[position] if position < len(names) else path}"
        if not (wanted.hosts or wanted.tasks or wanted.tags):
            continue
        for number, play in enumerate(plays, start=1):
            yield ""
            yield from _play(play, number, inventory, wanted, limit, only, skip)


def _play(
    play: Play, number: int, inventory: Inventory, wanted: Wanted, limit: str | None, only: Sequence[str], skip: Sequence[str]
) -> Iterator[str]:
    pattern = play.hosts if isinstance(play.hosts, list) else [play.hosts]
    yield f"  play #{number} ({','.join(map(str, pattern))}): {play.name}\tTAGS: [{', '.join(sorted(play.attributes.tags))}]"
    if wanted.hosts:
        hosts = inventory.match([str(part) for part in pattern], limit)
        yield f"    pattern: {[str(part) for part in pattern]}"
        yield f"    hosts ({len(hosts)}):"
        yield from (f"      {host.name}" for host in hosts)
    tasks = _tasks(play, only, skip)
    if wanted.tasks:
        yield "    tasks:"
        yield from (f"      {task.title}\tTAGS: [{', '.join(sorted(task.attributes.tags))}]" for task in tasks)
    if wanted.tags:
        yield f"      TASK TAGS: [{', '.join(sorted({tag for task in tasks for tag in task.attributes.tags}))}]"


def _tasks(play: Play, only: Sequence[str], skip: Sequence[str]) -> list[Task]:
    every = tasks_of([*play.pre_tasks, *play.role_blocks, *play.tasks, *play.post_tasks])
    return [task for task in every if not task.implicit and task.action != "meta" and selected(task.attributes.tags, only, skip)]
