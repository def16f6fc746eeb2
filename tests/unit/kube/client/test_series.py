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


def test_a_histogram_counts_what_is_at_most_each_bound() -> None:
    took = series.Histogram("took_seconds", series.exponential(0.1, 10, 3))
    for value in (0.05, 0.1, 0.5, 2.0, 99.0):
        took.observe(value, verb="GET")
    lines = series.rendered(took.samples()).splitlines()
    assert lines[0] == "# TYPE took_seconds histogram"
    assert [line.rpartition(" ")[2] for line in lines[1:5]] == ["2", "3", "4", "5"] and 'le="+Inf"' in lines[4]
    assert lines[5:] == ['took_seconds_sum{verb="GET"} 101.65', 'took_seconds_count{verb="GET"} 5']


def test_large_counts_keep_their_digits() -> None:
    assert series.rendered([Sample("counter", "n", {}, 123456789)]).splitlines()[1] == "n 123456789"
