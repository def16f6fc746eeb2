"""One call of grpc.health.v1.Health/Check, by hand: a gRPC library would cost the kubelet more memory than the rest of it.

Sources: RFC 9113 (frames), RFC 7541 (a header as a literal without indexing), the gRPC health checking protocol.
"""

from __future__ import annotations

import asyncio

from provisioner.kube.version import PROBE_AGENT

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
END_STREAM, END_HEADERS, ACK = 1, 4, 1
# HealthCheckResponse.ServingStatus, by its number.
STATUSES = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
MAX_FRAME_BYTES = 16384


async def check(host: str, port: int, service: str) -> str | None:
    """The status that the server gives the service, or None where it refuses the call (it doesn't know the service, say).

    Raises OSError or EOFError where it says nothing of use; the caller bounds the time.
    """
    reader, writer = await asyncio.open_connection(host, port)
    try:
        name = service.encode()
        # HealthCheckRequest{service=1}: field 1, a string.
        message = b"\x0a" + _varint(len(name)) + name if name else b""
        headers = [
            (b":method", b"POST"),
            (b":scheme", b"http"),
            (b":path", b"/grpc.health.v1.Health/Check"),
            (b":authority", f"{host}:{port}".encode()),
            (b"content-type", b"application/grpc"),
            (b"te", b"trailers"),
            (b"user-agent", PROBE_AGENT.encode()),
        ]
        block = b"".join(b"\x00" + _string(key) + _string(value) for key, value in headers)
        body = b"\x00" + len(message).to_bytes(4, "big") + message
        writer.write(PREFACE + _frame(SETTINGS, 0, 0, b"") + _frame(HEADERS, END_HEADERS, 1, block) + _frame(DATA, END_STREAM, 1, body))
        return await _answer(reader, writer)
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str | None:
    data = b""
    while True:
        head = await reader.readexactly(9)
        length, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
        stream = int.from_bytes(head[5:], "big") & 0x7FFFFFFF
        if length > MAX_FRAME_BYTES:
            raise ConnectionError("the server speaks no HTTP/2")
        payload = await reader.readexactly(length)
        if kind == SETTINGS and not flags & ACK:
            writer.write(_frame(SETTINGS, ACK, 0, b""))
        elif kind == PING and not flags & ACK:
            writer.write(_frame(PING, ACK, 0, payload))
        elif kind == GOAWAY or (kind == RST and stream == 1):
            raise ConnectionError("the server ended the call")
        elif kind == DATA and stream == 1:
            data += payload
        if stream == 1 and kind in (DATA, HEADERS) and flags & END_STREAM:
            return _status(data)


def _status(data: bytes) -> str | None:
    """5 bytes stand before the message; HealthCheckResponse{status=1}: field 1, a varint, which is left out where it is 0."""
    if len(data) < 5:
        return None
    number = data[6] if data[5:6] == b"\x08" and len(data) > 6 else 0
    return STATUSES[number] if number < len(STATUSES) else str(number)


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def _varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out += bytes((number & 127 | 128,))
        number >>= 7
    return out + bytes((number,))


def _string(text: bytes) -> bytes:
    """An HPACK string shorter than 127 bytes, without Huffman coding."""
    return bytes((min(len(text), 126),)) + text[:126]
