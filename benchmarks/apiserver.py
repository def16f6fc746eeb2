"""Measures our kube-apiserver alone on an etcd of its own, TLS on: reads and writes with wrk, watchers, memory, start, how long the loop is held.

    python benchmarks/apiserver.py [--seconds 5] [--only get,create,…]

Needs etcd and wrk. Prints each figure beside its goal, and the server's CPU time for each request. Goals of rates are of a computer on which the
floor (`apiserver_floor.py`) answers FLOOR requests a second: it is measured before each of them, and the goal told at this computer's speed, too.
Everything that is started ends with it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, cast

import uvloop

TOKEN = "benchmark"
OBJECTS = 21_000
MORE_OBJECTS = 50_000
TICKS_PER_S = 100
# Of the computer that the goals of rates were set on: a small JSON answer, TLS, one process.
FLOOR = 37_000
EVENT = b'{"type":"'
MAPS = "/api/v1/namespaces/default/configmaps"

WRITE = """
wrk.headers["Authorization"] = "Bearer {token}"
wrk.headers["Content-Type"] = "{media}"
local number = 0
function request()
  number = number + 1
  local name = string.format("{name}", {modulo})
  return wrk.format("{method}", "{path}" .. {suffix}, nil, string.format('{body}', name, number))
end
"""
BODY = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"%s","labels":{"app":"bench"}},"data":{"n":"%d","k":"' + "v" * 180 + '"}}'


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Rate(NamedTuple):
    per_s: float
    # the server's CPU for each
    cpu_us: float
    # what the floor did just before, requests a second
    floor: float


@dataclass
class Bench:
    folder: Path
    seconds: int
    port: int = field(default_factory=free_port)
    floor_port: int = field(default_factory=free_port)
    etcd_port: int = field(default_factory=free_port)
    etcd: subprocess.Popen[bytes] | None = None
    server: subprocess.Popen[bytes] | None = None
    floor: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def call(self, path: str, body: Any = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers)
        with urllib.request.urlopen(request, context=self.context(), timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text[:1] == b"{" else text.decode()

    def start_etcd(self) -> None:
        client, peer = f"http://127.0.0.1:{self.etcd_port}", f"http://127.0.0.1:{free_port()}"
        argv = ["etcd", f"--data-dir={self.folder / 'etcd'}", f"--listen-client-urls={client}", f"--advertise-client-urls={client}"]
        argv += [f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}"]
        with (self.folder / "etcd.log").open("wb") as log:
            self.etcd = subprocess.Popen([*argv, "--log-level=error"], stdout=log, stderr=log)

    def start_floor(self) -> None:
        argv = [sys.executable, str(Path(__file__).with_name("apiserver_floor.py")), str(self.floor_port), str(self.folder)]
        self.floor = subprocess.Popen(argv, stdout=subprocess.PIPE)
        assert self.floor.stdout is not None
        self.floor.stdout.readline()

    def start(self) -> None:
        files = {"tokens.csv": f'{TOKEN},bench,1,"system:masters"\n'}
        for name, text in files.items():
            (self.folder / name).write_text(text)
        key = self.folder / "sa.key"
        if not key.exists():
            make = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(key)]
            subprocess.run(make, check=True, capture_output=True)
        argv = [sys.executable, "-m", "provisioner.kube.apiserver", f"--etcd-servers=http://127.0.0.1:{self.etcd_port}"]
        argv += [
            f"--secure-port={self.port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=10.99.0.1",
            f"--cert-dir={self.folder / 'certs'}",
        ]
        argv += [f"--token-auth-file={self.folder / 'tokens.csv'}", f"--service-account-signing-key-file={key}"]
        argv += [f"--service-account-key-file={key}", "--authorization-mode=Node,RBAC"]
        began = time.monotonic()
        with (self.folder / "apiserver.log").open("ab") as log:
            self.server = subprocess.Popen(argv, stdout=log, stderr=log)
        while True:
            try:
                self.call("/readyz")
                break
            except OSError:
                if self.server.poll() is not None or time.monotonic() > began + 120:
                    raise SystemExit((self.folder / "apiserver.log").read_text()[-2000:]) from None
                time.sleep(0.02)
        self.started_s = time.monotonic() - began

    def stop(self) -> None:
        for process in (self.server, self.floor, self.etcd):
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(60)

    def resident_mb(self) -> float:
        assert self.server is not None
        found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.server.pid}/status").read_text())
        assert found is not None
        return int(found[1]) / 1024

    def cpu_s(self) -> float:
        assert self.server is not None
        fields = Path(f"/proc/{self.server.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    def wrk(self, path: str, script: str, connections: int = 32) -> Rate:
        """A script without `request` gets `path`."""
        floor, _ = self._wrk(f"https://127.0.0.1:{self.floor_port}/", READ, 32)
        before = self.cpu_s()
        rate, count = self._wrk(self.url + path, script, connections)
        return Rate(rate, (self.cpu_s() - before) / max(count, 1) * 1e6, floor)

    def _wrk(self, url: str, script: str, connections: int) -> tuple[float, int]:
        """(requests/s, requests)."""
        file = self.folder / "load.lua"
        file.write_text(script)
        argv = ["wrk", "-t1", f"-c{connections}", f"-d{self.seconds}s", "-s", str(file), url]
        text = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
        if "Non-2xx" in text:
            raise SystemExit(f"some requests failed:\n{text}")
        rate, count = (re.search(pattern, text) for pattern in (r"Requests/sec:\s+([\d.]+)", r"(\d+) requests in"))
        assert rate is not None and count is not None
        return float(rate[1]), int(count[1])


READ = f'wrk.headers["Authorization"] = "Bearer {TOKEN}"\n'


def script(method: str, name: str, modulo: str, suffix: str, media: str = "application/json", body: str = BODY) -> str:
    made = {"token": TOKEN, "media": media, "name": name, "modulo": modulo, "method": method, "path": MAPS, "suffix": suffix, "body": body}
    text = WRITE
    for key, value in made.items():
        text = text.replace("{" + key + "}", value)
    return text


def report(what: str, value: float, goal: float, unit: str, cpu_us: float = 0.0, *, less: bool = False, speed: float = 0.0) -> None:
    """`speed` of this computer is a part of that of the one that the goal was set on."""
    ratio = goal / value if less else value / goal
    at_speed = f", {ratio / speed:5.2f} at {speed:4.2f} of the speed" if speed else ""
    cpu = f"  {cpu_us:8.0f} us of CPU each" if cpu_us else ""
    print(f"{what:38} {value:10.1f} {unit:5} goal {'<=' if less else '>='} {goal:8.1f}  {ratio:5.2f} of it{at_speed}{cpu}", flush=True)


def writes(bench: Bench, wanted: set[str]) -> None:
    bench.call(MAPS, {"metadata": {"name": "one"}, "data": {"k": "v" * 200}})
    if "get" in wanted:
        report_rate("get one, consistent", bench.wrk(f"{MAPS}/one", READ), 15_000)
    if "create" in wanted:
        stamp = int(time.time())
        report_rate("create", bench.wrk("", script("POST", f"c-{stamp}-%d", "number", '""')), 4_000)
    if {"update", "patch"} & wanted:
        asyncio.run(make(bench, [f"u-{number}" for number in range(1000)]))
    if "update" in wanted:
        report_rate("update", bench.wrk("", script("PUT", "u-%d", "number % 1000", '"/" .. name')), 3_000)
    if "patch" in wanted:
        body = '{"metadata":{"annotations":{"name":"%s","n":"%d"}}}'
        made = script("PATCH", "u-%d", "number % 1000", '"/" .. name', "application/merge-patch+json", body)
        report_rate("patch (merge)", bench.wrk("", made), 3_000)


def report_rate(what: str, rate: Rate, goal: float) -> None:
    report(what, rate.per_s, goal, "/s", rate.cpu_us, speed=rate.floor / FLOOR)


async def fill(bench: Bench, count: int) -> None:
    """Objects up to `count` in all."""
    present = bench.call(f"{MAPS}?limit=1")["metadata"].get("remainingItemCount", 0) + 1
    stamp = int(time.time())
    await make(bench, [f"f-{stamp}-{number}" for number in range(max(0, count - present))])


async def make(bench: Bench, names: list[str]) -> None:
    """Create objects by 32 connections."""
    missing = iter(names)

    async def some() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", bench.port, ssl=bench.context())
        for name in missing:
            body = (BODY % (name, 0)).encode()
            head = f"POST {MAPS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n"
            writer.write(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"Content-Length: (\d+)", answer)
            assert length is not None and answer.startswith(b"HTTP/1.1 201"), answer
            await reader.readexactly(int(length[1]))
        writer.close()

    await asyncio.gather(*(some() for _ in range(32)))


def lists(bench: Bench, wanted: set[str]) -> None:
    if "list" in wanted:
        report_rate(f"list {OBJECTS}", bench.wrk(MAPS, READ, 4), 40)
    if "page" in wanted:
        page, part = bench.wrk(f"{MAPS}?limit=500", READ, 4), 500 / OBJECTS
        report_rate(f"list in pages of 500, of {OBJECTS}", Rate(page.per_s * part, page.cpu_us / part, page.floor), 40)
    if "loop" in wanted:
        asyncio.run(held(bench))


async def held(bench: Bench) -> None:
    """The longest a small request waits while others list everything: what one handler holds the loop for, and a turn more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", bench.port, ssl=bench.context())
    load = await asyncio.create_subprocess_exec(
        "wrk", "-t1", "-c1", f"-d{bench.seconds}s", "-s", str(bench.folder / "read.lua"), bench.url + MAPS, stdout=subprocess.DEVNULL
    )
    waits = []
    while load.returncode is None:
        began = time.monotonic()
        writer.write(f"GET /livez HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\nok")
        waits.append(time.monotonic() - began)
        await asyncio.sleep(0.005)
    waits.sort()
    report("small request beside lists, median", waits[len(waits) // 2] * 1000, 20, "ms", less=True)
    report("small request beside lists, p99", waits[len(waits) * 99 // 100] * 1000, 20, "ms", less=True)


class Watching(asyncio.Protocol):
    """A watcher that knows when it has seen how many events: they come to all in the same order."""

    def __init__(self, request: bytes, last: list[float]) -> None:
        self.request, self.last, self.seen, self.tail = request, last, 0, b""
        self.opened = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.opened.set()
        # An event's beginning may be cut in two.
        events = (self.tail + data).count(EVENT)
        self.tail = data[-len(EVENT) + 1 :]
        self.last[self.seen : self.seen + events] = [time.monotonic()] * events
        self.seen += events


async def watch(bench: Bench, watchers: int = 1000, rate: int = 200) -> None:
    """The time from a change's being sent to the last watcher's event of it."""
    loop = asyncio.get_running_loop()
    base = bench.call(f"{MAPS}?limit=1")["metadata"]["resourceVersion"]
    head = f"GET {MAPS}?watch=1&resourceVersion={base} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
    count = rate * bench.seconds
    last = [0.0] * count
    crowd = [Watching(head, last) for _ in range(watchers)]
    for one in crowd:
        await loop.create_connection(lambda one=one: one, "127.0.0.1", bench.port, ssl=bench.context())  # type: ignore[misc]
    for one in crowd:
        await one.opened.wait()
    _, writer = await asyncio.open_connection("127.0.0.1", bench.port, ssl=bench.context())
    sent, cpu_s, began = [], bench.cpu_s(), time.monotonic()
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        body = (BODY % (f"w-{number}", number)).encode()
        sent.append(time.monotonic())
        head = f"POST {MAPS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n".encode()
        writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    for _ in range(150):
        if all(one.seen >= count for one in crowd):
            break
        await asyncio.sleep(0.2)
    spent_us = (bench.cpu_s() - cpu_s) / count * 1e6
    for one in crowd:
        one.transport.close()
    writer.close()
    missing = sum(count - one.seen for one in crowd)
    late = sorted(at - since for at, since in zip(last, sent, strict=True))
    spent = f"{missing} events missing" if missing else "nothing missing"
    report(f"{watchers} watchers, {rate}/s, p99 ({spent})", late[len(late) * 99 // 100] * 1000, 250, "ms", spent_us, less=True)


def main() -> None:
    parts = ("get", "create", "update", "patch", "list", "page", "loop", "watch", "memory", "start")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=int, default=5, help="how long each load lasts")
    parser.add_argument("--only", default=",".join(parts), help="parts, by commas")
    options = parser.parse_args()
    wanted = set(options.only.split(","))
    if wanted - set(parts):
        raise SystemExit(f"unknown part: {', '.join(sorted(wanted - set(parts)))}; there are {', '.join(parts)}")
    for program in ("wrk", "etcd"):
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is not installed: apt install {'etcd-server' if program == 'etcd' else program}")
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), options.seconds)
        (bench.folder / "read.lua").write_text(READ)
        try:
            bench.start_etcd()
            bench.start_floor()
            bench.start()
            if "memory" in wanted:
                report("resident, idle", bench.resident_mb(), 90, "MB", less=True)
            writes(bench, wanted)
            if wanted & {"list", "page", "loop", "memory"}:
                asyncio.run(fill(bench, OBJECTS))
                lists(bench, wanted)
            if "memory" in wanted:
                report(f"resident, {OBJECTS} objects and more", bench.resident_mb(), 200, "MB", less=True)
            if "watch" in wanted:
                uvloop.run(watch(bench))
            if "start" in wanted:
                asyncio.run(fill(bench, MORE_OBJECTS))
                assert bench.server is not None
                bench.server.terminate()
                bench.server.wait(60)
                bench.start()
                report(f"start with {MORE_OBJECTS} objects", bench.started_s, 5, "s", less=True)
                report("resident, just started with them", bench.resident_mb(), 200, "MB", less=True)
        finally:
            bench.stop()


if __name__ == "__main__":
    main()
