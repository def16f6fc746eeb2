"""Series that a daemon tells beside its process' own, under upstream's names. Whoever counts is asked when somebody reads /metrics; counting
itself is an addition and no more."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol


class Sample(NamedTuple):
    """`kind` is counter or gauge."""

    kind: str
    name: str
    labels: Mapping[str, str]
    value: float


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
        series.setdefault((sample.name, sample.kind), []).append(f"{sample.name}{{{labels}}} {sample.value:g}")
    return "".join(
        f"# TYPE {name} {kind}\n" + "".join(f"{line}\n" for line in sorted(lines)) for (name, kind), lines in sorted(series.items())
    )


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
