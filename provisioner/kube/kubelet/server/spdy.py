"""SPDY/3.1 frames, as far as Kubernetes' clients use them: streams with headers, data, half-closing, resets and pings.

Source: the SPDY Protocol draft 3.1. There is no flow control here: the clients' own library has none either.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

_WORDS = (
    "options,head,post,put,delete,trace,accept,accept-charset,accept-encoding,accept-language,accept-ranges,age,allow,authorization,"
    "cache-control,connection,content-base,content-encoding,content-language,content-length,content-location,content-md5,content-range,"
    "content-type,date,etag,expect,expires,from,host,if-match,if-modified-since,if-none-match,if-range,if-unmodified-since,last-modified,"
    "location,max-forwards,pragma,proxy-authenticate,proxy-authorization,range,referer,retry-after,server,te,trailer,transfer-encoding,"
    "upgrade,user-agent,vary,via,warning,www-authenticate,method,get,status,200 OK,version,HTTP/1.1,url,public,set-cookie,keep-alive,origin"
)
_TEXT = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative Information"
    "204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error"
    "501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, "
    "Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,public"
    "privatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
# The draft's dictionary for header compression, section 2.6.10.1: words with their lengths, then text.
DICTIONARY = b"".join(len(w).to_bytes(4, "big") + w.encode() for w in _WORDS.split(",")) + _TEXT.encode()

VERSION = 3
SYN_STREAM, SYN_REPLY, RST_STREAM, SETTINGS, PING, GOAWAY = 1, 2, 3, 4, 6, 7
FIN = 1
PROTOCOL_ERROR, REFUSED, CANCEL = 1, 3, 5
# A data frame may have 16 MiB; nobody's client sends more than 32 KiB at once.
MAX_FRAME_BYTES = 1024 * 1024
MAX_HEADER_BYTES = 64 * 1024


class SpdyError(Exception):
    """The other side doesn't speak SPDY/3.1; the connection can't go on."""


@dataclass(frozen=True, slots=True)
class SynStream:
    stream: int
    headers: dict[str, str]
    fin: bool


@dataclass(frozen=True, slots=True)
class Data:
    stream: int
    payload: bytes
    fin: bool


@dataclass(frozen=True, slots=True)
class Reset:
    stream: int
    status: int


@dataclass(frozen=True, slots=True)
class Ping:
    id: int


@dataclass(frozen=True, slots=True)
class GoAway:
    last: int


Frame = SynStream | Data | Reset | Ping | GoAway


class Framer:
    """One connection's frames. Headers are compressed with a state that lasts, so every frame must pass here, in order."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)
        self._deflate = zlib.compressobj(zdict=DICTIONARY)

    def feed(self, data: bytes) -> list[Frame]:
        """Frames that are whole by now. Raises SpdyError."""
        self._waiting += data
        frames: list[Frame] = []
        while len(self._waiting) >= 8:
            length = int.from_bytes(self._waiting[5:8], "big")
            if length > MAX_FRAME_BYTES:
                raise SpdyError(f"a frame of {length} bytes")
            if len(self._waiting) < 8 + length:
                break
            head, payload = bytes(self._waiting[:8]), bytes(self._waiting[8 : 8 + length])
            del self._waiting[: 8 + length]
            frame = self._frame(head, payload)
            if frame is not None:
                frames.append(frame)
        return frames

    def _frame(self, head: bytes, payload: bytes) -> Frame | None:
        flags = head[4]
        if not head[0] & 0x80:
            return Data(int.from_bytes(head[:4], "big"), payload, bool(flags & FIN))
        version, kind = int.from_bytes(head[:2], "big") & 0x7FFF, int.from_bytes(head[2:4], "big")
        if version != VERSION:
            raise SpdyError(f"version {version}")
        number = int.from_bytes(payload[:4], "big") & 0x7FFFFFFF
        if kind == SYN_STREAM:
            return SynStream(number, self._headers(payload[10:]), bool(flags & FIN))
        if kind == SYN_REPLY:
            # Nobody answers streams of ours, but the state of the compression has to go on.
            self._headers(payload[4:])
        elif kind == RST_STREAM:
            return Reset(number, int.from_bytes(payload[4:8], "big"))
        elif kind == PING:
            return Ping(int.from_bytes(payload[:4], "big"))
        elif kind == GOAWAY:
            return GoAway(number)
        return None

    def _headers(self, block: bytes) -> dict[str, str]:
        try:
            plain = self._inflate.decompress(block, MAX_HEADER_BYTES)
        except zlib.error as error:
            raise SpdyError(f"headers: {error}") from error
        headers, at = {}, 4
        for _ in range(int.from_bytes(plain[:4], "big")):
            name, at = _string(plain, at)
            value, at = _string(plain, at)
            headers[name.lower()] = value
        return headers

    # -- what we send ----------------------------------------------------------------------------------------------

    def syn_stream(self, stream: int, headers: Mapping[str, str]) -> bytes:
        block = stream.to_bytes(4, "big") + bytes(6) + self._block(headers)
        return _control(SYN_STREAM, 0, block)

    def syn_reply(self, stream: int, headers: Mapping[str, str]) -> bytes:
        return _control(SYN_REPLY, 0, stream.to_bytes(4, "big") + self._block(headers))

    def _block(self, headers: Mapping[str, str]) -> bytes:
        plain = len(headers).to_bytes(4, "big")
        for name, value in headers.items():
            for text in (name.lower().encode(), value.encode()):
                plain += len(text).to_bytes(4, "big") + text
        return self._deflate.compress(plain) + self._deflate.flush(zlib.Z_SYNC_FLUSH)


def data(stream: int, payload: bytes, *, fin: bool = False) -> bytes:
    return stream.to_bytes(4, "big") + bytes((FIN if fin else 0,)) + len(payload).to_bytes(3, "big") + payload


def reset(stream: int, status: int) -> bytes:
    return _control(RST_STREAM, 0, stream.to_bytes(4, "big") + status.to_bytes(4, "big"))


def ping(number: int) -> bytes:
    return _control(PING, 0, number.to_bytes(4, "big"))


def go_away(last: int) -> bytes:
    return _control(GOAWAY, 0, last.to_bytes(4, "big") + bytes(4))


def _control(kind: int, flags: int, payload: bytes) -> bytes:
    return (0x8000 | VERSION).to_bytes(2, "big") + kind.to_bytes(2, "big") + bytes((flags,)) + len(payload).to_bytes(3, "big") + payload


def _string(plain: bytes, at: int) -> tuple[str, int]:
    length = int.from_bytes(plain[at : at + 4], "big")
    if at + 4 + length > len(plain):
        raise SpdyError("headers end too early")
    return plain[at + 4 : at + 4 + length].decode(errors="replace"), at + 4 + length
