"""Proves that it is known where a message ends, or known that it isn't. How connections share a client with aiohttp is in test_quick_reads."""

from __future__ import annotations

import pytest

from provisioner.kube.apiserver.quick.connections import body_length


@pytest.mark.parametrize(
    ("data", "left"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab", 3),
        (b"POST / HTTP/1.1\r\ncontent-length:2\r\n\r\nab", 0),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nab", -1),
        (b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n", -1),
        (b"GET / HTTP/1.1\r\nHost", -1),
        (b"\r\n\r\nGET / HTTP/1.1\r\n\r\n", -1),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", -1),
        (b"POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", -1),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", -1),
        (b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", -1),
    ],
)
def test_where_a_message_ends(data: bytes, left: int) -> None:
    assert body_length(data) == left
