"""Proves the order in which pods are tried: by priority and age, after a backoff, and again when the cluster changes."""

from __future__ import annotations

from provisioner.kube.scheduler.queue import UNSCHEDULABLE_S, SchedulingQueue
from tests.unit.kube.scheduler.objects import pod


def popped(queue: SchedulingQueue, now_s: float) -> str | None:
    found = queue.pop(now_s)
    return found.facts.uid if found else None


def test_priority_then_age() -> None:
    queue = SchedulingQueue()
    queue.add(pod("old"), 0)
    queue.add(pod("young"), 1)
    queue.add(pod("vip", priority=9), 2)
    assert [popped(queue, 3) for _ in range(4)] == ["vip", "old", "young", None]


def test_one_that_fits_nowhere_waits_for_a_change_and_backs_off() -> None:
    queue = SchedulingQueue()
    queue.add(pod("p"), 0)
    for attempt, backoff_s in enumerate((1, 2, 4, 8, 10, 10), 1):
        start = attempt * 1000.0
        assert popped(queue, start) == "p"
        queue.failed("p")
        assert popped(queue, start + 500) is None, "nothing has changed"
        assert queue.waiting() == {"active": 0, "backoff": 0, "unschedulable": 1}
        queue.move(start)
        assert queue.next_due_s() == start + backoff_s
        assert popped(queue, start + backoff_s - 0.1) is None
    assert len(queue) == 1


def test_a_change_of_the_pod_itself_is_tried_at_once() -> None:
    queue = SchedulingQueue()
    queue.add(pod("p"), 0)
    popped(queue, 1)
    queue.failed("p")
    queue.add(pod("p", cpu="1"), 2)
    assert popped(queue, 2) == "p"


def test_whatever_happens_it_is_tried_again_after_five_minutes() -> None:
    queue = SchedulingQueue()
    queue.add(pod("p"), 0)
    popped(queue, 0)
    queue.failed("p")
    queue.move_old(UNSCHEDULABLE_S - 1)
    assert popped(queue, UNSCHEDULABLE_S - 1) is None
    queue.move_old(UNSCHEDULABLE_S)
    assert popped(queue, UNSCHEDULABLE_S) == "p"


def test_a_pod_that_is_gone_is_not_tried() -> None:
    queue = SchedulingQueue()
    queue.add(pod("p"), 0)
    queue.remove("p")
    assert popped(queue, 1) is None and len(queue) == 0


def test_a_change_moves_only_those_that_it_may_help() -> None:
    queue = SchedulingQueue()
    for name in ("one", "two"):
        queue.add(pod(name), 0)
        assert queue.pop(0) is not None
        queue.failed(name)
    assert queue.move(5, lambda facts: facts.uid == "two")
    assert not queue.move(5, lambda facts: facts.uid == "two"), "it has moved already"
    moved = queue.pop(5)
    assert moved is not None and moved.facts.uid == "two" and queue.pop(5) is None
    newer = pod("one", labels={"seen": "now"})
    queue.refresh(newer)
    assert "one" in queue and queue.pop(5) is None, "a newer object alone is no reason to try"
    queue.move(5)
    again = queue.pop(5)
    assert again is not None and again.facts is newer
