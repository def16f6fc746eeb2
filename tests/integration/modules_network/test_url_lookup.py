"""The lookup `url` reads what a web server has, with Ansible's options."""

from __future__ import annotations

import http.server
import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioner.templating import Templar, TemplateError
from tests.integration.modules_network.conftest import WebServer


def read(url: str, options: str = "", **variables: Any) -> Any:
    return Templar(variables=variables).render(f"{{{{ query('url', '{url}' {options}) }}}}")


def test_lines_or_the_whole(web_server: WebServer) -> None:
    web_server.files["two"] = b"one\ntwo\n"
    assert read(f"{web_server.url}/files/two") == ["one", "two"]
    assert read(f"{web_server.url}/files/two", ", split_lines=false") == ["one\ntwo\n"]


def test_credentials_headers_and_agent(web_server: WebServer) -> None:
    private = f"{web_server.url}/private"
    for options in (", username='me', password='secret'", ", username='me', password='secret', force_basic_auth=true"):
        assert read(private, options) == ["in"]
    with pytest.raises(TemplateError, match=f"Received HTTP error for {private}: HTTP Error 401"):
        read(private, ", username='me', password='wrong'")
    answer = read(f"{web_server.url}/echo", ", headers={'X-One': '1'}, force=true", ansible_lookup_url_agent="ours")
    told = json.loads(answer[0])["headers"]
    assert (told["x-one"], told["user-agent"], told["cache-control"]) == ("1", "ours", "no-cache")


def test_redirects_as_asked(web_server: WebServer) -> None:
    assert json.loads(read(f"{web_server.url}/redirect/302")[0])["method"] == "GET"
    with pytest.raises(TemplateError, match="HTTP Error 302"):
        read(f"{web_server.url}/redirect/302", ", follow_redirects='none'")


class _Plain(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "7")
        self.end_headers()
        self.wfile.write(b"private")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[str]:
    """Answers with a certificate of its own, which is in `ca.crt` of the test's folder."""
    words = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-subj",
        "/CN=x",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
    ]
    files = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "ca.crt")]
    subprocess.run(["openssl", "req", "-x509", *words, *files], check=True, capture_output=True)
    server = http.server.HTTPServer(("127.0.0.1", 0), _Plain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "ca.crt", tmp_path / "key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_whom_it_believes(tls_server: str, tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"certificate verify failed"):
        read(tls_server)
    assert read(tls_server, ", validate_certs=false") == ["private"]
    assert read(tls_server, f", ca_path='{tmp_path}/ca.crt'") == ["private"]


def test_nobody_and_nonsense() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and never listens
        address = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        with pytest.raises(TemplateError, match=rf"Failed lookup url for {address}: .*refused"):
            read(address)
    with pytest.raises(TemplateError, match="unknown url type: 'nonsense'"):
        read("nonsense")
