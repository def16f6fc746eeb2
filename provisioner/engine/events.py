"""What a run tells while it goes. Events of one host come in order; those of different hosts interleave."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from provisioner.engine.results import HostStats, Status
from provisioner.inventory.documents import Location

if TYPE_CHECKING:
    from provisioner.engine.playbook import Play, Task
    from provisioner.templating import Templar


@dataclass(frozen=True)
class PlaybookStarted:
    path: str
    plays: Sequence[Play] = ()


@dataclass(frozen=True)
class PlayStarted:
    name: str
    hosts: tuple[str, ...]
    location: Location | None = None
    is_free: bool = False
    """Whether each host goes on by itself."""
    play: Play | None = None


@dataclass(frozen=True)
class NoHosts:
    """A play whose pattern matches nothing, or nothing that is left."""

    play: str
    reason: str


@dataclass(frozen=True)
class TaskStarted:
    """A task begins, on one or more hosts. `serial` tells tasks of equal names apart."""

    name: str
    action: str
    serial: int
    location: Location | None = None
    handler: bool = False
    hosts: tuple[str, ...] = ()
    task: Task | None = None


@dataclass(frozen=True)
class ItemDone:
    """One item of a loop ended on a host."""

    host: str
    task: str
    serial: int
    label: Any
    status: Status
    result: Mapping[str, Any]
    ignored: bool = False
    delegated_to: str | None = None
    address: str | None = None
    shows_diff: bool = True
    templar: Templar | None = None


@dataclass(frozen=True)
class HostDone:
    """A task ended on a host. `result` is censored where the task says no_log."""

    host: str
    task: str
    action: str
    serial: int
    status: Status
    result: Mapping[str, Any]
    ignored: bool = False
    delegated_to: str | None = None
    duration_s: float = 0.0
    location: Location | None = None
    address: str | None = None
    """Of the host that it was delegated to."""
    shows_diff: bool = True
    """Whether a person asked for differences: some modules answer with them always."""
    templar: Templar | None = None
    """What the task's own words were rendered with."""


@dataclass(frozen=True)
class Retrying:
    """A task with `until` is tried again."""

    host: str
    task: str
    attempt: int
    retries: int
    """Tries that are left."""
    result: Mapping[str, Any]


@dataclass(frozen=True)
class BackgroundTold:
    """What became of a job in the background that its task waits for."""

    host: str
    task: str
    state: Literal["poll", "ok", "failed"]
    job: str
    result: Mapping[str, Any]


@dataclass(frozen=True)
class Included:
    """A dynamic include was resolved for these hosts."""

    what: str
    hosts: tuple[str, ...]
    label: str = ""
    """Of the item, in a loop."""
    args: Mapping[str, Any] = field(default_factory=dict)
    """Of the task that includes it."""


@dataclass(frozen=True)
class HandlerNotified:
    handler: str
    host: str


@dataclass(frozen=True)
class Warned:
    message: str
    location: Location | None = None


@dataclass(frozen=True)
class Said:
    """What a plugin of somebody's own has to show. `colour` is a terminal's code, such as `0;32`."""

    text: str
    colour: str | None = None
    error: bool = False
    newline: bool = True


@dataclass(frozen=True)
class Recap:
    stats: Mapping[str, HostStats]
    custom: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


Event = (
    PlaybookStarted
    | PlayStarted
    | NoHosts
    | TaskStarted
    | ItemDone
    | HostDone
    | Retrying
    | BackgroundTold
    | Included
    | HandlerNotified
    | Warned
    | Said
    | Recap
)
Callback = Callable[[Event], None]
