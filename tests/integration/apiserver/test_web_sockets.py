"""Proves that watches and logs are also told over WebSocket, as messages."""

from __future__ import annotations

import http.server
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

WAIT_S = 30


@pytest.fixture
def log_server(server: Any, namespace: str) -> Iterator[str]:
    """A kubelet that has a log; what it answers is the path of a pod on its node."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert "Upgrade" not in self.headers and not any(key.startswith("Sec-") for key in self.headers)
            body = b"no such log" if "previous=true" in self.path else b"container is alive\n"
            self.send_response(400 if "previous=true" in self.path else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.pki.path("server.crt"), server.pki.path("server.key"))
    listening.socket = context.wrap_socket(listening.socket, server_side=True)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    name = f"{namespace}-logs"
    server.call("POST", "/api/v1/nodes", {"metadata": {"name": name}})
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": listening.server_port}},
    }
    merge = {"Content-Type": "application/merge-patch+json"}
    assert server.call("PATCH", f"/api/v1/nodes/{name}/status", {"status": status}, headers=merge)[0] == 200
    pod = {"metadata": {"name": "p"}, "spec": {"nodeName": name, "containers": [{"name": "c", "image": "i"}]}}
    assert server.call("POST", f"/api/v1/namespaces/{namespace}/pods", pod)[0] == 201
    yield f"/api/v1/namespaces/{namespace}/pods/p"
    listening.shutdown()
    listening.server_close()
    thread.join()


TEXT, BINARY, CLOSE = 1, 2, 8


class Messages:
    """A WebSocket as far as its reader needs one (RFC 6455): `status` and `protocol` of the handshake, then (kind, data) until it is closed."""

    def __init__(self, server: Any, path: str, *protocols: str) -> None:
        plain = socket.create_connection(("127.0.0.1", server.port), WAIT_S)
        self._socket = server.context().wrap_socket(plain, server_hostname="localhost")
        self._file = self._socket.makefile("rb")
        lines = [f"GET {path} HTTP/1.1", "Host: x", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
        lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
        lines += [f"Sec-WebSocket-Protocol: {', '.join(protocols)}"] if protocols else []
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.status = int(self._file.readline().split()[1])
        head = dict(line.decode().strip().split(": ", 1) for line in iter(self._file.readline, b"\r\n"))
        self.protocol = head.get("Sec-WebSocket-Protocol", "")

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        while True:
            kind, length = self._file.read(2)
            if length > 125:
                length = int.from_bytes(self._file.read(2 if length == 126 else 8), "big")
            data = self._file.read(length)
            if kind & 15 == CLOSE:
                self.send(CLOSE, data)
                return
            yield kind & 15, data

    def send(self, kind: int, data: bytes) -> None:
        # A mask of zeros leaves the data as it is.
        self._socket.sendall(bytes((128 | kind, 128 | len(data))) + bytes(4) + data)

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@pytest.mark.parametrize(
    ("protocol", "kind", "line"),
    [
        ("binary.k8s.io", BINARY, b"container is alive\n"),
        ("base64.binary.k8s.io", TEXT, b"Y29udGFpbmVyIGlzIGFsaXZlCg=="),
        ("", BINARY, b"container is alive\n"),
    ],
)
def test_a_log_in_messages(server: Any, log_server: str, protocol: str, kind: int, line: bytes) -> None:
    with closing(Messages(server, f"{log_server}/log?container=c", *filter(None, [protocol]))) as log:
        assert (log.status, log.protocol) == (101, protocol)
        first, *rest = log
        assert first == (kind, b"") and b"".join(data for _, data in rest) == line and {found for found, _ in rest} == {kind}


def test_a_log_that_is_not_there_is_a_status(server: Any, log_server: str) -> None:
    with closing(Messages(server, f"{log_server}/log?previous=true", "binary.k8s.io")) as log:
        assert log.status == 400


def test_a_watch_in_messages(server: Any, namespace: str) -> None:
    maps = f"/api/v1/namespaces/{namespace}/configmaps"
    made = [server.call("POST", maps, {"metadata": {"name": name}})[1] for name in ("a", "b")]
    since = int(made[0]["metadata"]["resourceVersion"]) - 1
    with closing(Messages(server, f"{maps}?watch=1&resourceVersion={since}")) as watch:
        events = (json.loads(data) for _, data in watch)
        assert [next(events) for _ in made] == [{"type": "ADDED", "object": obj} for obj in made]
        server.call("DELETE", f"{maps}/a")
        assert next(events)["type"] == "DELETED"
        watch.send(TEXT, b"of no interest")
        server.call("DELETE", f"{maps}/b")
        assert next(events)["object"]["metadata"]["name"] == "b"
    with closing(Messages(server, f"{maps}?watch=1&timeoutSeconds=1")) as watch:
        assert list(watch) == []
