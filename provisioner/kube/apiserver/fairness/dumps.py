"""The state of priority levels, queues and requests as tables of text. Pure.

Source: "Flow control", debug endpoints. Of the requests that are served only those on the long way are told: those on the short way are gone at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from provisioner.kube.apiserver.fairness.levels import EXPECTED_S, Level, Who

# levels, whether requests' details are wanted -> text
Dump = Callable[[Iterable[Level], bool], str]
_LEVELS = (
    "PriorityLevelName ActiveQueues IsIdle IsQuiescing WaitingRequests ExecutingRequests DispatchedRequests RejectedRequests "
    "TimedoutRequests CancelledRequests"
)
_QUEUES = "PriorityLevelName Index PendingRequests ExecutingRequests SeatsInUse NextDispatchR InitialSeatsSum MaxSeatsSum TotalWorkSum"
_REQUESTS = (
    "PriorityLevelName FlowSchemaName QueueIndex RequestIndexInQueue FlowDistingsher ArriveTime InitialSeats FinalSeats "
    "AdditionalLatency StartTime"
)
_DETAILS = "UserName Verb APIPath Namespace Name APIVersion Resource SubResource"
_NEVER = "0001-01-01T00:00:00Z"


def priority_levels(levels: Iterable[Level], details: bool) -> str:
    rows = []
    for level in _in_order(levels):
        active = sum(bool(queue.waiting or queue.executing) for queue in level.queues)
        idle = not (level.waiting or level.executing)
        refused = sum(number for reason, number in level.rejected.items() if reason not in ("time-out", "cancelled"))
        counts = (level.waiting, level.executing, level.dispatched, refused)
        late, cancelled = level.rejected.get("time-out", 0), level.rejected.get("cancelled", 0)
        # A level whose object is gone is not kept once it is empty.
        rows.append([level.name, active, idle, not level.uid and not idle, *counts, late, cancelled])
    return _table(_LEVELS, rows)


def queues(levels: Iterable[Level], details: bool) -> str:
    rows = []
    for level in _in_order(levels):
        for index, queue in enumerate(level.queues):
            first = queue.virtual + (queue.waiting[0].seats * EXPECTED_S if queue.waiting else 0.0)
            work = queue.seats * EXPECTED_S
            place = (level.name, index, len(queue.waiting), queue.running, queue.executing)
            rows.append([*place, f"{first:.8f}ss", queue.seats, queue.seats, f"{work:.8f}ss"])
    return _table(_QUEUES, rows)


def requests(levels: Iterable[Level], details: bool) -> str:
    rows = []
    for level in _in_order(levels):
        for index, queue in enumerate(level.queues):
            for place, waiting in enumerate(queue.waiting):
                rows.append(_request(level, waiting.who, (index, place), waiting.seats, _NEVER, details))
        for who, seats, since in level.served.values():
            rows.append(_request(level, who, (-1, -1), seats, _time(since), details))
    return _table(f"{_REQUESTS} {_DETAILS}" if details else _REQUESTS, rows)


def _request(level: Level, who: Who, place: tuple[int, int], seats: int, started: str, details: bool) -> list[object]:
    """`place` is (queue, position in it), -1 where it waits in none."""
    target = who.target
    row = [level.name, who.schema, *place, who.distinguisher, _time(who.came_at), seats, 0, "0s", started]
    if details:
        row += [who.user, target.verb, target.path, target.namespace, target.name]
        row += [target.version, target.resource, target.subresource]
    return row


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


DUMPS: dict[str, Dump] = {"dump_priority_levels": priority_levels, "dump_queues": queues, "dump_requests": requests}


def _in_order(levels: Iterable[Level]) -> list[Level]:
    return sorted(levels, key=lambda level: level.name)


def _table(head: str, rows: Sequence[Sequence[object]]) -> str:
    cells = [head.split(), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) + 2 for column in range(len(cells[0]))]
    lines = []
    for row in cells:
        padded = [f"{text},".ljust(width) for text, width in zip(row[:-1], widths, strict=False)]
        lines.append("".join([*padded, row[-1]]).rstrip())
    return "\n".join([*lines, ""])


def _cell(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
