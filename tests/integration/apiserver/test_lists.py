"""Proves lists and watches as clients rely on them: pages of one moment on any server, versions, what has expired, forms of watches."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"
PARTIAL = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


@pytest.fixture
def maps(server: Any, namespace: str) -> str:
    """Eight config maps."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    for number in range(8):
        made = {"metadata": {"name": f"m{number}", "labels": {"odd": str(number % 2)}}, "data": {"n": str(number)}}
        assert server.call("POST", path, made)[0] == 201
    return path


@pytest.fixture(scope="module")
def second(server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    made = type(server)(server.pki, tmp_path_factory.mktemp("second"), server.etcd_url)
    made.start()
    yield made
    made.stop()


def names(document: Any) -> list[str]:
    return [item["metadata"]["name"] for item in document["items"]]


def events(server: Any, path: str, count: int, accept: str = "application/json") -> list[Any]:
    """The first events of a watch."""
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=server.context(), timeout=20)
    connection.request("GET", path, headers={"Accept": accept})
    answer = connection.getresponse()
    try:
        assert answer.status == 200, answer.read()
        return [json.loads(answer.readline()) for _ in range(count)]
    finally:
        connection.close()


def test_pages_are_of_one_moment_and_go_on_at_any_server(server: Any, second: Any, maps: str) -> None:
    code, first = server.call("GET", f"{maps}?limit=3")
    assert code == 200 and names(first) == ["m0", "m1", "m2"] and first["metadata"]["remainingItemCount"] == 5
    assert server.call("DELETE", f"{maps}/m5")[0] == 200 and server.call("POST", maps, {"metadata": {"name": "m55"}})[0] == 201
    token = first["metadata"]["continue"]
    for one in (server, second):
        code, rest = one.call("GET", f"{maps}?limit=10&continue={token}")
        assert code == 200 and names(rest) == ["m3", "m4", "m5", "m6", "m7"]
        assert rest["metadata"] == {"resourceVersion": first["metadata"]["resourceVersion"]}
    assert names(server.call("GET", maps)[1])[-3:] == ["m55", "m6", "m7"]
    code, odd = second.call("GET", f"{maps}?limit=1&labelSelector=odd%3D1")
    assert names(odd) == ["m1"] and "remainingItemCount" not in odd["metadata"]


def test_a_list_of_a_version(server: Any, second: Any, maps: str) -> None:
    version = server.call("GET", maps)[1]["metadata"]["resourceVersion"]
    assert server.call("DELETE", f"{maps}/m0")[0] == 200
    for one in (server, second):
        code, then = one.call("GET", f"{maps}?resourceVersion={version}&resourceVersionMatch=Exact")
        assert (code, then["metadata"]["resourceVersion"]) == (200, version) and len(then["items"]) == 8
        assert len(one.call("GET", f"{maps}?resourceVersion={version}&resourceVersionMatch=NotOlderThan")[1]["items"]) <= 8
        assert len(one.call("GET", f"{maps}?resourceVersion={version}&limit=100")[1]["items"]) == 8
    start = f"{maps.split('/')[4]}/m0"
    token = base64.urlsafe_b64encode(json.dumps({"v": "meta.k8s.io/v1", "rv": 10**15, "start": start}).encode()).decode().rstrip("=")
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda query: server.call("GET", f"{maps}?{query}"), (f"resourceVersion={10**15}", f"continue={token}")))
    for code, status in found:
        assert code == 504 and status["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


def test_what_has_expired_says_how_to_go_on(pki: Any, tmp_path: Any, server: Any, make_etcd: Any, ports: list[int]) -> None:
    etcd = make_etcd(pki, tmp_path, ports[0])
    etcd.start()
    made = type(server)(pki, tmp_path, f"https://127.0.0.1:{ports[0]}", extra=("--etcd-compaction-interval=1s",))
    made.start()
    try:
        path = "/api/v1/namespaces/default/configmaps"
        for number in range(4):
            assert made.call("POST", path, {"metadata": {"name": f"x{number}"}})[0] == 201
        first = made.call("GET", f"{path}?limit=2")[1]["metadata"]
        made.stop()
        made.start()
        for _ in range(100):
            assert made.call("POST", path, {"metadata": {"generateName": "y"}})[0] == 201
            code, status = made.call("GET", f"{path}?limit=2&continue={first['continue']}")
            if code != 200:
                break
        assert (code, status["reason"]) == (410, "Expired")
        code, rest = made.call("GET", f"{path}?continue={status['metadata']['continue']}")
        assert (code == 200 and names(rest)[-2:] == ["x2", "x3"]) or names(rest)[0] == "x2"
        code, status = made.call("GET", f"{path}?resourceVersion={first['resourceVersion']}&resourceVersionMatch=Exact")
        assert (code, status["reason"]) == (410, "Expired")
        (told,) = events(made, f"{path}?watch=1&resourceVersion=64", 1)
        assert (told["type"], told["object"]["code"], told["object"]["reason"]) == ("ERROR", 410, "Expired")
    finally:
        made.stop()
        etcd.stop()


def test_an_initial_list_ends_with_a_bookmark(server: Any, maps: str) -> None:
    query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=20"
    found = events(server, f"{maps}?{query}", 9)
    assert [e["type"] for e in found] == ["ADDED"] * 8 + ["BOOKMARK"]
    last = found[-1]["object"]
    assert last["kind"] == "ConfigMap" and last["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    found = events(server, f"{maps}?{query}", 9, PARTIAL)
    assert {e["object"]["kind"] for e in found} == {"PartialObjectMetadata"} and found[-1]["object"]["metadata"]["annotations"]
    found = events(server, f"{maps}?{query}", 9, TABLE)
    assert {e["object"]["kind"] for e in found} == {"Table"} and found[0]["object"]["columnDefinitions"]
    assert found[1]["object"]["columnDefinitions"] is None and found[0]["object"]["rows"][0]["cells"][0] == "m0"
    assert found[-1]["type"] == "BOOKMARK"
    assert found[-1]["object"]["rows"][0]["object"]["metadata"]["annotations"] == last["metadata"]["annotations"]


def test_tables_of_flow_schemas_are_sorted_by_precedence(server: Any) -> None:
    path = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas"
    _, table = server.call("GET", path, headers={"Accept": TABLE})
    sorted_by = [(row["cells"][2], row["object"]["metadata"]["name"]) for row in table["rows"]]
    assert sorted_by == sorted(sorted_by) and [name for _, name in sorted_by] != sorted(name for _, name in sorted_by)


def test_what_a_deletecollection_has_deleted_comes_in_the_form_that_was_asked_for(server: Any, maps: str) -> None:
    _, table = server.call("DELETE", f"{maps}?dryRun=All&fieldSelector=metadata.name=m1", headers={"Accept": TABLE})
    assert table["kind"] == "Table" and [row["cells"][0] for row in table["rows"]] == ["m1"]
    _, partial = server.call("DELETE", f"{maps}?dryRun=All&limit=2", headers={"Accept": PARTIAL.replace("Metadata;", "MetadataList;")})
    assert partial["kind"] == "PartialObjectMetadataList" and names(partial) == ["m0", "m1"]


def test_forms_of_answers(server: Any, maps: str) -> None:
    code, table = server.call("GET", f"{maps}?limit=2&includeObject=Object", headers={"Accept": TABLE})
    assert code == 200 and table["rows"][0]["object"]["data"] == {"n": "0"} and table["metadata"]["remainingItemCount"] == 6
    code, partial = server.call("GET", f"{maps}?limit=2", headers={"Accept": PARTIAL.replace("Metadata;", "MetadataList;")})
    assert partial["kind"] == "PartialObjectMetadataList" and partial["metadata"]["remainingItemCount"] == 6
    for watch in ("", "&watch=1&timeoutSeconds=1"):
        code, status = server.call("GET", f"{maps}?includeObject=All{watch}", headers={"Accept": TABLE})
        assert code == 400 and status["message"].startswith('Unable to convert to Table as requested: includeObject: Invalid value: "All"')
    assert server.call("GET", maps, headers={"Accept": "text/html"})[0] == 406
    review = {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    assert server.call("POST", path, review, headers={"Accept": TABLE})[0] == 406
    assert server.call("POST", maps, b"<x/>", headers={"Content-Type": "application/xml"})[0] == 415


def test_a_watch_goes_on_at_another_server(server: Any, second: Any, maps: str) -> None:
    version = server.call("GET", maps)[1]["metadata"]["resourceVersion"]
    patch = {"Content-Type": "application/merge-patch+json"}
    for number in range(3):
        assert server.call("PATCH", f"{maps}/m{number}", {"data": {"x": "y"}}, headers=patch)[0] == 200
    seen = [events(one, f"{maps}?watch=1&resourceVersion={version}", 3) for one in (server, second)]
    assert seen[0] == seen[1] and [e["object"]["metadata"]["name"] for e in seen[0]] == ["m0", "m1", "m2"]
    again = events(second, f"{maps}?watch=1&resourceVersion={seen[0][0]['object']['metadata']['resourceVersion']}", 2)
    assert again == seen[0][1:]


def test_what_is_there_twice_or_unknown_is_told(server: Any, namespace: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    body = b"""{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"unknown1":"v","paused":true,"paused":false,
    "selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}"""
    code, status = server.call("POST", f"{path}?fieldValidation=Strict", body)
    assert code == 400 and 'strict decoding error: unknown field "spec.unknown1", duplicate field "spec.paused"' in status["message"]
    code, status = server.call("POST", f"{path}?fieldValidation=Odd", body)
    assert code == 422 and 'Unsupported value: "Odd"' in status["message"]
    assert server.call("POST", path, body)[0] == 201
    headers = {"Content-Type": "application/apply-patch+yaml"}
    code, status = server.call(
        "PATCH", f"{path}/d?fieldManager=x", b"apiVersion: apps/v1\nkind: Deployment\nspec: {unknown1: 1}", headers=headers
    )
    assert code == 500 and ".spec.unknown1: field not declared in schema" in status["message"]
    code, status = server.call("PATCH", f"{path}/d?fieldManager=x", b"apiVersion: apps/v2\nkind: Deployment", headers=headers)
    assert code == 400 and "Specified patch version: apps/v2, expected: apps/v1" in status["message"]
    twice = b"metadata: {name: d}\nspec:\n  paused: true\n  paused: false\n"
    code, status = server.call("PATCH", f"{path}/d?fieldManager=x&fieldValidation=Strict", twice, headers=headers)
    assert code == 400 and 'line 4: key "paused" already set in map' in status["message"]


def test_what_is_none_of_the_kind(server: Any, namespace: str) -> None:
    """A body is 400, a patch's result 422; amounts that are none are the decoder's to refuse."""
    path, merge = f"/api/v1/namespaces/{namespace}/pods", {"Content-Type": "application/merge-patch+json"}
    pod: dict[str, Any] = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    assert server.call("POST", path, pod)[0] == 201
    code, status = server.call("PATCH", f"{path}/p?fieldValidation=Strict", b'{"odd":1}', headers=merge)
    assert code == 422 and status["message"].startswith(' "" is invalid: patch: Invalid value: "{')
    assert status["message"].endswith('strict decoding error: unknown field "odd"')
    strategic = {"Content-Type": "application/strategic-merge-patch+json"}
    doubled = b'{"spec":{"odd":1,"odd":2,"hostname":"a","hostname":"b"}}'
    told = server.call("PATCH", f"{path}/p?fieldValidation=Strict", doubled, headers=strategic)[1]["message"]
    found = 'duplicate field "spec.odd", duplicate field "spec.hostname", unknown field "spec.odd"'
    assert told.endswith(f'Invalid value: "map[spec:map[hostname:b odd:2]]": strict decoding error: {found}')
    code, status = server.call("PATCH", f"{path}/p", b'{"spec":{"hostname":1}}', headers=merge)
    assert code == 422 and "cannot unmarshal number into Go struct field" in status["message"]
    pod["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "much"}}
    code, status = server.call("POST", path, {**pod, "metadata": {"name": "q"}})
    assert code == 400 and status["message"].startswith('Pod in version "v1" cannot be handled as a Pod: quantities must match')


def test_options_of_a_deletion(server: Any, maps: str) -> None:
    assert server.call("DELETE", f"{maps}/m0?gracePeriodSeconds=soon")[0] == 400
    assert server.call("DELETE", f"{maps}/m0?propagationPolicy=Sideways")[0] == 422
    code, status = server.call("DELETE", f"{maps}/m0", {"propagationPolicy": "Orphan", "orphanDependents": True})
    assert code == 422 and "cannot be both set" in status["message"]
    code, status = server.call("DELETE", f"{maps}/m0", {"preconditions": {"uid": "other"}})
    assert code == 409 and "The object might have been deleted and then recreated" in status["message"]
    code, status = server.call("DELETE", f"{maps}/m0", {"apiVersion": "v1", "kind": "Pod"})
    assert code == 400 and 'no kind "Pod" is registered' in status["message"]
    assert server.call("DELETE", f"{maps}/m0?dryRun=All")[0] == 200 and server.call("GET", f"{maps}/m0")[0] == 200
    code, left = server.call("DELETE", f"{maps}/m0?orphanDependents=true")
    assert code == 200 and left["metadata"]["finalizers"] == ["orphan"]
    code, listed = server.call("DELETE", f"{maps}?labelSelector=odd%3D1")
    assert code == 200 and names(listed) == ["m1", "m3", "m5", "m7"]
    assert names(server.call("GET", maps)[1]) == ["m0", "m2", "m4", "m6"]


def test_names_that_the_server_makes_up(server: Any, namespace: str) -> None:
    """What is made of a name, or taken in it, is there too."""
    spec = {"suspend": True, "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}}
    made = {"metadata": {"generateName": "made-"}}
    job = server.call("POST", f"/apis/batch/v1/namespaces/{namespace}/jobs", {**made, "spec": spec})[1]
    name = job["metadata"]["name"]
    assert name.startswith("made-") and job["spec"]["template"]["metadata"]["labels"]["batch.kubernetes.io/job-name"] == name
    space = server.call("POST", "/api/v1/namespaces?dryRun=All", made)[1]
    assert space["metadata"]["labels"] == {"kubernetes.io/metadata.name": space["metadata"]["name"]}
    service = server.call("POST", f"/api/v1/namespaces/{namespace}/services", {**made, "spec": {"ports": [{"port": 80}]}})[1]
    held = server.call("GET", f"/apis/networking.k8s.io/v1/ipaddresses/{service['spec']['clusterIP']}")[1]
    assert held["spec"]["parentRef"]["name"] == service["metadata"]["name"]
    pod = {**made, "spec": {"serviceAccountName": "nobody", "containers": [{"name": "c", "image": "i"}]}}
    assert server.call("POST", f"/api/v1/namespaces/{namespace}/pods", pod)[1]["message"].startswith('pods "made-" is forbidden')


def test_what_is_the_systems_stays(server: Any) -> None:
    code, refused = server.call("DELETE", "/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical")
    told = "is forbidden: this is a system priority class and cannot be deleted"
    assert (code, refused["message"]) == (403, f'priorityclasses.scheduling.k8s.io "system-node-critical" {told}')
    code, refused = server.call("DELETE", "/api/v1/namespaces/kube-system")
    assert (code, refused["message"]) == (403, 'namespaces "kube-system" is forbidden: this namespace may not be deleted')


def test_updates_that_create_and_that_need_a_version(server: Any, namespace: str) -> None:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/l"
    lease = {"metadata": {"name": "l"}, "spec": {"holderIdentity": "a", "leaseDurationSeconds": 10}}
    assert server.call("PUT", path, lease)[0] == 201
    code, status = server.call("PUT", path, lease)
    assert code == 422 and "metadata.resourceVersion: Invalid value: 0: must be specified for an update" in status["message"]
    assert server.call("PUT", f"/api/v1/namespaces/{namespace}/configmaps/none", {"metadata": {"name": "none"}})[0] == 404
