"""Modules called as the agent calls them, and what they speak to: a web server on loopback, Docker, a cluster's API."""

from __future__ import annotations

import base64
import gzip
import http.server
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from provisioner.images.lab import busybox_binary
from tests.module_calls import call

__all__ = ["call"]


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    files: ClassVar[dict[str, bytes]] = {}

    def log_message(self, *_: object) -> None:
        pass

    def _send(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            for one in value.split("|"):
                self.send_header(name.replace("_", "-"), one)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _answer(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind, _, rest = self.path.lstrip("/").partition("?")[0].partition("/")
        match kind:
            case "redirect":
                self._send(int(rest), b"moved", Location="/echo")
            case "echo":
                headers = {name.lower(): value for name, value in self.headers.items()}
                told = {"method": self.command, "data": data.decode(), "headers": headers}
                self._send(200, json.dumps(told).encode(), Content_Type="application/json", Set_Cookie="a=1|b=2")
            case "cached":
                self._send(304) if self.headers.get("If-Modified-Since") else self._send(200, b"cached\n", Content_Type="text/plain")
            case "packed":
                self._send(200, gzip.compress(b"unpacked"), Content_Encoding="gzip")
            case "named":
                self._send(200, b"named", Content_Disposition='attachment; filename="proposed.txt"')
            case "private":
                wanted = "Basic " + base64.b64encode(b"me:secret").decode()
                known = self.headers.get("Authorization") == wanted
                self._send(200, b"in") if known else self._send(401, b"no", WWW_Authenticate='Basic realm="x"')
            case "files" if rest in self.files:
                self._send(200, self.files[rest])
            case _:
                self._send(404, b"nothing here", Content_Type="text/plain")

    do_GET = do_HEAD = do_POST = do_PUT = _answer


class WebServer:
    def __init__(self, url: str, files: dict[str, bytes]) -> None:
        self.url, self.files = url, files


@pytest.fixture
def web_server() -> Iterator[WebServer]:
    """Answers on loopback: /echo, /redirect/STATUS, /cached, /packed, /named, /private (me:secret), /files/NAME."""
    _Handler.files = {}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = False  # closing waits for them
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield WebServer(f"http://127.0.0.1:{server.server_address[1]}", _Handler.files)
    server.shutdown()
    thread.join()
    server.server_close()


NAMESPACES = "mount --make-rprivate / && ip link set lo up && touch {work}/up && exec sleep infinity"


@pytest.fixture(scope="session")
def docker_host() -> Iterator[str]:
    """A real dockerd in a network and mount namespace of its own, with the image box:1 (busybox); its address."""
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        pytest.skip("needs root and Docker's daemon")
    work = Path(tempfile.mkdtemp(prefix="modules-docker-"))
    holder = subprocess.Popen(["unshare", "--net", "--mount", "sh", "-c", NAMESPACES.format(work=work)])
    dockerd: subprocess.Popen[bytes] | None = None
    try:
        wait_for((work / "up").exists, "namespaces")
        (work / "daemon.json").write_text('{"bridge": "none", "iptables": false, "ip-forward": false}')
        command = [
            "nsenter",
            "-t",
            str(holder.pid),
            "-n",
            "-m",
            "dockerd",
            "--config-file",
            f"{work}/daemon.json",
            "-H",
            f"unix://{work}/s",
        ]
        command += ["--pidfile", f"{work}/pid", "--data-root", f"{work}/data", "--exec-root", f"{work}/exec"]
        with (work / "log").open("wb") as log:
            dockerd = subprocess.Popen(command, stdout=log, stderr=log)
        host = f"unix://{work}/s"
        wait_for(lambda: subprocess.run(["docker", "-H", host, "version"], capture_output=True).returncode == 0, f"dockerd; see {work}/log")
        root = work / "box/bin"
        root.mkdir(parents=True)
        (root / "busybox").write_bytes(busybox_binary(work))
        (root / "busybox").chmod(0o755)
        for name in ("sh", "echo", "sleep", "cat", "env", "true", "false"):
            (root / name).symlink_to("busybox")
        packed = subprocess.run(["tar", "-C", str(work / "box"), "-c", "."], capture_output=True, check=True).stdout
        subprocess.run(["docker", "-H", host, "import", "-", "box:1"], input=packed, capture_output=True, check=True)
        yield host
        left = subprocess.run(["docker", "-H", host, "ps", "-aq"], capture_output=True, text=True, check=True).stdout.split()
        if left:
            subprocess.run(["docker", "-H", host, "rm", "-f", *left], capture_output=True, check=True)
    finally:
        if dockerd is not None:
            dockerd.terminate()
            dockerd.wait(30)
        holder.kill()
        holder.wait()
        shutil.rmtree(work, ignore_errors=True)


def wait_for(condition: Callable[[], Any], what: str, timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The kubeconfig of a real kube-apiserver on a real etcd."""
    path = Path(__file__).parents[1] / "apiserver/conftest.py"
    spec = importlib.util.spec_from_file_location("apiserver_fixtures", path)
    assert spec is not None and spec.loader is not None
    fixtures: Any = importlib.util.module_from_spec(spec)
    sys.modules["apiserver_fixtures"] = fixtures
    spec.loader.exec_module(fixtures)
    pki = fixtures.Pki(tmp_path_factory.mktemp("pki"))
    pki.issue("server", "kube-apiserver", ("system:masters",))
    pki.issue("admin", "admin", ("system:masters",))
    port = fixtures.free_port()
    etcd = fixtures.etcd_process(pki, tmp_path_factory.mktemp("etcd"), port)
    etcd.start()
    server = fixtures.ApiServer(pki, tmp_path_factory.mktemp("apiserver"), f"https://127.0.0.1:{port}")
    try:
        server.start()
        yield server.kubeconfig()
        server.stop()
    finally:
        etcd.stop()
