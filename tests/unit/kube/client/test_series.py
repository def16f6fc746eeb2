"""Proves what /metrics says of those who count, and that who is gone is not told of."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.parser import text_string_to_metric_families

from provisioner.kube.client import series
from provisioner.kube.client.clock import FakeClock
from provisioner.kube.client.series import Sample
from provisioner.kube.client.workqueue import WorkQueue


class Things:
    def samples(self) -> Iterable[Sample]:
        yield Sample("gauge", "things", {"name": 'a "b"\\\n'}, 3)


def told() -> dict[tuple[str, str], float]:
    found = [s for family in text_string_to_metric_families(series.text()) for s in family.samples]
    return {(s.name, s.labels.get("name", "")): s.value for s in found}


async def test_queues_and_others_are_told_of_while_they_live() -> None:
    things, queue = Things(), WorkQueue("series-test", clock=FakeClock())
    series.tell(things)
    for key in ("a", "a", "b"):
        queue.add(key)
    queue.add_rate_limited("c")
    found = told()
    assert found["things", 'a "b"\\\n'] == 3
    assert [found[f"workqueue_{what}", "series-test"] for what in ("depth", "adds_total", "retries_total")] == [2, 2, 1]
    queue.close()
    del things
    assert ("things", 'a "b"\\\n') not in told()
