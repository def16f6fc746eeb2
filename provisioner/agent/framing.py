"""Frames: four bytes of length, then that many bytes of JSON."""

import json
import threading
from typing import Any, BinaryIO, Dict


class EndOfInput(Exception):
    """The controller is gone."""


class Frames:
    """Reads and writes frames; writing is safe from several threads."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        self._reader, self._writer = reader, writer
        self._lock = threading.Lock()

    def read(self) -> Dict[str, Any]:
        size = int.from_bytes(self.read_exactly(4), "big")
        document: Dict[str, Any] = json.loads(self.read_exactly(size).decode())
        return document

    def read_exactly(self, size: int) -> bytes:
        parts = []
        while size:
            try:
                chunk = self._reader.read(size)
            except OSError:  # a terminal whose other side has gone
                chunk = b""
            if not chunk:
                raise EndOfInput()
            parts.append(chunk)
            size -= len(chunk)
        return b"".join(parts)

    def write(self, document: Dict[str, Any]) -> None:
        body = json.dumps(document, default=_plain).encode()
        with self._lock:
            self._writer.write(len(body).to_bytes(4, "big") + body)
            self._writer.flush()


def _plain(value: Any) -> Any:
    """What a module may leave in its result that JSON doesn't know."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "surrogateescape")
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    return str(value)
