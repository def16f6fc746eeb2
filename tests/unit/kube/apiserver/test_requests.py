"""Proves what a path and a query ask for."""

from __future__ import annotations

import pytest

from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.requests import Target, check_timeout, dry_run, flag, target_of, whole

CASES = [
    ("GET", "/api/v1/pods", {}, ("list", "", "v1", "pods", "", "", "")),
    ("GET", "/api/v1/namespaces/ns/pods/p", {}, ("get", "", "v1", "pods", "ns", "p", "")),
    ("PUT", "/api/v1/namespaces/ns/pods/p/status", {}, ("update", "", "v1", "pods", "ns", "p", "status")),
    ("POST", "/api/v1/namespaces/ns/pods/p/exec", {}, ("create", "", "v1", "pods", "ns", "p", "exec")),
    ("GET", "/api/v1/namespaces", {}, ("list", "", "v1", "namespaces", "", "", "")),
    ("DELETE", "/api/v1/namespaces/ns", {}, ("delete", "", "v1", "namespaces", "ns", "ns", "")),
    ("PUT", "/api/v1/namespaces/ns/finalize", {}, ("update", "", "v1", "namespaces", "ns", "ns", "finalize")),
    ("DELETE", "/apis/apps/v1/namespaces/ns/deployments", {}, ("deletecollection", "apps", "v1", "deployments", "ns", "", "")),
    ("GET", "/apis/apps/v1/deployments", {"watch": "true"}, ("watch", "apps", "v1", "deployments", "", "", "")),
    ("GET", "/api/v1/namespaces/ns/pods/p", {"watch": "1"}, ("get", "", "v1", "pods", "ns", "p", "")),
    ("GET", "/api/v1/watch/namespaces/ns/pods/p", {}, ("watch", "", "v1", "pods", "ns", "p", "")),
    ("GET", "/api/v1/watch/namespaces/ns/pods", {}, ("watch", "", "v1", "pods", "ns", "", "")),
    ("PATCH", "/apis/apps/v1/namespaces/ns/deployments/d/scale", {}, ("patch", "apps", "v1", "deployments", "ns", "d", "scale")),
    ("GET", "/version", {}, ("get", "", "", "", "", "", "")),
    ("GET", "/apis/apps/v1", {}, ("get", "", "", "", "", "", "")),
]


@pytest.mark.parametrize(("method", "path", "query", "expected"), CASES, ids=[f"{c[0]} {c[1]}" for c in CASES])
def test_targets(method: str, path: str, query: dict[str, str], expected: tuple[str, ...]) -> None:
    t = target_of(method, path, query)
    assert (t.verb, t.group, t.version, t.resource, t.namespace, t.name, t.subresource) == expected


@pytest.mark.parametrize("rest", ["", "/", "/a/b", "/a/b/"])
def test_what_is_proxied_to_keeps_its_path(rest: str) -> None:
    assert target_of("GET", f"/api/v1/namespaces/ns/services/s:80/proxy{rest}", {}).rest == rest


def test_a_selected_name_is_asked_for_like_a_name() -> None:
    target = target_of("GET", "/api/v1/namespaces/ns/secrets", {"fieldSelector": "metadata.name=s", "watch": "1"})
    assert (target.verb, target.name, target.asked_name) == ("watch", "", "s")
    assert target_of("GET", "/api/v1/secrets", {"fieldSelector": "type!=x"}).asked_name == ""


def test_parameters() -> None:
    assert flag({"watch": ""}, "watch") and flag({"watch": "1"}, "watch") and not flag({"watch": "false"}, "watch")
    assert whole({"limit": "7"}, "limit") == 7 and whole({}, "limit") is None
    assert dry_run({"dryRun": "All"}) and not dry_run({})
    with pytest.raises(StatusError, match=r"PatchOptions.* dryRun: Unsupported value") as refused:
        dry_run({"dryRun": "Some"}, "patch")
    assert refused.value.code == 422


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("", 'strconv.ParseInt: parsing "": invalid syntax'),
        ("1.5", 'strconv.ParseInt: parsing "1.5": invalid syntax'),
        (str(2**63), f'strconv.ParseInt: parsing "{2**63}": value out of range'),
        ("9" * 5000, f'strconv.ParseInt: parsing "{"9" * 5000}": value out of range'),
    ],
)
def test_numbers_that_are_none(text: str, message: str) -> None:
    with pytest.raises(StatusError) as refused:
        whole({"limit": text}, "limit")
    assert (refused.value.code, refused.value.message) == (400, message)


@pytest.mark.parametrize(("text", "expected"), [("", True), ("no", True), ("t", True), ("0", False), ("False", False)])
def test_only_two_words_are_false(text: str, expected: bool) -> None:
    assert flag({"watch": text}, "watch") is expected


def test_documents_have_no_resource() -> None:
    assert not Target("get", "/healthz").is_resource


@pytest.mark.parametrize("text", ["0", "10s", "1m30s", "1.5h", "100ms", "-1s"])
def test_timeouts(text: str) -> None:
    check_timeout({"timeout": text})


@pytest.mark.parametrize("text", ["invalid", "10", "10x", "s", "1m 3s"])
def test_what_is_no_timeout(text: str) -> None:
    with pytest.raises(StatusError, match="invalid timeout specified in the request URL") as caught:
        check_timeout({"timeout": text})
    assert caught.value.code == 400
