"""Proves that custom resources are converted by their webhook in every verb, and that their rules in CEL are asked on a real server."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


class Converter(BaseHTTPRequestHandler):
    """v1 has spec.address, v2 has spec.host and spec.port."""

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
        objects = [self.converted(each, request["desiredAPIVersion"]) for each in request["objects"]]
        response = {"uid": request["uid"], "result": {"status": "Success"}, "convertedObjects": objects}
        body = json.dumps({"apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview", "response": response}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @staticmethod
    def converted(each: dict[str, Any], version: str) -> dict[str, Any]:
        spec = each["spec"]
        if version.endswith("/v2"):
            host, _, port = spec["address"].partition(":")
            return {**each, "apiVersion": version, "spec": {"host": host, "port": int(port)}}
        return {**each, "apiVersion": version, "spec": {"address": f"{spec['host']}:{spec['port']}"}}

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def converter(server: Any) -> Iterator[dict[str, Any]]:
    listening = ThreadingHTTPServer(("127.0.0.1", 0), Converter)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.pki.path("server.crt"), server.pki.path("server.key"))
    listening.socket = context.wrap_socket(listening.socket, server_side=True)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    ca = base64.b64encode(Path(server.pki.path("ca.crt")).read_bytes()).decode()
    yield {"url": f"https://127.0.0.1:{listening.server_port}/convert", "caBundle": ca}
    listening.shutdown()
    listening.server_close()
    thread.join()


def definition(plural: str, kind: str, versions: list[dict[str, Any]], **spec: Any) -> dict[str, Any]:
    names = {"plural": plural, "kind": kind}
    return {
        "metadata": {"name": f"{plural}.example.org"},
        "spec": {"group": "example.org", "scope": "Namespaced", "names": names, "versions": versions, **spec},
    }


def version(name: str, *, storage: bool, **spec: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"spec": {"type": "object", **spec}}}
    return {"name": name, "served": True, "storage": storage, "schema": {"openAPIV3Schema": schema}}


def make(server: Any, document: dict[str, Any]) -> None:
    code, made = server.call("POST", DEFINITIONS, document)
    assert code == 201, made
    path = f"/apis/example.org/v1/{document['spec']['names']['plural']}"
    deadline = time.monotonic() + 10
    while server.status(path) != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def hosts(server: Any, converter: dict[str, Any]) -> Iterator[str]:
    v1 = version("v1", storage=True, properties={"address": {"type": "string"}})
    v2 = version("v2", storage=False, properties={"host": {"type": "string"}, "port": {"type": "integer"}}, required=["host"])
    conversion = {"strategy": "Webhook", "webhook": {"clientConfig": converter, "conversionReviewVersions": ["v1"]}}
    make(server, definition("hosts", "Host", [v1, v2], conversion=conversion))
    yield "/apis/example.org/{}/namespaces/{}/hosts"
    server.kubectl("delete", "crd", "hosts.example.org", "--timeout=20s")


def test_every_verb_converts(server: Any, namespace: str, hosts: str) -> None:
    one, two = hosts.format("v1", namespace), hosts.format("v2", namespace)
    code, made = server.call(
        "POST", one, {"metadata": {"name": "a"}, "spec": {"address": "x:1"}, "apiVersion": "example.org/v1", "kind": "Host"}
    )
    assert code == 201, made
    code, made = server.call(
        "POST", two, {"metadata": {"name": "b"}, "spec": {"host": "y", "port": 2}, "apiVersion": "example.org/v2", "kind": "Host"}
    )
    assert code == 201 and made["apiVersion"] == "example.org/v2" and made["spec"] == {"host": "y", "port": 2}
    assert server.call("GET", f"{one}/b")[1]["spec"] == {"address": "y:2"}
    got = server.call("GET", f"{two}/a")[1]
    assert got["spec"] == {"host": "x", "port": 1} and got["apiVersion"] == "example.org/v2"
    listed = server.call("GET", two)[1]
    assert [each["spec"] for each in listed["items"]] == [{"host": "x", "port": 1}, {"host": "y", "port": 2}]
    merge = {"Content-Type": "application/merge-patch+json"}
    code, made = server.call("PATCH", f"{two}/a", {"spec": {"port": 7}}, headers=merge)
    assert code == 200 and made["spec"] == {"host": "x", "port": 7}
    assert server.call("GET", f"{one}/a")[1]["spec"] == {"address": "x:7"}
    events = server.call("GET", f"{two}?watch=1&timeoutSeconds=1", raw=True)[1].decode().splitlines()
    assert {json.loads(line)["object"]["spec"]["host"] for line in events} == {"x", "y"}
    assert server.call("DELETE", f"{two}/b")[0] == 200


def test_a_converter_that_is_away_is_an_error_of_its_version_only(server: Any, namespace: str, hosts: str) -> None:
    one, two = hosts.format("v1", namespace), hosts.format("v2", namespace)
    assert (
        server.call(
            "POST", one, {"metadata": {"name": "odd"}, "spec": {"address": "no-port"}, "apiVersion": "example.org/v1", "kind": "Host"}
        )[0]
        == 201
    )
    code, status = server.call("GET", f"{two}/odd")
    assert code == 500 and "conversion webhook for example.org/v2, Kind=Host failed" in status["message"]
    assert server.call("GET", f"{one}/odd")[0] == 200
    assert server.call("DELETE", f"{one}/odd")[0] == 200


@pytest.fixture(scope="module")
def limits(server: Any) -> Iterator[str]:
    rules = [
        {"rule": "self.low <= self.high", "message": "low is above high"},
        {"rule": "self.high >= oldSelf.high", "messageExpression": "'was ' + string(oldSelf.high)"},
    ]
    properties = {"low": {"type": "integer"}, "high": {"type": "integer"}, "note": {"type": "string"}}
    make(
        server,
        definition("limits", "Limit", [{**version("v1", storage=True, properties=properties, **{"x-kubernetes-validations": rules})}]),
    )
    yield "/apis/example.org/v1/namespaces/{}/limits"
    server.kubectl("delete", "crd", "limits.example.org", "--timeout=20s")


def test_rules_are_asked_of_new_objects_and_of_changes(server: Any, namespace: str, limits: str) -> None:
    path = limits.format(namespace)

    def body(low: int, high: int) -> dict[str, Any]:
        return {"apiVersion": "example.org/v1", "kind": "Limit", "metadata": {"name": "a"}, "spec": {"low": low, "high": high}}

    code, status = server.call("POST", path, body(3, 1))
    assert code == 422 and status["message"] == 'Limit.example.org "a" is invalid: spec: Invalid value: "object": low is above high'
    assert server.call("POST", path, body(1, 3))[0] == 201
    merge = {"Content-Type": "application/merge-patch+json"}
    code, status = server.call("PATCH", f"{path}/a", {"spec": {"high": 2}}, headers=merge)
    assert code == 422 and "was 3" in status["message"]
    assert server.call("PATCH", f"{path}/a", {"spec": {"high": 4}}, headers=merge)[0] == 200


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("self.missing == 1", "undefined field 'missing'"),
        ("self.n ==", "Syntax error"),
        ("self.l.all(a, self.l.all(b, a == b))", "estimated rule cost exceeds budget"),
    ],
)
def test_rules_are_checked_with_their_definition(server: Any, rule: str, message: str) -> None:
    properties = {"n": {"type": "integer"}, "l": {"type": "array", "items": {"type": "string"}}}
    spec = version("v1", storage=True, properties=properties, **{"x-kubernetes-validations": [{"rule": rule}]})
    code, status = server.call("POST", f"{DEFINITIONS}?dryRun=All", definition("wrongs", "Wrong", [spec]))
    assert code == 422 and message in status["message"]
    assert "spec.versions[0].schema.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule" in status["message"]
