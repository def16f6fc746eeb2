"""Proves that upgraded connections pass through to the kubelet byte for byte, and that its plain answers are passed on."""

from __future__ import annotations

import http.client
import http.server
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import pytest


class Kubelet:
    """A TLS server that keeps what it is asked, switches protocols and echoes, or answers a log in chunks."""

    def __init__(self, pki: Any) -> None:
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=pki.path("ca.crt"))
        self.context.load_cert_chain(pki.path("server.crt"), pki.path("server.key"))
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.asked: list[str] = []
        self.threads: list[threading.Thread] = []
        self.accepting = threading.Thread(target=self._accept)
        self.accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(plain,))
            thread.start()
            self.threads.append(thread)

    def _serve(self, plain: socket.socket) -> None:
        with plain, self.context.wrap_socket(plain, server_side=True) as sock:
            sock.settimeout(10)
            data = b""
            while b"\r\n\r\n" not in data:
                data += sock.recv(65536)
            head, _, rest = data.partition(b"\r\n\r\n")
            self.asked.append(head.decode())
            if b"previous=true" in head:
                text = b'previous terminated container "c" in pod "p" not found\n'
                sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
                return
            if b"upgrade: " not in head.lower():
                sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
                sock.sendall(b"5\r\nline1\r\n5\r\nline2\r\n0\r\n\r\n")
                return
            sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\nhello")
            sock.sendall(rest)
            while chunk := sock.recv(65536):
                sock.sendall(chunk.upper())
                if chunk.endswith(b"bye"):
                    return

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in [self.accepting, *self.threads]:
            thread.join(15)


@pytest.fixture
def kubelet(server: Any, namespace: str) -> Iterator[Kubelet]:
    made = Kubelet(server.pki)
    name = f"n{made.port}"
    code, node = server.call("POST", "/api/v1/nodes", {"metadata": {"name": name}})
    assert code == 201
    node["status"] = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": made.port}},
    }
    assert server.call("PUT", f"/api/v1/nodes/{name}/status", node)[0] == 200
    pod = {"metadata": {"name": "p"}, "spec": {"nodeName": name, "containers": [{"name": "c", "image": "i"}]}}
    assert server.call("POST", f"/api/v1/namespaces/{namespace}/pods", pod)[0] == 201
    yield made
    made.close()


def test_log_is_passed_on(server: Any, namespace: str, kubelet: Kubelet) -> None:
    assert server.kubectl("logs", "p", "-n", namespace, "--tail=5") == "line1line2"
    assert kubelet.asked[-1].startswith(f"GET /containerLogs/{namespace}/p/c?")
    assert "tailLines=5" in kubelet.asked[-1]


def test_what_is_wrong_with_a_log_is_a_status(server: Any, namespace: str, kubelet: Kubelet) -> None:
    code, status = server.call("GET", f"/api/v1/namespaces/{namespace}/pods/p/log?previous=true")
    text = 'previous terminated container "c" in pod "p" not found'
    assert (code, status["kind"], status["reason"], status["message"]) == (400, "Status", "BadRequest", text)


def test_exec_is_spliced(server: Any, namespace: str, kubelet: Kubelet) -> None:
    with (
        socket.create_connection(("127.0.0.1", server.port), 10) as plain,
        server.context().wrap_socket(plain, server_hostname="localhost") as sock,
    ):
        path = f"/api/v1/namespaces/{namespace}/pods/p/exec?command=ls&command=-l&stdout=true&container=c"
        sock.sendall(
            f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4\r\n\r\n".encode()
        )
        data = b""
        while not data.endswith(b"hello"):
            data += sock.recv(65536)
        assert data.startswith(b"HTTP/1.1 101 ")
        big = b"x" * 300_000
        sender = threading.Thread(target=sock.sendall, args=(big + b"bye",))
        sender.start()
        echoed = b""
        while not echoed.endswith(b"BYE"):
            echoed += sock.recv(65536)
        sender.join(10)
        assert echoed == big.upper() + b"BYE"
        assert sock.recv(1) == b""
    asked = kubelet.asked[-1]
    assert asked.startswith(f"POST /exec/{namespace}/p/c?command=ls&command=-l&output=1 HTTP/1.1")
    assert "X-Stream-Protocol-Version: v4" in asked


def test_pod_without_a_node_has_no_log(server: Any, namespace: str) -> None:
    pod = {"metadata": {"name": "q"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    assert server.call("POST", f"/api/v1/namespaces/{namespace}/pods", pod)[0] == 201
    path = f"/api/v1/namespaces/{namespace}/pods/q"
    assert server.call("GET", f"{path}/log", raw=True) == (204, b"")
    code, status = server.call("GET", f"{path}/exec?command=ls&stdout=1", headers={"Connection": "Upgrade", "Upgrade": "SPDY/3.1"})
    assert code == 400 and "does not have a host assigned" in status["message"]
    assert server.call("GET", f"{path}/log?tailLines=-1")[0] == 422 and server.call("GET", f"{path}/log?container=x")[0] == 400


def test_who_can_not_be_reached_is_told_of(server: Any, namespace: str, ports: list[int]) -> None:
    address = {"addresses": [{"type": "InternalIP", "address": "127.0.0.1"}], "daemonEndpoints": {"kubeletEndpoint": {"Port": ports[0]}}}
    server.call("POST", "/api/v1/nodes", {"metadata": {"name": f"{namespace}-dead"}})
    merge = {"Content-Type": "application/merge-patch+json"}
    assert server.call("PATCH", f"/api/v1/nodes/{namespace}-dead/status", {"status": address}, headers=merge)[0] == 200
    spec = {"nodeName": f"{namespace}-dead", "containers": [{"name": "c", "image": "i"}]}
    server.call("POST", f"/api/v1/namespaces/{namespace}/pods", {"metadata": {"name": "lost"}, "spec": spec})
    path, refused = f"/api/v1/namespaces/{namespace}/pods/lost", f"dial tcp 127.0.0.1:{ports[0]}: connect: connection refused"
    code, status = server.call("GET", f"{path}/log")
    assert (code, status["message"]) == (500, f'Get "https://127.0.0.1:{ports[0]}/containerLogs/{namespace}/lost/c": {refused}')
    upgrade = {"Connection": "Upgrade", "Upgrade": "SPDY/3.1"}
    code, status = server.call("POST", f"{path}/exec?command=ls&stdout=1", b"", headers=upgrade)
    assert (code, status["message"]) == (500, f"error dialing backend: {refused}")
    assert server.call("POST", f"{path}/exec?command=ls&stdout=1", b"")[1]["message"] == "Upgrade request required"
    code, status = server.call("GET", f"/api/v1/nodes/{namespace}-dead/proxy/healthz")
    assert (code, status["message"]) == (503, f"error trying to reach service: {refused}")


def test_a_proxied_page_without_its_slash_is_elsewhere(server: Any, namespace: str) -> None:
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=server.context(), timeout=10)
    for method in ("GET", "HEAD"):
        path = f"/api/v1/namespaces/{namespace}/pods/http:p:80/proxy"
        connection.request(method, path + "?a=b")
        answer = connection.getresponse()
        answer.read()
        assert (answer.status, answer.headers["Location"]) == (301, path + "/?a=b")
    connection.close()


@pytest.mark.parametrize("part", ["pods/p/log", "pods/p/exec", "nodes/NODE/proxy/stats"])
def test_an_upgraded_request_is_one_request(server: Any, namespace: str, kubelet: Kubelet, part: str) -> None:
    """What a query or a path has encoded stays so: decoded, it would speak to the kubelet with the API server's certificate."""
    smuggled = "%20HTTP/1.1%0d%0aHost:%20x%0d%0a%0d%0aPOST%20/run"
    base = "/api/v1" if part.startswith("nodes") else f"/api/v1/namespaces/{namespace}"
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=server.context(), timeout=10)
    tail = smuggled if part.startswith("nodes") else ""
    path = f"{base}/{part.replace('NODE', f'n{kubelet.port}')}{tail}?command=a&x={smuggled}"
    connection.request("GET", path, headers={"Connection": "Upgrade", "Upgrade": "SPDY/3.1"})
    connection.getresponse()
    connection.close()
    (asked,) = kubelet.asked
    line = asked.partition("\r\n")[0]
    assert line.endswith(" HTTP/1.1") and line.count(" ") == 2 and "%0d%0a" in line.lower() and "\r\nHost: x\r" not in asked


class Page(http.server.BaseHTTPRequestHandler):
    """What runs in a pod: a page with a link, a redirect, and what was asked for."""

    def do_GET(self) -> None:
        asked = f"{self.path} {self.headers['X-Forwarded-Uri']} {self.headers['Host']} {self.headers['X-Forwarded-For']}".encode()
        bodies = {"/page": (200, "text/html; charset=utf-8", b'<a href="/next">'), "/moved": (302, "text/plain", b"")}
        code, media, body = bodies.get(self.path, (200, "text/plain", asked))
        self.send_response(code)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        if code == 302:
            self.send_header("Location", "/elsewhere/?a=b")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def test_links_of_proxied_pages_lead_below_the_proxy(server: Any, namespace: str) -> None:
    backend = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=backend.serve_forever, kwargs={"poll_interval": 0.05}).start()
    pods = f"/api/v1/namespaces/{namespace}/pods"
    code, pod = server.call("POST", pods, {"metadata": {"name": "web"}, "spec": {"containers": [{"name": "c", "image": "i"}]}})
    assert code == 201
    pod["status"] = {"podIP": "127.0.0.1"}
    assert server.call("PUT", f"{pods}/web/status", pod)[0] == 200
    prefix = f"{pods}/web:{backend.server_port}/proxy"
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=server.context(), timeout=10)

    def get(path: str) -> tuple[int, str | None, str]:
        connection.request("GET", prefix + path)
        answer = connection.getresponse()
        return answer.status, answer.headers["Location"], answer.read().decode()

    try:
        assert get("/") == (200, None, f"/ {prefix}/ 127.0.0.1:{server.port} 127.0.0.1")
        assert get("/page") == (200, None, f'<a href="{prefix}/next">')
        assert get("/moved") == (302, f"{prefix}/elsewhere/?a=b", "")
        # What a path has encoded stays so: nobody writes headers by it.
        odd = "/a%20b%0d%0aX-Remote-User:%20x?q=%0d%26b"
        uri = prefix + odd.partition("?")[0].replace("%0d%0a", "%0D%0A")
        asked = odd.replace("%0d", "%0D").replace("%0a", "%0A")
        assert get(odd)[2] == f"{asked} {uri} 127.0.0.1:{server.port} 127.0.0.1"
    finally:
        connection.close()
        backend.shutdown()
        backend.server_close()
