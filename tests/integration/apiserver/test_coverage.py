"""Proves that every resource, verb, subresource and query parameter of the API's field list is served as documented, or that docs/api-server.md
says why not."""

from __future__ import annotations

import base64
import http.client
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from provisioner.kube.api._generated.resources import RESOURCES, Resource

HERE = Path(__file__).parent
DOCS = HERE.parents[2] / "docs" / "api-server.md"
OBJECTS = {(o["apiVersion"], o["kind"]): o for o in yaml.safe_load((HERE / "objects.yaml").read_text())}
STORED = [r for r in RESOURCES if "create" in r.verbs and "get" in r.verbs]
QUESTIONS = [r for r in RESOURCES if r.verbs == ("create",) and r.kind != "Binding"]
# What tests/integration/apiserver/test_streams.py opens to a kubelet of its own.
STREAMS = {"attach", "exec", "log", "portforward", "proxy"}
WRITES = {"dryRun": "All", "fieldManager": "cover", "fieldValidation": "Strict", "pretty": "true"}
DELETES = {"gracePeriodSeconds": "0", "propagationPolicy": "Background", "pretty": "true"}
Case = tuple[str, str]

exercised: set[Case] = set()


def title(resource: Resource, sub: str = "") -> str:
    return f"{resource.api_version}/{resource.plural}" + (f"/{sub}" if sub else "")


class Session:
    """One connection, and a note of what has been asked and answered well."""

    def __init__(self, server: Any) -> None:
        self._connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=server.context(), timeout=30)

    def close(self) -> None:
        self._connection.close()

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: dict[str, str] | None = None,
        media: str = "application/json",
        accept: str = "",
    ) -> tuple[int, Any]:
        url = path + (f"?{urlencode(query)}" if query else "")
        data = json.dumps(body).encode() if body is not None else None
        self._connection.request(method, url, data, {"Content-Type": media, "Accept": accept or "application/json"})
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")

    def good(self, case: Case, code: int, method: str, path: str, body: Any = None, **options: Any) -> Any:
        found, document = self.ask(method, path, body, **options)
        assert found == code, f"{method} {path} {options}: {found} {json.dumps(document)[:600]}"
        exercised.add(case)
        return document


@pytest.fixture(scope="module")
def session(server: Any) -> Iterator[Session]:
    made = Session(server)
    yield made
    made.close()


@pytest.fixture(scope="module")
def place(server: Any) -> str:
    assert server.call("POST", "/api/v1/namespaces", {"metadata": {"name": "cover"}})[0] == 201
    assert server.call("POST", "/api/v1/namespaces/cover/serviceaccounts", {"metadata": {"name": "default"}})[0] == 201
    return "cover"


def request_of(server: Any) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return base64.b64encode(made.public_bytes(serialization.Encoding.PEM)).decode()


def new(server: Any, resource: Resource, name: str, place: str) -> dict[str, Any]:
    """A fresh object of a kind, under its own name where the kind asks for one."""
    text = json.dumps({k: v for k, v in OBJECTS[(resource.api_version, resource.kind)].items() if k != "change"})
    text = text.replace("NAMESPACE", place).replace('"CERTIFICATE"', json.dumps(Path(server.pki.path("ca.crt")).read_text()))
    made: dict[str, Any] = json.loads(text.replace('"REQUEST"', json.dumps(request_of(server)) if "REQUEST" in text else '""'))
    made.setdefault("metadata", {}).setdefault("name", name)
    made["metadata"]["labels"] = {"cover": made["metadata"]["name"]}
    return made


# The server writes their status as soon as it sees them.
STATUS_IS_OURS = ("CustomResourceDefinition", "ValidatingAdmissionPolicy")


@pytest.mark.parametrize("resource", STORED, ids=title)
def test_every_verb_of(resource: Resource, server: Any, session: Session, place: str) -> None:
    name = f"cover-{resource.plural}-{resource.version}"
    base, one = title(resource), new(server, resource, name, place)
    name = one["metadata"]["name"]
    path = resource.path(place if resource.namespaced else "")
    item = f"{path}/{name}"
    if resource.kind != "Namespace":
        session.good((base, "create"), 201, "POST", path, one, query=WRITES)
    assert session.ask("GET", item)[0] == 404
    made = session.good((base, "create"), 201, "POST", path, one, query={"fieldManager": "cover"})
    assert made["metadata"]["name"] == name and made["metadata"]["uid"] and made["kind"] == resource.kind
    got = session.good((base, "get"), 200, "GET", item, query={"pretty": "true", "resourceVersion": made["metadata"]["resourceVersion"]})
    if resource.kind in STATUS_IS_OURS:
        assert (got["spec"], got["metadata"]["uid"]) == (made["spec"], made["metadata"]["uid"])
        ends = time.monotonic() + 20
        while not session.ask("GET", item)[1].get("status"):
            assert time.monotonic() < ends, f"nobody wrote the status of {item}"
            time.sleep(0.05)
    else:
        assert got == made
    _list_and_watch(session, resource, base, path, name)
    for _ in range(5):
        latest = session.ask("GET", item)[1]
        latest["metadata"]["annotations"] = {"a": "1"}
        code, changed = session.ask("PUT", item, latest, query={"fieldManager": "cover"})
        if code != 409:
            break
    assert code == 200, changed
    exercised.add((base, "update"))
    assert changed["metadata"]["annotations"]["a"] == "1"
    if not _replaced_by_others(resource):
        session.good((base, "update"), 200, "PUT", item, {k: v for k, v in changed.items() if k != "status"}, query=WRITES)
    _patch(session, resource, base, item, one)
    for sub in resource.subresources:
        if sub.name == "status":
            _status(session, base, item)
        elif sub.name == "scale":
            _scale(session, base, item)
    _delete(session, resource, base, path, item, server, one)


def _replaced_by_others(resource: Resource) -> bool:
    """Whether the server itself writes their status as soon as they are there."""
    return resource.kind in ("FlowSchema", "CustomResourceDefinition", "APIService")


def _list_and_watch(session: Session, resource: Resource, base: str, path: str, name: str) -> None:
    selected = {"labelSelector": f"cover={name}", "fieldSelector": f"metadata.name={name}", "limit": "5", "pretty": "true"}
    listed = session.good((base, "list"), 200, "GET", path, query=selected)
    assert [i["metadata"]["name"] for i in listed["items"]] == [name] and listed["kind"] == f"{resource.kind}List"
    version = listed["metadata"]["resourceVersion"]
    for more in ({"resourceVersion": "0"}, {"resourceVersion": version, "resourceVersionMatch": "NotOlderThan"}, {"timeoutSeconds": "9"}):
        assert session.good((base, "list"), 200, "GET", path, query=selected | more)["items"] == listed["items"]
    everywhere = session.good((base, "list"), 200, "GET", resource.path(), query=selected)
    assert everywhere["items"] == listed["items"]
    accept = "application/json;as=Table;g=meta.k8s.io;v=v1"
    table = session.good((base, "list"), 200, "GET", path, query={**selected, "includeObject": "None"}, accept=accept)
    assert (
        len(table["columnDefinitions"]) == len(table["rows"][0]["cells"]) and name in map(str, table["rows"][0]["cells"])
    ) or "events" in base
    watch = {"watch": "true", "sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    url = f"{path}?{urlencode({**watch, 'labelSelector': selected['labelSelector'], 'timeoutSeconds': '20'})}"
    connection = session._connection
    connection.request("GET", url)
    answer = connection.getresponse()
    assert answer.status == 200
    events = [json.loads(answer.readline()) for _ in range(2)]
    connection.close()
    assert [e["type"] for e in events] == ["ADDED", "BOOKMARK"] and events[0]["object"] == listed["items"][0]
    exercised.add((base, "watch"))


def _patch(session: Session, resource: Resource, base: str, item: str, one: dict[str, Any]) -> None:
    label = {"metadata": {"labels": {"patched": "1"}}}
    for media in ("application/merge-patch+json", "application/strategic-merge-patch+json"):
        patched = session.good((base, "patch"), 200, "PATCH", item, label, media=media)
        assert patched["metadata"]["labels"]["patched"] == "1"
        label = {"metadata": {"labels": {"patched": "1", "again": media[-4:]}}}
    change = OBJECTS[(resource.api_version, resource.kind)].get("change")
    if change is not None:
        before = session.ask("GET", item)[1]
        after = session.good((base, "patch"), 200, "PATCH", item, change, media="application/merge-patch+json")
        assert after != before and after["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"]
    operations = [
        {"op": "add", "path": "/metadata/labels/json", "value": "1"},
        {"op": "test", "path": "/metadata/labels/json", "value": "1"},
    ]
    session.good((base, "patch"), 200, "PATCH", item, operations, media="application/json-patch+json", query=WRITES)
    applied = {"apiVersion": one["apiVersion"], "kind": one["kind"], "metadata": {"labels": {"applied": "1"}}}
    query = {"fieldManager": "applier", "force": "true", "fieldValidation": "Strict"}
    found = session.good((base, "patch"), 200, "PATCH", item, applied, media="application/apply-patch+yaml", query=query)
    managers = {entry["manager"]: entry["operation"] for entry in found["metadata"]["managedFields"]}
    assert managers["applier"] == "Apply" and managers["cover"] == "Update"


def _status(session: Session, base: str, item: str) -> None:
    got = session.good((f"{base}/status", "get"), 200, "GET", f"{item}/status")
    got.setdefault("status", {})
    put = session.good((f"{base}/status", "update"), 200, "PUT", f"{item}/status", got, query={"fieldManager": "cover"})
    assert put["metadata"]["uid"] == got["metadata"]["uid"]
    media = "application/merge-patch+json"
    session.good((f"{base}/status", "patch"), 200, "PATCH", f"{item}/status", {"status": {}}, media=media, query=WRITES)


def _scale(session: Session, base: str, item: str) -> None:
    scale = session.good((f"{base}/scale", "get"), 200, "GET", f"{item}/scale")
    assert (scale["kind"], scale["apiVersion"]) == ("Scale", "autoscaling/v1")
    scale["spec"]["replicas"] = 7
    assert session.good((f"{base}/scale", "update"), 200, "PUT", f"{item}/scale", scale)["spec"]["replicas"] == 7
    patch = {"spec": {"replicas": 8}}
    for media in ("application/merge-patch+json", "application/strategic-merge-patch+json"):
        session.good((f"{base}/scale", "patch"), 200, "PATCH", f"{item}/scale", patch, media=media)
    assert session.ask("GET", item)[1]["spec"]["replicas"] == 8


def _delete(session: Session, resource: Resource, base: str, path: str, item: str, server: Any, one: dict[str, Any]) -> None:
    session.good((base, "delete"), 200, "DELETE", item, query={**DELETES, "dryRun": "All"})
    session.good((base, "delete"), 200, "DELETE", item, {"kind": "DeleteOptions", "apiVersion": "v1"}, query=DELETES)
    _let_go(session, item)
    if "deletecollection" not in resource.verbs:
        return
    found, _ = session.ask("POST", path, {**one, "metadata": {**one["metadata"], "labels": {"cover": "collection"}}})
    assert found == 201
    query = {"labelSelector": "cover=collection", **DELETES}
    session.good((base, "deletecollection"), 200, "DELETE", path, query={**query, "dryRun": "All"})
    assert session.ask("GET", item)[0] == 200
    session.good((base, "deletecollection"), 200, "DELETE", path, query=query)
    _let_go(session, item)


def _let_go(session: Session, item: str) -> None:
    """No controllers run here: what protects an object is taken away by hand."""
    code, left = session.ask("GET", item)
    if code == 200 and (left["metadata"].get("finalizers") or left["kind"] == "Namespace"):
        assert left["metadata"]["deletionTimestamp"]
        if left["kind"] == "Namespace":
            left["spec"]["finalizers"] = []
            session.good(("v1/namespaces/finalize", "update"), 200, "PUT", f"{item}/finalize", left)
        else:
            session.ask("PATCH", item, {"metadata": {"finalizers": None}}, media="application/merge-patch+json")
    for _ in range(50):
        if session.ask("GET", item)[0] == 404:
            return
    raise AssertionError(f"{item} is still there")


@pytest.mark.parametrize("resource", QUESTIONS, ids=title)
def test_every_question(resource: Resource, session: Session, place: str) -> None:
    attributes = {"resourceAttributes": {"verb": "get", "resource": "pods", "namespace": place}}
    spec = {
        "SelfSubjectReview": None,
        "TokenReview": {"token": "none"},
        "SelfSubjectRulesReview": {"namespace": place},
        "SelfSubjectAccessReview": attributes,
    }.get(resource.kind, {**attributes, "user": "somebody"})
    body = {"apiVersion": resource.api_version, "kind": resource.kind, **({"spec": spec} if spec else {})}
    path = resource.path(place if resource.namespaced else "")
    answered = session.good((title(resource), "create"), 201, "POST", path, body, query={"fieldManager": "x", "pretty": "true"})
    assert answered["kind"] == resource.kind and "status" in answered


def test_subresources_of_pods(session: Session, place: str) -> None:
    pods = f"/api/v1/namespaces/{place}/pods"
    for name in ("one", "two"):
        spec = {"containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "100m"}}}]}
        assert session.ask("POST", pods, {"metadata": {"name": name}, "spec": spec})[0] == 201
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "one"}, "target": {"kind": "Node", "name": "n"}}
    session.good(("v1/pods/binding", "create"), 201, "POST", f"{pods}/one/binding", binding)
    binding["metadata"]["name"] = "two"
    session.good(("v1/bindings", "create"), 201, "POST", f"/api/v1/namespaces/{place}/bindings", binding)
    media = "application/strategic-merge-patch+json"
    for sub, patch in (
        ("ephemeralcontainers", {"spec": {"ephemeralContainers": [{"name": "debug", "image": "d"}]}}),
        ("resize", {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "200m"}}}]}}),
    ):
        case, path = f"v1/pods/{sub}", f"{pods}/one/{sub}"
        patched = session.good((case, "patch"), 200, "PATCH", path, patch, media=media)
        got = session.good((case, "get"), 200, "GET", path)
        assert got == patched
        assert session.good((case, "update"), 200, "PUT", path, got)["spec"] == got["spec"]
    resized = session.ask("PATCH", f"{pods}/one/resize", {"spec": {"containers": [{"name": "c", "image": "other"}]}}, media=media)
    assert resized[0] == 422 and "only cpu and memory resources are mutable" in resized[1]["message"]
    removed = {**got, "spec": {**got["spec"], "ephemeralContainers": []}}
    refused = session.ask("PUT", f"{pods}/one/ephemeralcontainers", removed)
    assert refused[0] == 422 and 'existing ephemeral containers "debug" may not be removed' in refused[1]["message"]
    found = session.ask("GET", f"{pods}/one")[1]["spec"]
    assert found["ephemeralContainers"][0]["name"] == "debug" and found["containers"][0]["resources"]["requests"]["cpu"] == "200m"
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "two"}, "deleteOptions": {"gracePeriodSeconds": 0}}
    session.good(("v1/pods/eviction", "create"), 201, "POST", f"{pods}/two/eviction", eviction)
    assert session.ask("GET", f"{pods}/two")[0] == 404


def test_tokens_and_approvals(server: Any, session: Session, place: str) -> None:
    path = f"/api/v1/namespaces/{place}/serviceaccounts/default/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": ["a"], "expirationSeconds": 600}}
    made = session.good(("v1/serviceaccounts/token", "create"), 201, "POST", path, body)
    assert made["status"]["token"].count(".") == 2
    kind = next(r for r in RESOURCES if r.kind == "CertificateSigningRequest")
    asked = session.ask("POST", kind.path(), new(server, kind, "approve-me", place))[1]
    path = f"{kind.path()}/{asked['metadata']['name']}/approval"
    got = session.good((f"{title(kind)}/approval", "get"), 200, "GET", path)
    condition = {"type": "Approved", "status": "True", "reason": "Tested", "message": "m"}
    got["status"] = {"conditions": [condition]}
    put = session.good((f"{title(kind)}/approval", "update"), 200, "PUT", path, got)
    assert put["status"]["conditions"][0]["type"] == "Approved"
    patch = {"metadata": {"labels": {"a": "b"}}, "status": {"conditions": put["status"]["conditions"]}}
    session.good((f"{title(kind)}/approval", "patch"), 200, "PATCH", path, patch, media="application/merge-patch+json")


def test_components(session: Session) -> None:
    listed = session.good(("v1/componentstatuses", "list"), 200, "GET", "/api/v1/componentstatuses")
    name = listed["items"][0]["metadata"]["name"]
    session.good(("v1/componentstatuses", "get"), 200, "GET", f"/api/v1/componentstatuses/{name}")


def test_nothing_is_left_out() -> None:
    """Runs last: everything in the field list is in `exercised`, or in the documentation's list of exceptions."""
    wanted = {(title(r), verb) for r in RESOURCES for verb in r.verbs}
    wanted |= {(title(r, sub.name), verb) for r in RESOURCES for sub in r.subresources for verb in sub.verbs}
    streamed = {case for case in wanted if case[0].rpartition("/")[2] in STREAMS}
    excepted = {
        (found[1], verb)
        for found in re.finditer(r"^\| `([a-z0-9./]+)` \| ([a-z, ]+) \|", DOCS.read_text(), re.M)
        for verb in found[2].split(", ")
    }
    assert excepted <= wanted, "docs/api-server.md excepts what the field list does not have"
    assert wanted - exercised - streamed == excepted
