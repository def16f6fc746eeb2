"""Proves that kinds come and go with their definitions: schema, subresources, columns, versions, apply, discovery, cleaning up."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

SPEC = {
    "type": "object",
    "required": ["size"],
    "properties": {
        "size": {"type": "integer", "minimum": 1, "maximum": 9},
        "color": {"type": "string", "enum": ["red", "blue"], "default": "red"},
        "replicas": {"type": "integer"},
        "parts": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "n": {"type": "integer"}}},
        },
    },
}
SCHEMA = {
    "openAPIV3Schema": {
        "type": "object",
        "properties": {
            "spec": SPEC,
            "status": {"type": "object", "properties": {"replicas": {"type": "integer"}, "phase": {"type": "string"}}},
        },
    }
}
V1 = {
    "name": "v1",
    "served": True,
    "storage": True,
    "schema": SCHEMA,
    "selectableFields": [{"jsonPath": ".spec.color"}],
    "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}},
    "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
}
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]},
        "versions": [V1, {**V1, "name": "v1beta1", "storage": False}],
    },
}
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def until(check: Any, seconds: float = 10.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def definition(server: Any) -> Iterator[None]:
    server.kubectl("apply", "-f", "-", stdin=json.dumps(DEFINITION))
    server.kubectl("wait", "--for=condition=Established", "crd/widgets.example.com", "--timeout=10s")
    until(lambda: server.status("/apis/example.com/v1/widgets") == 200)
    yield
    server.kubectl("delete", "crd", "widgets.example.com", "--timeout=20s")
    until(lambda: server.status("/apis/example.com/v1/widgets") == 404)


def widget(name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": name}, "spec": spec}


def test_defaults_pruning_and_refusals(server: Any, namespace: str, definition: None) -> None:
    path = f"/apis/example.com/v1/namespaces/{namespace}/widgets"
    code, made = server.call("POST", path, widget("a", size=3, nonsense=1))
    assert code == 201 and made["spec"] == {"size": 3, "color": "red"} and made["metadata"]["generation"] == 1
    code, status = server.call("POST", path, widget("b", size=12, color="green"))
    assert code == 422
    assert "spec.size in body should be less than or equal to 9" in status["message"]
    assert 'spec.color: Unsupported value: "green": supported values: "red", "blue"' in status["message"]
    code, status = server.call("POST", path, widget("b"))
    assert "spec.size: Required value" in status["message"]
    code, status = server.call("POST", path, widget("b", size="x"))
    assert 'spec.size in body must be of type integer: "string"' in status["message"]
    code, status = server.call("POST", path + "?fieldValidation=Strict", widget("b", size=1, nonsense=1))
    assert code == 400 and 'unknown field "spec.nonsense"' in status["message"]


def test_a_body_says_what_it_is(server: Any, namespace: str, definition: None) -> None:
    path = f"/apis/example.com/v1/namespaces/{namespace}/widgets"
    made = widget("k", size=1)
    code, status = server.call("POST", path, {key: value for key, value in made.items() if key != "kind"})
    assert code == 400 and "cannot be handled as a Widget: Object 'Kind' is missing in '{" in status["message"]
    code, status = server.call("POST", path, {key: value for key, value in made.items() if key != "apiVersion"})
    told = "the API version in the data () does not match the expected API version (example.com/v1)"
    assert (code, status["message"]) == (400, told)
    code, status = server.call("GET", f"{path}/none/scope")
    assert (code, status["message"]) == (404, 'widgets.example.com "none" not found')
    assert server.call("GET", "/apis/example.com/v1/widgets/k") == (404, b"404 page not found\n")


def test_status_and_scale_are_their_own(server: Any, namespace: str, definition: None) -> None:
    path = f"/apis/example.com/v1/namespaces/{namespace}/widgets"
    code, made = server.call("POST", path, {**widget("a", size=1, replicas=2), "status": {"phase": "no"}})
    assert code == 201 and "status" not in made
    made["status"], made["spec"]["size"] = {"phase": "yes", "replicas": 2}, 5
    code, made = server.call("PUT", f"{path}/a/status", made)
    assert code == 200 and made["status"]["phase"] == "yes" and made["spec"]["size"] == 1 and made["metadata"]["generation"] == 1
    server.kubectl("scale", "widget/a", "--replicas=4", "-n", namespace)
    found = json.loads(server.kubectl("get", "wd", "a", "-n", namespace, "-o", "json"))
    assert found["spec"]["replicas"] == 4 and found["metadata"]["generation"] == 2


def test_columns_versions_and_selectors(server: Any, namespace: str, definition: None) -> None:
    path = f"/apis/example.com/v1/namespaces/{namespace}/widgets"
    assert server.call("POST", path, widget("a", size=3))[0] == 201
    assert server.call("POST", path, widget("b", size=4, color="blue"))[0] == 201
    lines = server.kubectl("get", "wd", "-n", namespace).splitlines()
    assert lines[0].split() == ["NAME", "SIZE"] and lines[1].split() == ["a", "3"]
    old = server.call("GET", path.replace("/v1/", "/v1beta1/") + "/a")[1]
    assert old["apiVersion"] == "example.com/v1beta1" and old["spec"]["size"] == 3
    listed = server.call("GET", path + "?fieldSelector=spec.color%3Dblue")[1]
    assert listed["kind"] == "WidgetList" and [w["metadata"]["name"] for w in listed["items"]] == ["b"]
    assert "color" in server.kubectl("explain", "widget.spec")


def test_apply_merges_lists_by_their_keys(server: Any, namespace: str, definition: None) -> None:
    def apply(manager: str, *parts: dict[str, Any]) -> None:
        text = json.dumps(widget("a", size=1, parts=list(parts)))
        server.kubectl("apply", "--server-side", "--field-manager", manager, "-n", namespace, "-f", "-", stdin=text)

    apply("one", {"name": "x", "n": 1})
    apply("two", {"name": "y", "n": 2})
    found = json.loads(server.kubectl("get", "widget", "a", "-n", namespace, "-o", "json"))
    assert found["spec"]["parts"] == [{"name": "x", "n": 1}, {"name": "y", "n": 2}]
    apply("one")
    found = json.loads(server.kubectl("get", "widget", "a", "-n", namespace, "-o", "json"))
    assert found["spec"]["parts"] == [{"name": "y", "n": 2}]


def test_kubectl_applies_by_merge_patches(server: Any, namespace: str, definition: None) -> None:
    """It looks into the OpenAPI document for what a kind takes: v3, and v2 before that."""
    patch = server.call("GET", "/openapi/v3/apis/example.com/v1")[1]["paths"]
    content = patch["/apis/example.com/v1/namespaces/{namespace}/widgets/{name}"]["patch"]["requestBody"]["content"]
    assert "application/merge-patch+json" in content and "application/strategic-merge-patch+json" not in content
    for size, said in ((1, "created"), (1, "unchanged"), (2, "configured")):
        assert said in server.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(widget("applied", size=size)))
    assert json.loads(server.kubectl("get", "widget", "applied", "-n", namespace, "-o", "json"))["spec"]["size"] == 2


def test_wrong_definitions_are_refused(server: Any) -> None:
    wrong = {**DEFINITION, "metadata": {"name": "other.example.com"}}
    code, status = server.call("POST", DEFINITIONS, wrong)
    assert code == 422 and 'must be spec.names.plural+\\".\\"+spec.group' in json.dumps(status["message"])


def test_explain_says_what_definitions_say(server: Any) -> None:
    bars = {
        "type": "array",
        "description": "List of Bars and their specs.",
        "items": {"type": "object", "properties": {"age": {"type": "string"}}},
    }
    spec = {"type": "object", "description": "Specification of Foo", "properties": {"bars": bars}}
    structure = {"type": "object", "description": "Foo CRD for Testing", "properties": {"spec": spec}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": structure}}
    made = {
        "metadata": {"name": "explained.explain.example.com"},
        "spec": {
            "group": "explain.example.com",
            "scope": "Namespaced",
            "names": {"plural": "explained", "kind": "Explained"},
            "versions": [version, {**version, "name": "v2", "storage": False}],
        },
    }
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert server.call("POST", path, made)[0] == 201
    deadline = time.monotonic() + 10
    while server.call("GET", "/apis/explain.example.com/v2")[0] != 200 and time.monotonic() < deadline:
        time.sleep(0.05)
    text = server.kubectl("explain", "explained")
    assert "Foo CRD for Testing" in text and "metadata" in text and "Standard object's metadata" in text
    text = server.kubectl("explain", "explained.spec")
    assert "Specification of Foo" in text and "List of Bars and their specs" in text and "bars" in text
    text = server.kubectl("explain", "explained.metadata")
    assert "Standard object's metadata" in text and "CreationTimestamp is a timestamp" in text
    assert "does not exist" in server.kubectl("explain", "explained.spec.missing", fails=True)
    definitions = server.call("GET", "/openapi/v2")[1]["definitions"]
    for name in ("com.example.explain.v1.Explained", "com.example.explain.v2.Explained", "com.example.explain.v1.ExplainedList"):
        assert definitions[name]["type"] == "object"
    patch = {"Content-Type": "application/json-patch+json"}
    assert (
        server.call(
            "PATCH",
            f"{path}/{made['metadata']['name']}",
            [{"op": "replace", "path": "/spec/versions/1/served", "value": False}],
            headers=patch,
        )[0]
        == 200
    )
    while "com.example.explain.v2.Explained" in server.call("GET", "/openapi/v2")[1]["definitions"]:
        assert time.monotonic() < deadline + 10
        time.sleep(0.05)
    assert server.call("GET", "/apis/explain.example.com/v2")[0] == 404


def test_what_is_stored_is_read_by_the_definition_as_it_is_now(server: Any, namespace: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}, "c": {"type": "string"}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "laters", "kind": "Later"}
    definition = {"metadata": {"name": "laters.later.com"}, "spec": {"group": "later.com", "scope": "Namespaced", "names": names}}
    definition["spec"]["versions"] = [version]  # type: ignore[index]
    assert server.call("POST", DEFINITIONS, definition)[0] == 201
    path = f"/apis/later.com/v1/namespaces/{namespace}/laters"
    until(lambda: server.status(path) == 200)
    body = {"apiVersion": "later.com/v1", "kind": "Later", "metadata": {"name": "l"}, "a": "abc", "c": "x"}
    assert server.call("POST", path, body)[0] == 201
    at = "/spec/versions/0/schema/openAPIV3Schema/properties"
    patch = [{"op": "add", "path": f"{at}/b/default", "value": "B"}, {"op": "add", "path": f"{at}/a/maxLength", "value": 1}]
    patch += [{"op": "remove", "path": f"{at}/c"}]
    media = {"Content-Type": "application/json-patch+json"}
    described = server.call("GET", "/openapi/v3")[1]["paths"]["apis/later.com/v1"]
    assert server.call("PATCH", f"{DEFINITIONS}/laters.later.com", patch, headers=media)[0] == 200
    found = until(lambda: (got := server.call("GET", f"{path}/l")[1]).get("b") and got)
    assert found["b"] == "B" and found["a"] == "abc" and "c" not in found
    assert server.call("GET", "/openapi/v3")[1]["paths"]["apis/later.com/v1"] != described
    assert [item["b"] for item in server.call("GET", path)[1]["items"]] == ["B"]
    merge = {"Content-Type": "application/merge-patch+json"}
    assert server.call("PATCH", f"{path}/l", {"b": "other"}, headers=merge)[0] == 200
    code, status = server.call("PATCH", f"{path}/l", {"a": "abcd"}, headers=merge)
    assert code == 422 and "a: Too long" in status["message"]
    assert server.call("DELETE", f"{DEFINITIONS}/laters.later.com")[0] == 200


def test_names_that_another_definition_has(server: Any, definition: None) -> None:
    """The later one is not served until they are free; then it is."""
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

    def definition_of(plural: str, kind: str) -> dict[str, Any]:
        versions = [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}]
        spec = {"group": "names.example.com", "scope": "Cluster", "names": {"plural": plural, "kind": kind}, "versions": versions}
        return {"metadata": {"name": f"{plural}.names.example.com"}, "spec": spec}

    def conditions(plural: str) -> dict[str, tuple[str, str]]:
        found = server.call("GET", f"{path}/{plural}.names.example.com")[1]["status"].get("conditions", [])
        return {one["type"]: (one["status"], one["reason"]) for one in found}

    assert server.call("POST", path, definition_of("firsts", "Same"))[0] == 201
    until(lambda: conditions("firsts").get("Established") == ("True", "InitialNamesAccepted"))
    assert server.call("POST", path, definition_of("seconds", "Same"))[0] == 201
    refused = {"NamesAccepted": ("False", "ListKindConflict"), "Established": ("False", "NotAccepted")}
    until(lambda: conditions("seconds") == refused)
    found = server.call("GET", f"{path}/seconds.names.example.com")[1]
    assert found["status"]["acceptedNames"] == {"plural": "seconds", "kind": ""}
    assert server.call("DELETE", f"{path}/firsts.names.example.com")[0] == 200
    until(lambda: conditions("seconds").get("Established") == ("True", "InitialNamesAccepted"))
    assert server.call("DELETE", f"{path}/seconds.names.example.com")[0] == 200
