"""Proves frames: what is written is what is read, in parts or at once, and the end of input is told as such."""

from __future__ import annotations

import io
import json

import pytest

from provisioner.agent.framing import EndOfInput, Frames


class Slow(io.BytesIO):
    """Gives a byte at a time, as a channel may."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(1 if size else 0)


class Terminal(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        raise OSError(5, "Input/output error")


def framed(document: object) -> bytes:
    body = json.dumps(document).encode()
    return len(body).to_bytes(4, "big") + body


def test_frames_come_whole_however_they_arrive() -> None:
    frames = Frames(Slow(framed({"id": 1}) + framed({"ü": "two"}) + b"rest"), io.BytesIO())
    assert [frames.read(), frames.read(), frames.read_exactly(4)] == [{"id": 1}, {"ü": "two"}, b"rest"]


@pytest.mark.parametrize("reader", [io.BytesIO(), io.BytesIO(b"\x00\x00"), io.BytesIO(framed({"id": 1})[:-1]), Terminal()])
def test_input_that_ends_is_an_end(reader: io.BytesIO) -> None:
    with pytest.raises(EndOfInput):
        Frames(reader, io.BytesIO()).read()


def test_what_json_does_not_know_is_written_as_text() -> None:
    written = io.BytesIO()
    Frames(io.BytesIO(), written).write({"bytes": b"a\xff", "set": {"b", "a"}, "other": ValueError("x")})
    written.seek(0)
    assert Frames(written, io.BytesIO()).read() == {"bytes": "a\udcff", "set": ["a", "b"], "other": "x"}
