"""What a kubelet's /metrics/resource says, and the usage between two readings of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite

from prometheus_client.parser import text_string_to_metric_families

# Rates over less than this say nothing. Guess: kubelets' clocks count CPU time in steps of 10 ms.
SHORTEST_S = 0.5
_WANTED = frozenset(
    {
        "node_cpu_usage_seconds_total",
        "node_memory_working_set_bytes",
        "container_cpu_usage_seconds_total",
        "container_memory_working_set_bytes",
        "container_start_time_seconds",
    }
)

Key = tuple[str, str, str]
NODE: Key = ("", "", "")


@dataclass(slots=True)
class Reading:
    """Of one container or of the node: CPU seconds so far, and memory now. Times are seconds after 1970; 0 where not told."""

    cpu_s: float = -1.0
    memory_bytes: int = -1
    at_s: float = 0.0
    started_s: float = 0.0

    @property
    def whole(self) -> bool:
        return self.cpu_s >= 0 and self.memory_bytes >= 0


@dataclass(frozen=True, slots=True)
class Usage:
    """`window_s` is what the rate was measured over."""

    nano_cores: int
    memory_bytes: int
    at_s: float
    window_s: float


@dataclass(slots=True)
class Sample:
    """One node's readings, by (namespace, pod, container); the node's own are NODE's."""

    readings: dict[Key, Reading] = field(default_factory=dict)


def parse(text: str, now_s: float) -> Sample:
    """Prometheus' text format. `now_s` stands for times that are not told. Raises ValueError for text that isn't in that format."""
    sample = Sample()
    for family in text_string_to_metric_families(text):
        for name, labels, value, at_s, *_ in family.samples:
            if name not in _WANTED or not isfinite(value):
                continue
            key = NODE if name.startswith("node_") else (labels.get("namespace", ""), labels.get("pod", ""), labels.get("container", ""))
            reading = sample.readings.setdefault(key, Reading())
            if name.endswith("_cpu_usage_seconds_total"):
                reading.cpu_s, reading.at_s = value, float(at_s or now_s)
            elif name.endswith("_memory_working_set_bytes"):
                reading.memory_bytes = int(value)
            else:
                reading.started_s = value
    return sample


def usages(before: Sample | None, after: Sample) -> dict[Key, Usage]:
    """Of everything that was read twice; a container that began in between is measured since then."""
    found = {}
    for key, now in after.readings.items():
        usage = _usage(before.readings.get(key) if before is not None else None, now)
        if usage is not None:
            found[key] = usage
    return found


def _usage(was: Reading | None, now: Reading) -> Usage | None:
    if not now.whole:
        return None
    if was is None or now.cpu_s < was.cpu_s or (was.started_s and now.started_s > was.started_s):
        since_s, used_s = now.started_s, now.cpu_s
    else:
        since_s, used_s = was.at_s, now.cpu_s - was.cpu_s
    window_s = now.at_s - since_s
    if not since_s or window_s < SHORTEST_S:
        return None
    return Usage(int(used_s / window_s * 1e9), now.memory_bytes, now.at_s, window_s)
