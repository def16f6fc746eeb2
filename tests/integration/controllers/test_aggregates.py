"""Proves, against the real server, what is made of other objects: aggregated roles, mirrored endpoints, signed cluster-info."""

from __future__ import annotations

from typing import Any


def test_an_aggregated_role_follows_those_it_is_made_of(everywhere: Any, cluster: Any, tools: Any) -> None:
    label = {cluster.namespace: "yes"}
    whole, part = f"{cluster.namespace}-whole", f"{cluster.namespace}-part"
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    everywhere.create(
        "clusterroles", {"metadata": {"name": whole}, "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": label}]}, "rules": []}
    )
    everywhere.create("clusterroles", {"metadata": {"name": part, "labels": label}, "rules": [rule]})
    tools.eventually(lambda: everywhere.get("clusterroles", whole)["rules"] == [rule])
    everywhere.delete("clusterroles", part)
    tools.eventually(lambda: not everywhere.get("clusterroles", whole).get("rules"))
    everywhere.delete("clusterroles", whole)


def test_endpoints_without_a_selector_are_mirrored(cluster: Any, tools: Any) -> None:
    cluster.create("services", {"metadata": {"name": "db"}, "spec": {"ports": [{"port": 5432}]}})
    subset = {"addresses": [{"ip": "192.0.2.7"}], "ports": [{"port": 5432}]}
    cluster.create("endpoints", {"metadata": {"name": "db"}, "subsets": [subset]})
    selector = "kubernetes.io/service-name=db"
    found = tools.eventually(lambda: cluster.list("endpointslices", selector))
    assert found[0]["endpoints"][0]["addresses"] == ["192.0.2.7"]
    cluster.patch("endpoints", "db", {"subsets": [{**subset, "addresses": [{"ip": "192.0.2.8"}]}]})

    def moved() -> bool:
        pieces = cluster.list("endpointslices", selector)
        return [e["addresses"] for piece in pieces for e in piece["endpoints"]] == [["192.0.2.8"]]

    tools.eventually(moved)
    cluster.delete("endpoints", "db")
    tools.eventually(lambda: not cluster.list("endpointslices", selector))


def test_cluster_info_is_signed_and_old_tokens_go(server: Any, controllers: Any, tools: Any) -> None:
    def secret(id_: str, **more: str) -> dict[str, Any]:
        data = {"token-id": id_, "token-secret": "0123456789abcdef", "usage-bootstrap-signing": "true", **more}
        return {"metadata": {"name": f"bootstrap-token-{id_}"}, "type": "bootstrap.kubernetes.io/token", "stringData": data}

    info, secrets = "/api/v1/namespaces/kube-public/configmaps", "/api/v1/namespaces/kube-system/secrets"
    code, made = server.call("POST", info, {"metadata": {"name": "cluster-info"}, "data": {"kubeconfig": "apiVersion: v1\n"}})
    assert code == 201, made
    for id_, more in (("aaaaaa", {}), ("bbbbbb", {"expiration": "2020-01-01T00:00:00Z"})):
        code, made = server.call("POST", secrets, secret(id_, **more))
        assert code == 201, made
    tools.eventually(lambda: "jws-kubeconfig-aaaaaa" in server.call("GET", f"{info}/cluster-info")[1]["data"])
    tools.eventually(lambda: server.call("GET", f"{secrets}/bootstrap-token-bbbbbb")[0] == 404)
    server.call("DELETE", f"{secrets}/bootstrap-token-aaaaaa")
    tools.eventually(lambda: "jws-kubeconfig-aaaaaa" not in server.call("GET", f"{info}/cluster-info")[1]["data"])
    server.call("DELETE", f"{info}/cluster-info")
