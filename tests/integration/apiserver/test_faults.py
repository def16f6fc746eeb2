"""Proves what holds when things break: nothing acknowledged is lost or doubled, watches miss nothing, etcd may go and come."""

from __future__ import annotations

import json
import signal
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

WRITES = "/api/v1/namespaces/default/configmaps"


class Pair:
    """Two API servers on one etcd of their own."""

    def __init__(self, server: Any, folder: Path, make_etcd: Any, ports: list[int]) -> None:
        self.etcd = make_etcd(server.pki, folder, ports[0])
        self.etcd.start()
        url = f"https://127.0.0.1:{ports[0]},https://127.0.0.1:{ports[1]}"
        self.first, self.second = (type(server)(server.pki, folder, url) for _ in range(2))
        self.first.start()
        self.second.start()


@pytest.fixture
def pair(server: Any, tmp_path: Path, make_etcd: Any, ports: list[int]) -> Iterator[Pair]:
    made = Pair(server, tmp_path, make_etcd, ports)
    yield made
    for one in (made.first, made.second):
        if one.process and one.process.running and one.process.running.poll() is None:
            one.stop()
    made.etcd.stop(signal.SIGKILL)


class Watch(threading.Thread):
    """Collects the events of a watch until it is told to stop or the server ends it."""

    def __init__(self, server: Any, version: str) -> None:
        super().__init__()
        self.events: list[tuple[str, str, int]] = []
        request = urllib.request.Request(f"{server.url}{WRITES}?watch=1&resourceVersion={version}")
        self.answer = urllib.request.urlopen(request, context=server.context(), timeout=60)

    def run(self) -> None:
        try:
            for line in self.answer:
                event = json.loads(line)
                metadata = event["object"]["metadata"]
                self.events.append((event["type"], metadata["name"], int(metadata["resourceVersion"])))
                if metadata["name"] == "last":
                    return
        finally:
            self.answer.close()


def write(server: Any, name: str) -> int | None:
    """The acknowledged write's version; None when there was no answer."""
    try:
        code, made = server.call("POST", WRITES, {"metadata": {"name": name}, "data": {"k": "v"}})
    except OSError:
        return None
    return int(made["metadata"]["resourceVersion"]) if code == 201 else None


def test_killed_under_load_loses_nothing(pair: Pair) -> None:
    version = pair.first.call("GET", WRITES)[1]["metadata"]["resourceVersion"]
    watch = Watch(pair.second, version)
    watch.start()
    acknowledged: dict[str, int] = {}
    names = [f"w{number}" for number in range(400)]

    def one(name: str) -> None:
        found = write(pair.first, name)
        if found is not None:
            acknowledged[name] = found
        if len(acknowledged) == 150:
            pair.first.stop(signal.SIGKILL)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, names))
    assert 150 <= len(acknowledged) < 400
    last = write(pair.second, "last")
    watch.join(20)
    stored = {c["metadata"]["name"]: int(c["metadata"]["resourceVersion"]) for c in pair.second.call("GET", WRITES)[1]["items"]}
    assert acknowledged.items() <= stored.items()
    assert len(set(stored.values())) == len(stored)
    seen = [name for kind, name, _ in watch.events if kind == "ADDED"]
    versions = [number for _, _, number in watch.events]
    assert versions == sorted(versions) and versions[-1] == last
    assert len(seen) == len(set(seen)) and set(stored) - {"kube-root-ca.crt"} <= set(seen)
    middle = acknowledged["w100"] if "w100" in acknowledged else versions[50]
    again = Watch(pair.second, str(middle))
    again.run()
    assert [e for e in watch.events if e[2] > middle] == again.events


def test_writers_of_one_object_do_not_overwrite_each_other(pair: Pair) -> None:
    assert write(pair.first, "counter") is not None
    patch = {"Content-Type": "application/merge-patch+json"}

    def add(number: int) -> None:
        server = (pair.first, pair.second)[number % 2]
        while True:
            found = server.call("GET", f"{WRITES}/counter")[1]
            found["data"]["n"] = str(int(found["data"].get("n", "0")) + 1)
            code, _ = server.call("PUT", f"{WRITES}/counter", found)
            if code == 200:
                return
            assert code == 409

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, range(40)))
        list(pool.map(lambda n: pair.first.call("PATCH", f"{WRITES}/counter", {"data": {f"p{n}": "x"}}, headers=patch), range(40)))
    found = pair.second.call("GET", f"{WRITES}/counter")[1]["data"]
    assert found["n"] == "40" and sum(key.startswith("p") for key in found) == 40


def test_etcd_goes_and_comes(pair: Pair) -> None:
    assert write(pair.first, "before") is not None
    pair.etcd.stop(signal.SIGKILL)
    started = time.monotonic()
    code, status = pair.first.call("POST", WRITES, {"metadata": {"name": "during"}})
    assert code in (503, 504) and status["kind"] == "Status" and time.monotonic() - started < 15
    assert pair.first.call("GET", f"{WRITES}/before?resourceVersion=0")[0] == 200
    assert pair.first.status("/readyz") == pair.first.status("/livez") == 500 and pair.first.status("/livez?exclude=etcd") == 200
    pair.etcd.start()
    deadline = time.monotonic() + 20
    while pair.first.status("/readyz") != 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert write(pair.first, "after") is not None
    names = {c["metadata"]["name"] for c in pair.second.call("GET", WRITES)[1]["items"]}
    assert {"before", "after"} <= names
    assert len(pair.first.call("GET", "/api/v1/namespaces/default/endpoints/kubernetes")[1]["subsets"]) == 1


def test_a_slow_etcd_delays_and_loses_nothing(pair: Pair) -> None:
    assert write(pair.first, "before") is not None
    assert pair.etcd.running is not None
    pair.etcd.running.send_signal(signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(4) as pool:
            waiting = [pool.submit(write, pair.first, f"slow{n}") for n in range(4)]
            # What the cache has is answered all the same.
            assert pair.first.call("GET", f"{WRITES}/before?resourceVersion=0")[0] == 200
            assert not any(one.done() for one in waiting)
            pair.etcd.running.send_signal(signal.SIGCONT)
            versions = [one.result(30) for one in waiting]
    finally:
        pair.etcd.running.send_signal(signal.SIGCONT)
    acknowledged = [number for number in versions if number is not None]
    assert len(acknowledged) == 4 and len(set(acknowledged)) == 4
    names = {c["metadata"]["name"] for c in pair.second.call("GET", WRITES)[1]["items"]}
    assert {f"slow{n}" for n in range(4)} <= names


def test_an_etcd_without_space_refuses_writes_and_still_answers(server: Any, tmp_path: Path, make_etcd: Any, ports: list[int]) -> None:
    etcd = make_etcd(server.pki, tmp_path, ports[0])
    # 16 MB: the database's own file is made in steps of that size.
    etcd.argv.append("--quota-backend-bytes=16777216")
    etcd.start()
    made = type(server)(server.pki, tmp_path, f"https://127.0.0.1:{ports[0]}")
    made.start()
    try:
        assert write(made, "before") is not None
        large = "x" * 900_000
        for number in range(40):
            code, status = made.call("POST", WRITES, {"metadata": {"name": f"large{number}"}, "data": {"k": large}})
            if code != 201:
                break
        assert code in (500, 503, 507) and status["kind"] == "Status" and "space" in status["message"], (code, status)
        assert made.call("GET", f"{WRITES}/before")[0] == 200 and made.status("/livez") == 200
        assert (
            made.call("PATCH", f"{WRITES}/before", {"data": {"a": "b"}}, headers={"Content-Type": "application/merge-patch+json"})[0] >= 500
        )
    finally:
        made.stop()
        etcd.stop(signal.SIGKILL)
