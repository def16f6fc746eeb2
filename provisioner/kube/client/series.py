"""Series that a daemon tells beside its process' own, under upstream's names. Whoever counts is asked when somebody reads /metrics; counting
itself is an addition and no more."""

from __future__ import annotations

import weakref
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple, Protocol


class Sample(NamedTuple):
    """`kind` is counter, gauge or histogram; of a histogram `suffix` says which of its series this is."""

    kind: str
    name: str
    labels: Mapping[str, str]
    value: float
    suffix: str = ""


def exponential(first: float, factor: float, count: int) -> tuple[float, ...]:
    """Bounds of a histogram, as Prometheus' libraries make them."""
    return tuple(first * factor**power for power in range(count))


class Spread:
    """How many values are at most each of `bounds` (ascending) and more than the one before, the last: more than all; and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds, self.counts, self.total = bounds, [0] * (len(bounds) + 1), 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def add_least(self, count: int, total: float) -> None:
        """So many values that are none above the first bound."""
        self.counts[0] += count
        self.total += total

    def copied(self) -> Spread:
        made = Spread(self.bounds)
        made.counts, made.total = list(self.counts), self.total
        return made

    def buckets(self) -> list[tuple[str, int]]:
        """(bound as Go writes it, how many values are at most that)."""
        return list(zip((*(f"{bound:g}" for bound in self.bounds), "+Inf"), accumulate(self.counts), strict=True))


class Histogram:
    """A spread for each combination of labels."""

    def __init__(self, name: str, bounds: Sequence[float]) -> None:
        self.name, self._bounds = name, tuple(bounds)
        self._kept: dict[tuple[tuple[str, str], ...], Spread] = {}

    def observe(self, value: float, **labels: str) -> None:
        key = tuple(labels.items())
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = Spread(self._bounds)
        found.add(value)

    def samples(self) -> Iterable[Sample]:
        for key, spread in self._kept.items():
            labels = dict(key)
            for bound, count in spread.buckets():
                yield Sample("histogram", self.name, {**labels, "le": bound}, count, "_bucket")
            yield Sample("histogram", self.name, labels, spread.total, "_sum")
            yield Sample("histogram", self.name, labels, sum(spread.counts), "_count")


class Source(Protocol):
    def samples(self) -> Iterable[Sample]: ...


_sources: weakref.WeakSet[Source] = weakref.WeakSet()


def tell(source: Source) -> None:
    """From now on the source's samples are told of, for as long as it lives."""
    _sources.add(source)


def text() -> str:
    """What all sources tell."""
    return rendered(sample for source in list(_sources) for sample in source.samples())


def rendered(samples: Iterable[Sample]) -> str:
    """Prometheus' text form, with the type of each series once."""
    series: dict[tuple[str, str], list[str]] = {}
    for sample in samples:
        labels = ",".join(f'{key}="{_escaped(value)}"' for key, value in sample.labels.items())
        line = f"{sample.name}{sample.suffix}{f'{{{labels}}}' if labels else ''} {_number(sample.value)}"
        series.setdefault((sample.name, sample.kind), []).append(line)
    return "".join(
        # A histogram's buckets stay in the order of their bounds.
        f"# TYPE {name} {kind}\n" + "".join(f"{line}\n" for line in (lines if kind == "histogram" else sorted(lines)))
        for (name, kind), lines in sorted(series.items())
    )


def _number(value: float) -> str:
    """Whole numbers with all of their digits."""
    return str(int(value)) if value == int(value) else f"{value:.9g}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
