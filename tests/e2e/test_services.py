"""Proves that services answer: cluster addresses from hosts and from pods over both workers, node ports on every node, names, affinity."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.lab import HOSTS, WORKERS, Cluster, eventually
from tests.e2e.manifests import pod, service, web

# What a request from a host looks like; the static busybox's wget serves pods.
FETCH = "python3 -c \"import urllib.request as r; print(*[r.urlopen('http://{target}', timeout=5).read().decode().strip() for _ in range({count})])\""


@pytest.fixture(scope="module")
def served(cluster: Cluster) -> Iterator[Cluster]:
    cluster.apply(web("shop", replicas=4), service("shop"), pod("client", "sleep 3600"))
    cluster.kubectl("rollout", "status", "deployment/shop", "--timeout=90s", timeout_s=100).ok()
    cluster.kubectl("wait", "--for=condition=Ready", "pod/client", "--timeout=60s", timeout_s=70).ok()
    yield cluster
    cluster.kubectl("delete", "deployment/shop", "service/shop", "pod/client", "--timeout=90s", timeout_s=100)


def nodes_of_answers(cluster: Cluster, answers: list[str]) -> set[str]:
    places = {one["metadata"]["name"]: one["spec"]["nodeName"] for one in cluster.pods("app=shop")}
    return {places[answer] for answer in answers}


@pytest.mark.parametrize("host", HOSTS)
def test_cluster_ip_balances_over_both_workers_from_every_host(served: Cluster, host: str) -> None:
    address = served.json("get", "service", "shop")["spec"]["clusterIP"]

    def balanced() -> bool:
        answers = served.ssh(host, FETCH.format(target=address, count=40)).ok().stdout.split()
        assert len(answers) == 40
        return set(WORKERS) <= nodes_of_answers(served, answers)

    eventually(balanced, 30, "answers from both workers")


def test_cluster_ip_balances_from_inside_a_pod(served: Cluster) -> None:
    address = served.json("get", "service", "shop")["spec"]["clusterIP"]
    loop = f"for i in $(seq 40); do wget -q -O - http://{address}; done"
    answers = served.kubectl("exec", "client", "--", "sh", "-c", loop).ok().stdout.split()
    assert len(answers) == 40
    assert set(WORKERS) <= nodes_of_answers(served, answers)


def test_a_service_has_a_name(served: Cluster) -> None:
    for name in ("shop", "shop.default", "shop.default.svc.cluster.local"):
        assert served.kubectl("exec", "client", "--", "wget", "-q", "-O", "-", f"http://{name}").ok().stdout.strip()


def test_a_pod_reaches_itself_through_its_service(served: Cluster) -> None:
    address = served.json("get", "service", "shop")["spec"]["clusterIP"]
    name = served.ready_pods("app=shop")[0]["metadata"]["name"]
    loop = f"for i in $(seq 30); do wget -q -O - http://{address}; done"
    assert name in served.kubectl("exec", name, "--", "sh", "-c", loop).ok().stdout.split()


def test_a_node_port_answers_on_every_node(served: Cluster) -> None:
    served.apply(service("shop", type="NodePort"))
    port = served.json("get", "service", "shop")["spec"]["ports"][0]["nodePort"]
    assert 30000 <= port <= 32767
    for host in HOSTS:

        def answers(target: str = f"{served.addresses[host]}:{port}") -> bool:
            return bool(served.ssh("worker-1", FETCH.format(target=target, count=3)).ok().stdout.split())

        eventually(answers, 20, f"node port on {host}")


def test_endpoints_follow_the_pods(served: Cluster) -> None:
    def addresses() -> set[str]:
        subsets = served.json("get", "endpoints", "shop").get("subsets", [])
        return {entry["ip"] for subset in subsets for entry in subset.get("addresses", [])}

    served.kubectl("scale", "deployment/shop", "--replicas=2").ok()
    eventually(lambda: len(addresses()) == 2, 45, "two endpoints")
    assert addresses() == {one["status"]["podIP"] for one in served.ready_pods("app=shop")}
    slices = served.json("get", "endpointslices", "-l", "kubernetes.io/service-name=shop")["items"]
    ready = [entry for one in slices for entry in one["endpoints"] if entry["conditions"]["ready"]]
    assert {entry["addresses"][0] for entry in ready} == addresses()
    served.kubectl("scale", "deployment/shop", "--replicas=4").ok()
    eventually(lambda: len(addresses()) == 4, 45, "four endpoints")


def test_client_ip_affinity_keeps_to_one_pod(served: Cluster) -> None:
    served.apply(service("shop", type="NodePort", sessionAffinity="ClientIP"))
    address = served.json("get", "service", "shop")["spec"]["clusterIP"]
    loop = f"for i in $(seq 20); do wget -q -O - http://{address}; done"
    eventually(
        lambda: len(set(served.kubectl("exec", "client", "--", "sh", "-c", loop).ok().stdout.split())) == 1, 20, "always the same pod"
    )


def test_the_api_is_reached_from_a_pod_with_its_own_token(served: Cluster) -> None:
    folder = "/var/run/secrets/kubernetes.io/serviceaccount"
    script = f"test -s {folder}/token && test -s {folder}/ca.crt && nc -w 5 $KUBERNETES_SERVICE_HOST $KUBERNETES_SERVICE_PORT </dev/null && echo reached"
    assert served.kubectl("exec", "client", "--", "sh", "-c", script).ok().stdout.strip().endswith("reached")
