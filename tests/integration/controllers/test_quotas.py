"""Proves quotas against the real server: what is used is counted, what is too much is refused, what is given back counts again."""

from __future__ import annotations

from typing import Any


def used(cluster: Any, name: str = "few") -> dict[str, str]:
    return dict(cluster.get("resourcequotas", name).get("status", {}).get("used", {}))


def pod(cpu: str) -> dict[str, Any]:
    resources = {"requests": {"cpu": cpu}}
    return {"metadata": {"generateName": "p-"}, "spec": {"containers": [{"name": "c", "image": "i", "resources": resources}]}}


def test_use_is_counted_and_given_back(cluster: Any, tools: Any) -> None:
    hard = {"pods": "2", "requests.cpu": "1", "configmaps": "5", "count/deployments.apps": "1"}
    cluster.create("resourcequotas", {"metadata": {"name": "few"}, "spec": {"hard": hard}})
    tools.eventually(lambda: used(cluster).get("pods") == "0")
    assert used(cluster) == {"pods": "0", "requests.cpu": "0", "configmaps": "1", "count/deployments.apps": "0"}, (
        "kube-root-ca.crt is there"
    )
    made = cluster.create("pods", pod("600m"))
    tools.eventually(lambda: used(cluster).get("requests.cpu") == "600m")
    code, refused = cluster.server.call("POST", cluster.path("pods"), pod("600m"))
    assert code == 403 and "exceeded quota: few" in refused["message"], refused
    cluster.delete("pods", made["metadata"]["name"], gracePeriodSeconds=0)
    tools.eventually(lambda: used(cluster).get("requests.cpu") == "0")
    cluster.create("pods", pod("600m"))
    tools.eventually(lambda: used(cluster).get("pods") == "1")
