"""One call of grpc.health.v1.Health/Check, by hand: a gRPC library would cost the kubelet more memory than the rest of it.

Sources: RFC 9113 (frames), gRPC over HTTP2, the gRPC health checking protocol.
"""

from __future__ import annotations

import asyncio
from urllib.parse import unquote

from provisioner.kube.version import PROBE_AGENT

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
END_STREAM, END_HEADERS, ACK, PADDED, PRIORITY = 1, 4, 1, 8, 32
# HealthCheckResponse.ServingStatus, by its number.
STATUSES = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
MAX_FRAME_BYTES = 16384
# What ended a call, by its number, as upstream's client spells it.
CODES = [
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
]


async def problem(host: str, port: int, service: str, timeout_s: float) -> str:
    """Why the probe fails, in upstream's words; empty where the server says that it serves. Raises nothing of the network's."""
    server, connected = f"{host}:{port}", False
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await _connect(host, port)
            connected = True
            try:
                status, refusal = await _ask(reader, writer, server, service.encode())
            finally:
                writer.close()
    except (TimeoutError, OSError, EOFError) as error:
        if not connected:
            # Upstream's client tries again until the time is over: a closed port reads as a silent one.
            return f'timeout: failed to connect service "{server}" within {timeout_s:g}s: context deadline exceeded'
        if isinstance(error, TimeoutError):
            return f"timeout: health rpc did not complete within {timeout_s:g}s"
        return "error: health rpc probe failed: rpc error: code = Unavailable desc = error reading from server: EOF"
    return refusal or ("" if status == "SERVING" else f'service unhealthy (responded with "{status}")')


async def _connect(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Whoever begins with its settings speaks HTTP/2. Raises OSError or EOFError."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(PREFACE + _frame(SETTINGS, 0, 0, b""))
        head = await reader.readexactly(9)
        if head[3] != SETTINGS:
            raise ConnectionError("the server speaks no HTTP/2")
        await reader.readexactly(int.from_bytes(head[:3], "big"))
        writer.write(_frame(SETTINGS, ACK, 0, b""))
    except BaseException:
        writer.close()
        raise
    return reader, writer


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: str, service: bytes) -> tuple[str, str]:
    """(the status that the server gives the service, how it refuses the call)"""
    import hpack  # its tables take some MB, for those who probe so

    # HealthCheckRequest{service=1}: field 1, a string.
    message = b"\x0a" + _varint(len(service)) + service if service else b""
    headers = [
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", b"/grpc.health.v1.Health/Check"),
        (b":authority", server.encode()),
        (b"content-type", b"application/grpc"),
        (b"te", b"trailers"),
        (b"user-agent", PROBE_AGENT.encode()),
    ]
    block = hpack.Encoder().encode(headers, huffman=False)
    body = b"\x00" + len(message).to_bytes(4, "big") + message
    writer.write(_frame(HEADERS, END_HEADERS, 1, block) + _frame(DATA, END_STREAM, 1, body))
    data = b""
    decoder, fields = hpack.Decoder(), dict[bytes, bytes]()
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
        elif kind == HEADERS and stream == 1:
            try:
                fields.update(decoder.decode(_unpadded(payload, flags), raw=True))
            except hpack.HPACKError as error:
                raise ConnectionError("the server speaks no HTTP/2") from error
        if stream == 1 and kind in (DATA, HEADERS) and flags & END_STREAM:
            status = _status(data)
            return status or "", "" if status else _refusal(fields)


def _unpadded(payload: bytes, flags: int) -> bytes:
    """A HEADERS frame's block: a byte with the padding's length and five bytes of priority may stand before it."""
    padding = payload[:1] if flags & PADDED else b""
    start = len(padding) + (5 if flags & PRIORITY else 0)
    return payload[start : len(payload) - (padding[0] if padding else 0)]


def _refusal(fields: dict[bytes, bytes]) -> str:
    text = unquote(fields.get(b"grpc-message", b"").decode(errors="replace"))
    number = fields.get(b"grpc-status", b"2").decode(errors="replace")
    code = CODES[int(number)] if number.isdecimal() and int(number) < len(CODES) else f"Code({number})"
    if code == "Unimplemented":
        return f"error: this server does not implement the grpc health protocol (grpc.health.v1.Health): {text}"
    return f"error: health rpc probe failed: rpc error: code = {code} desc = {text}"


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
