"""A real kube-apiserver process on a real etcd with TLS, on free loopback ports; and kubectl."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

START_S = 30.0


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Pki:
    """One CA, and certificates as they are asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test-ca")])
        self._write("ca", self._signed(self._name, self._key.public_key(), ca=True), self._key)
        self._write("sa", None, ec.generate_private_key(ec.SECP256R1()))

    def _signed(self, subject: x509.Name, public: Any, *, ca: bool = False) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(public)
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(hours=1))
        builder = builder.not_valid_after(now + timedelta(days=1)).add_extension(x509.BasicConstraints(ca, None), True)
        names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
        return builder.add_extension(x509.SubjectAlternativeName(names), False).sign(self._key, hashes.SHA256())

    def _write(self, name: str, certificate: x509.Certificate | None, key: ec.EllipticCurvePrivateKey) -> None:
        if certificate is not None:
            (self.folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        path = self.folder / f"{name}.key"
        path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))

    def issue(self, name: str, user: str, groups: tuple[str, ...] = ()) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        parts = [x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, group) for group in groups]
        subject = x509.Name([*parts, x509.NameAttribute(x509.NameOID.COMMON_NAME, user)])
        self._write(name, self._signed(subject, key.public_key()), key)

    def path(self, name: str) -> str:
        return str(self.folder / name)


@dataclass
class Process:
    """A daemon of ours or etcd, its output in a file."""

    argv: list[str]
    log: Path
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(self.argv, stdout=log, stderr=log, start_new_session=True)

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.running is not None
        if self.running.poll() is None:
            self.running.send_signal(number)
        return self.running.wait(40)


@dataclass
class ApiServer:
    pki: Pki
    folder: Path
    etcd_url: str
    port: int = field(default_factory=free_port)
    extra: tuple[str, ...] = ()
    # flags that are left out, by name
    without: tuple[str, ...] = ()
    process: Process | None = None

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def argv(self) -> list[str]:
        return [word for word in self._argv() if word.removeprefix("--").partition("=")[0] not in self.without]

    def _argv(self) -> list[str]:
        pki = self.pki
        return [
            *(sys.executable, "-m", "provisioner.kube.apiserver", f"--etcd-servers={self.etcd_url}", f"--secure-port={self.port}"),
            *("--bind-address=127.0.0.1", "--advertise-address=10.99.0.1", "--service-cluster-ip-range=10.96.0.0/16"),
            *(
                f"--etcd-cafile={pki.path('ca.crt')}",
                f"--etcd-certfile={pki.path('server.crt')}",
                f"--etcd-keyfile={pki.path('server.key')}",
            ),
            *(f"--client-ca-file={pki.path('ca.crt')}", f"--service-account-key-file={pki.path('sa.key')}"),
            *(f"--tls-cert-file={pki.path('server.crt')}", f"--tls-private-key-file={pki.path('server.key')}"),
            *(f"--service-account-signing-key-file={pki.path('sa.key')}", "--authorization-mode=Node,RBAC"),
            *(f"--kubelet-client-certificate={pki.path('server.crt')}", f"--kubelet-client-key={pki.path('server.key')}"),
            f"--kubelet-certificate-authority={pki.path('ca.crt')}",
            *self.extra,
        ]

    def start(self) -> None:
        self.process = Process(self.argv(), self.folder / f"apiserver-{self.port}.log")
        self.process.start()
        deadline = time.monotonic() + START_S
        while self.status("/readyz") != 200:
            if time.monotonic() > deadline or (self.process.running and self.process.running.poll() is not None):
                raise AssertionError(f"the API server did not get ready:\n{self.process.log.read_text()[-4000:]}")
            time.sleep(0.1)

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        return self.process.stop(number)

    def context(self, user: str = "admin") -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.pki.path("ca.crt"))
        if user:
            context.load_cert_chain(self.pki.path(f"{user}.crt"), self.pki.path(f"{user}.key"))
        return context

    def call(
        self, method: str, path: str, body: Any = None, *, user: str = "admin", headers: dict[str, str] | None = None, raw: bool = False
    ) -> tuple[int, Any]:
        """(status, document); for errors the Status."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json", **(headers or {})}, method=method)
        try:
            with urllib.request.urlopen(request, context=self.context(user), timeout=30) as answer:
                text = answer.read()
                return answer.status, text if raw else json.loads(text)
        except urllib.error.HTTPError as error:
            with error:
                text = error.read()
                with contextlib.suppress(ValueError):
                    return error.code, json.loads(text)
                return error.code, text

    def status(self, path: str) -> int:
        try:
            return self.call("GET", path, raw=True)[0]
        except OSError:
            return 0

    def kubeconfig(self, user: str = "admin") -> Path:
        path = self.folder / f"{user}-{self.port}.kubeconfig"
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": self.url, "certificate-authority": self.pki.path("ca.crt")}}],
            "users": [
                {"name": "u", "user": {"client-certificate": self.pki.path(f"{user}.crt"), "client-key": self.pki.path(f"{user}.key")}}
            ],
        }
        path.write_text(json.dumps(document))
        return path

    def kubectl(self, *args: str, user: str = "admin", stdin: str = "", fails: bool = False) -> str:
        """kubectl's output; with `fails` its errors, and success is the failure."""
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig(user)), "HOME": str(self.folder)}
        done = subprocess.run(["kubectl", *args], input=stdin, capture_output=True, text=True, env=environment, timeout=60, check=False)
        assert (done.returncode != 0) == fails, f"kubectl {' '.join(args)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stderr if fails else done.stdout


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    made = Pki(tmp_path_factory.mktemp("pki"))
    made.issue("server", "kube-apiserver", ("system:masters",))
    made.issue("admin", "admin", ("system:masters",))
    made.issue("alice", "alice", ("devs",))
    made.issue("node1", "system:node:node1", ("system:nodes",))
    return made


def etcd_process(pki: Pki, folder: Path, port: int) -> Process:
    peer = f"http://127.0.0.1:{free_port()}"
    client = f"https://127.0.0.1:{port}"
    argv = ["etcd", f"--data-dir={folder / 'etcd'}", f"--listen-client-urls={client}", f"--advertise-client-urls={client}"]
    argv += [f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}"]
    argv += [f"--cert-file={pki.path('server.crt')}", f"--key-file={pki.path('server.key')}", "--client-cert-auth"]
    argv += (
        [f"--trusted-ca-file={pki.path('ca.crt')}", "--unsafe-no-fsync"] if _has_no_fsync() else [f"--trusted-ca-file={pki.path('ca.crt')}"]
    )
    return Process(argv, folder / "etcd.log")


def _has_no_fsync() -> bool:
    done = subprocess.run(["etcd", "--help"], capture_output=True, text=True, check=False)
    return "unsafe-no-fsync" in done.stdout + done.stderr


@pytest.fixture(scope="session")
def etcd_url(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    process = etcd_process(pki, tmp_path_factory.mktemp("etcd"), port)
    process.start()
    yield f"https://127.0.0.1:{port}"
    process.stop()


@pytest.fixture(scope="session")
def server(pki: Pki, etcd_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    made = ApiServer(pki, tmp_path_factory.mktemp("apiserver"), etcd_url)
    made.start()
    yield made
    assert made.stop() == 0, made.process and made.process.log.read_text()[-3000:]


@pytest.fixture(scope="module")
def make_server(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """(flags…, without=names) -> a started server of its own, with a prefix in an etcd of its own.

    An etcd has one cluster's servers for clients: what others write makes a consistent read wait for a revision that it never hears of.
    """
    made: list[ApiServer | Process] = []

    def make(*extra: str, without: tuple[str, ...] = ()) -> ApiServer:
        port = free_port()
        etcd = etcd_process(pki, tmp_path_factory.mktemp("etcd"), port)
        etcd.start()
        made.append(etcd)
        server = ApiServer(pki, tmp_path_factory.mktemp("apiserver"), f"https://127.0.0.1:{port}", without=without)
        server.extra = (f"--etcd-prefix=/chain-{server.port}", f"--cert-dir={server.folder}", *extra)
        server.start()
        made.append(server)
        return server

    yield make
    for process in reversed(made):
        process.stop()


@dataclass
class Peer:
    """Another server that ours asks: `answer(method, path, headers, body)` gives (status, document)."""

    url: str
    port: int
    asked: list[tuple[str, str, Any, bytes]]


@pytest.fixture
def serve(pki: Pki) -> Iterator[Any]:
    """(answer, ask for a client certificate?) -> a Peer that listens with TLS on loopback."""
    running: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def make(answer: Any, *, certificates: bool = False) -> Peer:
        asked: list[tuple[str, str, Any, bytes]] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = [*self.headers.items(), ("peer", str(self.connection.getpeercert()))]  # type: ignore[attr-defined]
                asked.append((self.command, self.path, headers, body))
                status, document = answer(self.command, self.path, headers, body)
                data = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = handle_any

            def log_message(self, *args: Any) -> None:
                pass

        listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        listening.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki.path("server.crt"), pki.path("server.key"))
        if certificates:
            context.load_verify_locations(pki.path("ca.crt"))
            context.verify_mode = ssl.CERT_REQUIRED
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        running.append((listening, thread))
        return Peer(f"https://127.0.0.1:{listening.server_port}", listening.server_port, asked)

    yield make
    for listening, thread in running:
        listening.shutdown()
        listening.server_close()
        thread.join()


@pytest.fixture
def namespace(server: ApiServer, request: pytest.FixtureRequest) -> str:
    """A namespace for one test, with its default service account, which no controller makes here."""
    name = f"t{abs(hash(request.node.nodeid)) % 10**9}"
    server.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    server.call("POST", f"/api/v1/namespaces/{name}/serviceaccounts", {"metadata": {"name": "default"}})
    return name


@pytest.fixture
def make_process() -> Any:
    """(argv, log) -> a process that is not started yet."""
    return Process


@pytest.fixture
def make_etcd() -> Any:
    """(pki, folder, port) -> an etcd that is not started yet."""
    return etcd_process


@pytest.fixture
def ports() -> list[int]:
    return [free_port() for _ in range(4)]
