"""Proves that like events become one with a count, that many similar ones become one, that a flood about one object is cut, and that nothing ever fails its caller."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api._generated import core_v1, meta_v1
from provisioner.kube.api.errors import not_found
from provisioner.kube.client.client import ConnectionFailed
from provisioner.kube.client.clock import FakeClock
from provisioner.kube.client.events import BURST, WAITING, EventRecorder, reference_to
from provisioner.kube.client.tasks import spawn, stop


class Server:
    def __init__(self) -> None:
        self.created: list[core_v1.Event] = []
        self.patched: list[tuple[str, dict[str, Any]]] = []
        self.fail: Exception | None = None

    async def create(self, event: core_v1.Event) -> core_v1.Event:
        if self.fail is not None:
            raise self.fail
        self.created.append(event)
        return event

    async def patch(self, _: Any, name: str, namespace: str, *, body: dict[str, Any]) -> core_v1.Event:
        if self.fail is not None:
            raise self.fail
        self.patched.append((name, body))
        event = next(e for e in self.created if e.metadata.name == name)
        event.count = body["count"]
        return event


def recorder_at(server: Any, component: str, host: str = "", *, clock: FakeClock) -> EventRecorder:
    """One that writes to a server of the test's own."""
    return EventRecorder(server, component, host, clock=clock)


def pod(name: str = "a") -> core_v1.Pod:
    return core_v1.Pod(metadata=meta_v1.ObjectMeta(name=name, namespace="ns", uid=f"uid-{name}", resource_version="3"))


async def written(server: Server, clock: FakeClock, *events: tuple[str, str], recorder: EventRecorder | None = None) -> EventRecorder:
    recorder = recorder or recorder_at(server, "kubelet", "node-1", clock=clock)
    for reason, message in events:
        recorder.event(pod(), "Normal", reason, message)
    task = spawn("events", recorder.run())
    await clock.advance(0)
    await stop(task)
    return recorder


async def test_names_tell_the_order() -> None:
    server, clock = Server(), FakeClock()
    await written(server, clock, *((f"R{number}", "x") for number in range(BURST)))
    names = [event.metadata.name or "" for event in server.created]
    assert names == sorted(set(names)) and len(names) == BURST


async def test_an_event_says_who_about_what() -> None:
    server, clock = Server(), FakeClock()
    await written(server, clock, ("Started", "Started container main"))
    (event,) = server.created
    assert event.involved_object == reference_to(pod())
    assert (event.reason, event.type, event.count) == ("Started", "Normal", 1)
    assert (event.metadata.namespace, (event.metadata.name or "").startswith("a.")) == ("ns", True)
    assert event.source == core_v1.EventSource(component="kubelet", host="node-1")
    assert event.first_timestamp == event.last_timestamp == "2026-01-01T00:00:00Z"


async def test_a_component_of_the_same_daemon_has_its_own_name() -> None:
    server, clock = Server(), FakeClock()
    recorder = recorder_at(server, "kube-controller-manager", clock=clock)
    recorder.named("job-controller").event(pod(), "Normal", "Completed", "Job completed")
    await written(server, clock, ("Other", "x"), recorder=recorder)
    assert [e.source.component for e in server.created if e.source is not None] == ["job-controller", "kube-controller-manager"]


async def test_like_events_are_one_with_a_count() -> None:
    server, clock = Server(), FakeClock()
    recorder = await written(server, clock, ("BackOff", "x"), ("BackOff", "x"), ("BackOff", "y"))
    await clock.advance(60)
    await written(server, clock, ("BackOff", "x"), recorder=recorder)
    assert len(server.created) == 2
    assert [body["count"] for _, body in server.patched] == [2, 3]
    assert server.patched[1][1]["lastTimestamp"] == "2026-01-01T00:01:00Z"


async def test_an_event_that_expired_on_the_server_is_made_again() -> None:
    server, clock = Server(), FakeClock()
    recorder = await written(server, clock, ("BackOff", "x"))

    async def gone(*_: Any, **__: Any) -> core_v1.Event:
        raise not_found("events", "x")

    server.patch = gone  # type: ignore[method-assign]
    await written(server, clock, ("BackOff", "x"), recorder=recorder)
    assert len(server.created) == 2


async def test_a_flood_about_one_object_is_cut_and_refills_slowly() -> None:
    server, clock = Server(), FakeClock()
    recorder = await written(server, clock, *[(f"Loud{n}", "x") for n in range(BURST + 10)])
    assert len(server.created) == BURST
    recorder.event(pod("other"), "Normal", "Calm", "x")
    await clock.advance(301)
    await written(server, clock, ("Loud", "again"), ("Loud", "once more"), recorder=recorder)
    assert [e.message for e in server.created[BURST:]] == ["x", "again"]


async def test_from_the_tenth_message_on_the_newest_stands_for_all() -> None:
    server, clock = Server(), FakeClock()
    recorder = await written(server, clock, *[("FailedCreate", str(n)) for n in range(12)])
    assert [e.message for e in server.created] == [*map(str, range(9)), "(combined from similar events): 9"]
    assert [(body["count"], body["message"][-2:]) for _, body in server.patched] == [(2, "10"), (3, "11")]
    await clock.advance(601)
    await written(server, clock, ("FailedCreate", "x"), recorder=recorder)
    assert server.created[-1].message == "x", "what came ten minutes ago is similar to nothing"


async def test_events_of_two_containers_or_components_are_two() -> None:
    server, clock = Server(), FakeClock()
    recorder = recorder_at(server, "kubelet", clock=clock)
    for path in ("spec.containers{a}", "spec.containers{b}"):
        recorder.event(core_v1.ObjectReference(name="p", uid="u", field_path=path), "Normal", "Created", "Container created")
    recorder.named("other").event(core_v1.ObjectReference(name="p", uid="u", field_path=path), "Normal", "Created", "Container created")
    await written(server, clock, recorder=recorder)
    assert len(server.created) == 3 and not server.patched


async def test_no_server_is_no_ones_trouble() -> None:
    server, clock = Server(), FakeClock()
    server.fail = ConnectionFailed("down")
    recorder = await written(server, clock, ("Lost", "x"))
    server.fail = None
    await written(server, clock, ("Lost", "x"), recorder=recorder)
    assert len(server.created) == 1


async def test_what_waits_is_bounded() -> None:
    recorder = recorder_at(Server(), "kubelet", clock=FakeClock())
    for number in range(WAITING + 5):
        recorder.event(pod(str(number)), "Normal", "Many", "x")
    assert recorder._waiting.qsize() == WAITING
