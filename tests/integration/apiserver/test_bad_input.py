"""Proves that nothing a client sends crashes the server, gets past it, or makes it grow: bodies, paths, headers, framing, idle connections."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

MAPS = "/api/v1/namespaces/default/configmaps"
DEEP = 20_000


@pytest.fixture(autouse=True)
def _the_server_lives_on(server: Any) -> Any:
    process = server.process.running
    before = _resident_kb(process.pid)
    yield
    assert process.poll() is None and server.status("/livez") == 200
    assert _resident_kb(process.pid) < before + 150_000
    text = server.process.log.read_text()
    assert "Traceback" not in text and "Unhandled" not in text and "request crashed" not in text, text[-1500:]


def _resident_kb(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1])


def raw(server: Any, *sent: bytes, user: str = "admin", timeout_s: float = 20.0) -> tuple[int, bytes]:
    """(status, everything that was answered) to bytes as they are; 0 where the connection was closed without an answer."""
    answer = b""
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=timeout_s)
    with server.context(user).wrap_socket(plain, server_hostname="localhost") as sock, contextlib.suppress(OSError):
        for part in sent:
            sock.sendall(part)
        while chunk := sock.recv(65536):
            answer += chunk
    found = re.match(rb"HTTP/1.1 (\d+)", answer)
    return (int(found[1]) if found else 0), answer


def request(target: str, headers: str = "", method: str = "GET") -> bytes:
    return f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n".encode("latin-1")


BODIES: list[tuple[str, bytes, set[int]]] = [
    ("no JSON", b"{", {400}),
    ("nothing", b"", {400}),
    ("a list", b"[]", {400}),
    ("a number", b"1", {400}),
    ("null", b"null", {422}),
    ("deep lists", b'{"metadata":{"name":"x"},"data":' + b"[" * DEEP + b"]" * DEEP + b"}", {400}),
    ("deep objects", b'{"a":' * DEEP + b"1" + b"}" * DEEP, {400}),
    ("not UTF-8", b'{"metadata":{"name":"\xff\xfe"}}', {400}),
    ("a lone surrogate", b'{"metadata":{"name":"\\ud800"}}', {400, 422}),
    ("a NUL in a name", b'{"metadata":{"name":"a\\u0000b"}}', {422}),
    ("a NUL in a key", b'{"metadata":{"name":"nul"},"data":{"a\\u0000":"b"}}', {422}),
    ("a slash in a name", b'{"metadata":{"name":"../../x"}}', {422}),
    ("a huge number", b'{"metadata":{"name":"n","generation":1e999}}', {400}),
    ("a long number", b'{"metadata":{"name":"n","generation":' + b"9" * 5000 + b"}}", {400}),
    ("a wrong type", b'{"metadata":{"name":"n"},"data":{"a":{"b":1}}}', {400}),
    ("a version of its own", b'{"metadata":{"name":"n","resourceVersion":"5"}}', {500}),  # upstream's code, too
    ("a version that is none", b'{"metadata":{"name":"unversioned","resourceVersion":"-1"}}', {201}),
    ("another kind", b'{"kind":"Secret","apiVersion":"v1","metadata":{"name":"n"}}', {400}),
    ("too large an object", b'{"metadata":{"name":"n"},"data":{"a":"' + b"x" * 1_600_000 + b'"}}', {413, 422}),
    ("too large a body", b'{"metadata":{"name":"n"},"data":{"a":"' + b"x" * 3_200_000 + b'"}}', {413}),
    ("many keys", b'{"metadata":{"name":"n"},"x":{' + b",".join(b'"k%d":1' % n for n in range(100_000)) + b"}}", {201, 400, 409}),
]


@pytest.mark.parametrize(("body", "codes"), [case[1:] for case in BODIES], ids=[case[0] for case in BODIES])
def test_bodies(server: Any, body: bytes, codes: set[int]) -> None:
    code, status = server.call("POST", f"{MAPS}?dryRun=All", body)
    assert code in codes, (code, str(status)[:300])
    if code >= 400:
        assert status["kind"] == "Status" and status["message"] and len(json.dumps(status)) < 20_000


@pytest.mark.parametrize(
    ("media", "body"),
    [
        ("application/yaml", b"a: &a [*a]"),
        ("application/yaml", b"{" * DEEP),
        ("application/yaml", b"a: !!python/object/apply:os.system [id]"),
        ("application/json-patch+json", b'[{"op":"copy","from":"","path":"/data"}]'),
        ("application/json-patch+json", b"[" + b",".join([b'{"op":"test","path":"/a","value":1}'] * 20_000) + b"]"),
        ("application/merge-patch+json", b"[]"),
        ("application/apply-patch+yaml", b"- a\n- b"),
        ("application/strategic-merge-patch+json", b'{"metadata":' * DEEP + b"1" + b"}" * DEEP),
        ("application/vnd.kubernetes.protobuf", b"k8s\x00\x0a\xff\xff\xff\xff\x0f"),
        ("application/vnd.kubernetes.protobuf", b"k8s\x00" + b"\x12\x80" * 5000),
        ("application/cbor", b"\xbf"),
    ],
)
def test_other_forms_of_bodies(server: Any, media: str, body: bytes) -> None:
    method, path = ("PATCH", f"{MAPS}/kube-root-ca.crt") if "patch" in media else ("POST", MAPS)
    code, status = server.call(method, f"{path}?fieldManager=x", body, headers={"Content-Type": media})
    assert code in (400, 404, 413, 415, 422) and status["kind"] == "Status", (code, status)


@pytest.mark.parametrize(
    "path", ["/foo", "/apis/foo", "/apis/foo/v1", "/apis/foo/v1/bars", "/healthz/foo", "/openapi", "/.well-known", "/ui/"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_paths_that_nobody_knows_are_answered_with_text(server: Any, method: str, path: str) -> None:
    if method == "GET" or "health" not in path:
        assert server.call(method, path) == (404, b"404 page not found\n")


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "message"),
    [
        ("POST", "/healthz", None, 200, b"ok"),
        ("DELETE", "/livez/ping", None, 200, b"ok"),
        ("HEAD", f"{MAPS}/kube-root-ca.crt", None, 405, b""),
        ("PUT", "/api/v1/namespaces/default", {"metadata": {"name": "default", "resourceVersion": "x"}}, 500, 'strconv.ParseUint: parsing "x": invalid syntax'),
        ("PATCH", "/api/v1/namespaces/default", {"metadata": {"resourceVersion": "x"}}, 500, 'strconv.ParseUint: parsing "x": invalid syntax'),
        ("PUT", "/api/v1/namespaces/none", {"metadata": {"name": "none", "resourceVersion": "x"}}, 404, 'namespaces "none" not found'),
        ("PUT", "/api/v1/namespaces/default", {"metadata": {"name": "default", "resourceVersion": "0"}}, 200, None),
        ("POST", "/api/v1/namespaces/default/events", {"metadata": {"name": "e"}, "involvedObject": {"namespace": "default"}, "firstTimestamp": "once"}, 400,
         'Event in version "v1" cannot be handled as a Event: parsing time "once" as "2006-01-02T15:04:05Z07:00": cannot parse "once" as "2006"'),
        ("GET", "/api/v1/pods?fieldSelector=status.podIPs%3Dx", None, 200, None),
        ("GET", "/api/v1/pods?fieldSelector=spec.host%3Dx", None, 200, None),
        ("POST", "/apis/batch/v1/namespaces/default/cronjobs", {"metadata": {"name": "x"}, "spec": {"schedule": "@daily"}}, 422, 'CronJob.batch "x" is invalid: [spec.jobTemplate.spec.template.spec.containers: Required value, spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"]'),
    ],
)  # fmt: skip
def test_odd_requests_are_answered_as_upstream_answers_them(
    server: Any, method: str, path: str, body: Any, code: int, message: Any
) -> None:
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    answer, found = server.call(method, path, body, headers={"Content-Type": kind}, raw=message == b"ok")
    assert answer == code
    if message is not None:
        assert found == message if isinstance(message, bytes) else found["message"] == message


@pytest.mark.parametrize("path", ["/api/v2", "/api/v1/foo", "/apis/apps/v9", "/apis/apps/v1/foo", "/version/x"])
def test_paths_below_known_ones_are_answered_with_a_status(server: Any, path: str) -> None:
    code, status = server.call("GET", path)
    assert (code, status["reason"], status["details"]) == (404, "NotFound", {})


def test_who_wants_yaml_is_refused_in_yaml(server: Any) -> None:
    code, text = server.call("GET", f"{MAPS}/none", headers={"Accept": "application/yaml"})
    assert code == 404 and yaml.safe_load(text)["reason"] == "NotFound"


@pytest.mark.parametrize(
    "target",
    [
        "/api/v1/namespaces/default/../kube-system/secrets",
        "/api/v1/namespaces/default/%2e%2e/kube-system/secrets",
        "/api/v1/namespaces/default%2f..%2fkube-system/secrets",
        "/api/v1/namespaces/kube-system%2fsecrets",
        "//api//v1//namespaces//kube-system//secrets",
        "/healthz/../api/v1/secrets",
        "/healthz%2f..%2fapi/v1/secrets",
        "/api/v1/secrets;x=y",
        "/api/v1/namespaces/kube-system/secrets%00",
        "/api/v1/namespaces/kube-system/secrets/%0d%0aX-Injected:1",
        "http://127.0.0.1/api/v1/secrets",
        "/API/V1/SECRETS",
        "/api/v1/watch/secrets",
        "/api/v1/namespaces/.//secrets",
    ],
)
def test_paths_lead_nobody_past_authorization(server: Any, target: str) -> None:
    code, answer = raw(server, request(target), user="alice")
    assert code in (400, 403, 404), answer[:300]
    assert b"X-Injected" not in answer.split(b"\r\n\r\n")[0] and b'"items"' not in answer


@pytest.mark.parametrize(
    "sent",
    [
        request(MAPS, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "POST") + b"0\r\n\r\nGET /api/v1/secrets HTTP/1.1\r\n\r\n",
        request(MAPS, "Content-Length: 5\r\nContent-Length: 6\r\n", "POST") + b"{}   x",
        request(MAPS, "Content-Length: -1\r\n", "POST"),
        request(MAPS, "Content-Length: 1e3\r\n", "POST"),
        request(MAPS, "Transfer-Encoding: xchunked\r\n", "POST") + b"0\r\n\r\n",
        request(MAPS, "Transfer-Encoding : chunked\r\n", "POST") + b"0\r\n\r\n",
        request(MAPS, "Transfer-Encoding: chunked\r\n", "POST") + b"fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        request(MAPS, "Transfer-Encoding: chunked\r\n", "POST") + b"zz\r\n{}\r\n0\r\n\r\n",
        request(MAPS, "X-A: 1\r\n folded\r\n"),
        request(MAPS, "X-\x01A: 1\r\n"),
        request(MAPS, "X-A: a\x00b\r\n"),
        b"GET " + MAPS.encode() + b" HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x00\x00",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_framing_that_two_could_read_differently(server: Any, sent: bytes) -> None:
    code, answer = raw(server, sent + b"\r\n\r\n")
    assert code in (0, 400, 405, 415, 501, 505), answer[:300]
    assert answer.count(b"HTTP/1.1 ") <= 1 and b'"items"' not in answer


@pytest.mark.parametrize(
    "headers",
    [
        "X-A: " + "a" * 200_000 + "\r\n",
        "".join(f"X-{n}: a\r\n" for n in range(5000)),
        "Authorization: Bearer " + "a" * 60_000 + "\r\n",
        "Accept: " + ",".join(["application/json;q=0.1;as=Table"] * 900) + "\r\n",
        "Impersonate-User: \r\n",
        "Authorization: Bearer a.b.c\r\n",
        "Authorization: Basic x\r\n",
        "Authorization: Bearer \xff\xfe\r\n",
        "Audit-Id: x\x0by\r\n",
    ],
    ids=lambda text: text[:24],
)
def test_floods_and_odd_headers(server: Any, headers: str) -> None:
    code, answer = raw(server, request("/api/v1/namespaces/default", headers))
    # Impersonating nobody is 500, as upstream has it.
    assert code in ((500,) if "Impersonate" in headers else (0, 200, 400, 401, 403, 406, 431)), answer[:300]


@pytest.mark.parametrize(
    "query",
    ["limit=-1", "limit=99999999999999999999", "limit=a", "continue=a", "continue=e30", "labelSelector=%00", "labelSelector=a in (", "fieldSelector=a",
     "fieldSelector=metadata.name%3D%00", "resourceVersion=-1", "resourceVersion=1e9", "watch=maybe&resourceVersion=-1", "timeoutSeconds=x&watch=1", "dryRun=Some",
     "watch=1&resourceVersion=9999999999999999999999"],
)  # fmt: skip
def test_queries(server: Any, query: str) -> None:
    code, status = server.call("GET", f"{MAPS}?{query.replace(' ', '%20')}")
    assert code in (200, 400, 422) and status["kind"] in ("Status", "ConfigMapList"), (code, status)


def test_idle_and_half_sent_connections_cost_nobody_else(server: Any) -> None:
    context = server.context()
    held = []
    for number in range(100):
        sock = context.wrap_socket(socket.create_connection(("127.0.0.1", server.port), timeout=20), server_hostname="localhost")
        sock.sendall((b"", b"GET ", request(MAPS, "Content-Length: 1000\r\n", "POST"), request(f"{MAPS}?watch=1")[:-2])[number % 4])
        held.append(sock)
    started = time.monotonic()
    for _ in range(10):
        assert server.call("GET", f"{MAPS}?limit=1")[0] == 200
    assert time.monotonic() - started < 10
    for sock in held:
        sock.close()
