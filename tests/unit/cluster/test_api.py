"""Requests carry the administrator's certificate; failures say which request, and whether the server was reached."""

from __future__ import annotations

import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.cluster.api import Api, ApiError
from provisioner.cluster.errors import NotMadeError
from provisioner.pki.profile import HostNames, PkiPlan
from provisioner.pki.store import ensure


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        subject = dict(part[0] for part in self.connection.getpeercert()["subject"])  # type: ignore[attr-defined]
        if self.path == "/who":
            self._answer(200, json.dumps({"user": subject["commonName"]}))
        elif self.path == "/text":
            self._answer(200, "hello")
        else:
            self._answer(404, json.dumps({"kind": "Status", "message": "not here"}))

    def _answer(self, code: int, text: str) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    host = HostNames("m", ("127.0.0.1",))
    ensure(folder, PkiPlan("lab", (host,), (host,), (host,)))
    return folder


@pytest.fixture(scope="module")
def endpoint(pki: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(pki / "ca.crt"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(pki / "hosts/m/apiserver.crt", pki / "hosts/m/apiserver.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(5)


def test_certificate_names_the_administrator(pki: Path, endpoint: str) -> None:
    assert Api(endpoint, pki).get("/who") == {"user": "kubernetes-admin"}


def test_failures_are_told(pki: Path, endpoint: str) -> None:
    api = Api(endpoint, pki)
    with pytest.raises(ApiError, match=r"GET https://127.0.0.1:\d+/nothing: 404 not here") as caught:
        api.get("/nothing")
    assert caught.value.code == 404
    with pytest.raises(ApiError, match="the answer is not JSON"):
        api.get("/text")


def test_server_that_is_not_there(pki: Path) -> None:
    with pytest.raises(ApiError, match="refused") as caught:
        Api("127.0.0.1:1", pki).get("/")
    assert caught.value.code is None


def test_without_certificates(tmp_path: Path) -> None:
    with pytest.raises(NotMadeError, match="make the cluster first"):
        Api("127.0.0.1:1", tmp_path)
