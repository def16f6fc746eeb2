"""Proves that framed output comes apart rightly wherever the network cuts it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from hypothesis import given
from hypothesis import strategies as st

from provisioner.kube.kubelet.runtime.docker_stream import demultiplex


@given(pieces=st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(min_size=1, max_size=20)), max_size=8), cut=st.integers(1, 9))
def test_any_cut_gives_the_same_bytes(pieces: list[tuple[int, bytes]], cut: int) -> None:
    import asyncio

    wire = b"".join(bytes((n, 0, 0, 0)) + len(d).to_bytes(4, "big") + d for n, d in pieces)

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(wire), cut):
            yield wire[start : start + cut]

    async def gather() -> dict[int, bytes]:
        found = {1: b"", 2: b""}
        async for number, data in demultiplex(chunks()):
            found[number] += data
        return found

    expected = {n: b"".join(d for m, d in pieces if m == n) for n in (1, 2)}
    assert asyncio.run(gather()) == expected
