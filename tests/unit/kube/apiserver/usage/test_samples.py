"""Proves what is read off a kubelet's text, and when two readings say something about usage."""

from __future__ import annotations

import pytest

from provisioner.kube.apiserver.usage.samples import NODE, Reading, Sample, Usage, parse, usages

TEXT = """\
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container="c",namespace="ns",pod="p"} 12.5 1000000
container_memory_working_set_bytes{container="c",namespace="ns",pod="p"} 2.097152e+06 1000000
container_start_time_seconds{container="c",namespace="ns",pod="p"} 900.25
node_cpu_usage_seconds_total 100 1000000
node_memory_working_set_bytes 4096
pod_cpu_usage_seconds_total{namespace="ns",pod="p"} 13 1000000
node_swap_usage_bytes 1
container_cpu_usage_seconds_total{container="d",namespace="ns",pod="p"} NaN
"""
KEY = ("ns", "p", "c")


def test_a_kubelets_text() -> None:
    found = parse(TEXT, 5.0).readings
    assert found == {KEY: Reading(12.5, 2097152, 1000.0, 900.25), NODE: Reading(100.0, 4096, 1000.0, 0.0)}
    assert parse("node_cpu_usage_seconds_total 1\n", 5.0).readings[NODE].at_s == 5.0
    for text in ("node_cpu_usage_seconds_total nonsense\n", "<html>\n", "and no metric at all {\n"):
        with pytest.raises(ValueError):
            parse(text, 5.0)


def sample(*readings: Reading) -> Sample:
    return Sample(dict(zip((KEY, NODE), readings, strict=False)))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (Reading(10, 1, 100, 50), Reading(11, 2048, 110, 50), Usage(100_000_000, 2048, 110, 10)),
        (Reading(10, 1, 100, 50), Reading(10, 2048, 110, 50), Usage(0, 2048, 110, 10)),
        # read once, or begun again in between: since its start
        (None, Reading(5, 7, 110, 100), Usage(500_000_000, 7, 110, 10)),
        (Reading(10, 1, 100, 50), Reading(1, 7, 110, 108), Usage(500_000_000, 7, 110, 2)),
        (Reading(1, 1, 100, 50), Reading(2, 7, 110, 108), Usage(1_000_000_000, 7, 110, 2)),
        # nothing to measure from, the same again, too soon, half of it missing
        (None, Reading(5, 7, 110), None),
        (Reading(10, 1, 100, 50), Reading(10, 1, 100, 50), None),
        (None, Reading(5, 7, 110, 109.9), None),
        (Reading(10, 1, 100, 50), Reading(11, -1, 110, 50), None),
    ],
)
def test_usage_is_what_was_used_between_two_readings(before: Reading | None, after: Reading, expected: Usage | None) -> None:
    assert usages(sample(before) if before is not None else None, sample(after)).get(KEY) == expected
