"""Proves which requests are a node's own, which a signer refuses, and when they are removed."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.controllers.certificates import Request, is_node_client, is_node_serving, is_over, refusal
from tests.unit.kube.controllers.objects import NOW, at, made

CLIENT_USAGES = ["digital signature", "client auth"]
SERVER_USAGES = ["digital signature", "server auth"]


def request(signer: str = "", usages: list[str] | None = None, username: str = "system:node:a", **status: Any) -> Request:
    spec = {"signerName": signer, "usages": usages or [], "username": username, "request": ""}
    metadata = {"name": "r", "creationTimestamp": status.pop("created", at(0))}
    return made(Request, {"metadata": metadata, "spec": spec, "status": status})


def content(**changes: Any) -> dict[str, Any]:
    plain = {"common_name": "system:node:a", "organizations": ["system:nodes"], "dns": [], "ips": [], "emails": [], "uris": []}
    return {**plain, **changes}


@pytest.mark.parametrize(
    ("usages", "asked", "problem"),
    [
        (CLIENT_USAGES, content(), None),
        ([*CLIENT_USAGES, "key encipherment"], content(), None),
        (CLIENT_USAGES, content(organizations=["system:masters"]), "organization"),
        (CLIENT_USAGES, content(organizations=["system:nodes", "system:masters"]), "organization"),
        (CLIENT_USAGES, content(common_name="root"), "common name"),
        (CLIENT_USAGES, content(dns=["a"]), "alternative names"),
        ([*CLIENT_USAGES, "server auth"], content(), "usages"),
        (["client auth"], content(), "usages"),
    ],
)
def test_a_nodes_client_certificate(usages: list[str], asked: dict[str, Any], problem: str | None) -> None:
    found = is_node_client(request(usages=usages), asked)
    assert found is None if problem is None else problem in str(found)


@pytest.mark.parametrize(
    ("username", "usages", "asked", "problem"),
    [
        ("system:node:a", SERVER_USAGES, content(dns=["a"]), None),
        ("system:node:a", SERVER_USAGES, content(ips=["10.0.0.1"]), None),
        ("system:node:a", SERVER_USAGES, content(), "required"),
        ("system:node:b", SERVER_USAGES, content(dns=["a"]), "common name"),
        ("system:node:a", SERVER_USAGES, content(dns=["a"], uris=["spiffe://x"]), "not allowed"),
        ("system:node:a", CLIENT_USAGES, content(dns=["a"]), "usages"),
    ],
)
def test_a_nodes_serving_certificate(username: str, usages: list[str], asked: dict[str, Any], problem: str | None) -> None:
    found = is_node_serving(request(usages=usages, username=username), asked)
    assert found is None if problem is None else problem in str(found)


@pytest.mark.parametrize(
    ("signer", "usages", "refused"),
    [
        ("kubernetes.io/kube-apiserver-client", ["client auth"], False),
        ("kubernetes.io/kube-apiserver-client", ["server auth"], True),
        ("kubernetes.io/kube-apiserver-client", ["client auth", "server auth"], True),
        ("kubernetes.io/legacy-unknown", ["server auth"], False),
        ("kubernetes.io/kubelet-serving", CLIENT_USAGES, True),
        ("kubernetes.io/kube-apiserver-client-kubelet", CLIENT_USAGES, False),
    ],
)
def test_each_signer_has_its_rules(signer: str, usages: list[str], refused: bool) -> None:
    assert (refusal(request(signer, usages), content()) is not None) is refused


def decided(type_: str, at_s: float) -> dict[str, Any]:
    return {"conditions": [{"type": type_, "status": "True", "lastUpdateTime": at(at_s)}]}


@pytest.mark.parametrize(
    ("status", "over"),
    [
        ({"created": at(-86300)}, False),
        ({"created": at(-86500)}, True),
        ({"created": at(-86500), **decided("Approved", -60)}, False),
        (decided("Approved", -3700), True),
        (decided("Denied", -3700), True),
        (decided("Failed", -3500), False),
    ],
)
def test_how_long_requests_are_kept(status: dict[str, Any], over: bool) -> None:
    assert is_over(request(**status), NOW) is over
