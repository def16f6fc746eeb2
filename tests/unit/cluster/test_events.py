"""Every listener gets every event, in order."""

from __future__ import annotations

from provisioner.cluster.events import Bus, Event


def test_bus() -> None:
    first: list[Event] = []
    second: list[Event] = []
    bus = Bus([first.append])
    bus.send("progress", "a")
    bus.add(second.append)
    bus.send("result", "b", host="m", changed=True)
    assert first == [Event("progress", "a"), Event("result", "b", "m", {"changed": True})]
    assert second == first[1:]
