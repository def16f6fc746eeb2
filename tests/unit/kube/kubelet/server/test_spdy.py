"""Proves the frames of SPDY/3.1: the draft's dictionary, headers over several streams, and any cut of the bytes."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.kube.kubelet.server import spdy

names = st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1, max_size=10)


def test_the_dictionary_is_the_drafts() -> None:
    # The checksum that every zlib stream with this dictionary names.
    assert len(spdy.DICTIONARY) == 1423 and zlib.adler32(spdy.DICTIONARY) == 0xE3C6A7C2


@given(streams=st.lists(st.dictionaries(names, st.text(max_size=20), max_size=4), max_size=5), cut=st.integers(1, 40))
def test_headers_survive_compression_and_any_cut(streams: list[dict[str, str]], cut: int) -> None:
    ours, theirs = spdy.Framer(), spdy.Framer()
    wire = b"".join(ours.syn_stream(2 * n + 1, headers) for n, headers in enumerate(streams))
    found: list[spdy.Frame] = []
    for start in range(0, len(wire), cut):
        found += theirs.feed(wire[start : start + cut])
    assert found == [spdy.SynStream(2 * n + 1, headers, False) for n, headers in enumerate(streams)]


def test_replies_keep_the_compression_going() -> None:
    ours, theirs = spdy.Framer(), spdy.Framer()
    wire = ours.syn_reply(1, {"a": "b"}) + ours.syn_stream(3, {"streamtype": "error"})
    assert theirs.feed(wire) == [spdy.SynStream(3, {"streamtype": "error"}, False)]


def test_data_and_control_frames() -> None:
    wire = spdy.data(5, b"hello") + spdy.data(5, b"", fin=True) + spdy.reset(5, spdy.CANCEL) + spdy.ping(7) + spdy.go_away(5)
    assert spdy.Framer().feed(wire) == [
        spdy.Data(5, b"hello", False),
        spdy.Data(5, b"", True),
        spdy.Reset(5, spdy.CANCEL),
        spdy.Ping(7),
        spdy.GoAway(5),
    ]


@pytest.mark.parametrize(
    "wire",
    [
        b"\x80\x02\x00\x06\x00\x00\x00\x04\x00\x00\x00\x01",
        spdy.data(1, b"")[:5] + b"\xff\xff\xff",
        b"\x80\x03\x00\x01\x00\x00\x00\x0e" + b"\0" * 10 + b"abcd",
    ],
)
def test_what_is_no_spdy_is_refused(wire: bytes) -> None:
    with pytest.raises(spdy.SpdyError):
        spdy.Framer().feed(wire)
