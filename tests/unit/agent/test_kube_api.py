"""Proves who a kubeconfig, arguments and the environment make us, and what is refused, without a server."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.agent import kube_api
from provisioner.agent.context import ModuleFailed

CONFIG: dict[str, Any] = {
    "current-context": "c",
    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
    "users": [{"name": "u", "user": {"token": "of-config"}}],
}
WHO: list[tuple[dict[str, Any], str | None]] = [
    ({"_kubeconfig": CONFIG}, "Bearer of-config"),
    ({"_kubeconfig": CONFIG, "api_key": "given"}, "Bearer given"),
    ({"host": "http://127.0.0.1:1", "username": "u", "password": "p"}, "Basic dTpw"),
    ({"host": "http://127.0.0.1:1"}, None),
]


@pytest.mark.parametrize(("args", "header"), WHO)
def test_who_we_are(args: dict[str, Any], header: str | None) -> None:
    assert kube_api.Cluster(args)._headers.get("Authorization") == header


def test_the_environment_stands_for_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8S_AUTH_HOST", "http://127.0.0.1:1")
    monkeypatch.setenv("K8S_AUTH_API_KEY", "of-environment")
    assert kube_api.Cluster({})._headers["Authorization"] == "Bearer of-environment"


def test_a_credential_plug_in() -> None:
    script = 'printf \'{"status": {"token": "made"}}\''
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", script]}}
    config = {**CONFIG, "users": [{"name": "u", "user": user}]}
    assert kube_api.Cluster({"_kubeconfig": config})._headers["Authorization"] == "Bearer made"


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "No configuration found"),
    ({"_kubeconfig": CONFIG, "context": "x"}, "Expected object with name x in contexts list"),
    ({"host": "https://127.0.0.1:1", "ca_cert": "/none"}, "certificates or keys can't be used"),
    ({"host": "http://127.0.0.1:1", "impersonate_groups": ["a", "b"]}, "only one group can be told"),
]


@pytest.mark.parametrize(("args", "msg"), REFUSED)
def test_what_is_refused(args: dict[str, Any], msg: str) -> None:
    with pytest.raises(ModuleFailed, match=msg):
        kube_api.Cluster(args)


def test_paths_of_kinds() -> None:
    pods = kube_api.Kind("Pod", "v1", "pods", True, "/api/v1")
    assert pods.url("a b", "x") == "/api/v1/namespaces/a%20b/pods/x"
    assert pods.url(None) == "/api/v1/pods"
    assert kube_api.Kind("Node", "v1", "nodes", False, "/api/v1").url("default", "n") == "/api/v1/nodes/n"
