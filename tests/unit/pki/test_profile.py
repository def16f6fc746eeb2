"""Which certificates exist: names and groups that RBAC and TLS rely on."""

from __future__ import annotations

from provisioner.pki.profile import Authority, HostNames, Leaf, PkiPlan, Usage, leaves

MASTER = HostNames("master-1", ("10.0.0.11",))
WORKER = HostNames("worker-1", ("10.0.0.21", "worker-1.example"))
PLAN = PkiPlan("lab", masters=(MASTER,), etcd=(MASTER,), nodes=(MASTER, WORKER), api_names=("api.example", "10.0.0.5"))


def by_path() -> dict[str, Leaf]:
    return {leaf.path: leaf for leaf in leaves(PLAN)}


def test_apiserver_answers_to_every_name_it_is_called_by() -> None:
    leaf = by_path()["hosts/master-1/apiserver"]
    assert set(leaf.dns_names) == {
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
        "localhost",
        "master-1",
        "api.example",
    }
    assert set(leaf.addresses) == {"10.96.0.1", "127.0.0.1", "10.0.0.11", "10.0.0.5"}
    assert leaf.usage == Usage.SERVER


def test_identities_are_those_rbac_knows() -> None:
    found = {path: (leaf.common_name, leaf.organization) for path, leaf in by_path().items()}
    assert found["admin"] == ("kubernetes-admin", "system:masters")
    assert found["hosts/master-1/apiserver-kubelet-client"][1] == "system:masters"
    assert found["hosts/master-1/controller-manager"] == ("system:kube-controller-manager", "")
    assert found["hosts/master-1/scheduler"] == ("system:kube-scheduler", "")
    assert found["hosts/worker-1/kubelet"] == ("system:node:worker-1", "system:nodes")
    assert found["hosts/worker-1/kube-proxy"] == ("system:kube-proxy", "")


def test_workers_get_no_control_plane_certificate_and_etcd_trusts_its_own_authority_only() -> None:
    worker = [path for path in by_path() if path.startswith("hosts/worker-1/")]
    assert sorted(worker) == ["hosts/worker-1/kube-proxy", "hosts/worker-1/kubelet", "hosts/worker-1/kubelet-server"]
    etcd = [leaf for leaf in leaves(PLAN) if leaf.authority is Authority.ETCD]
    assert sorted(leaf.path for leaf in etcd) == [
        "hosts/master-1/apiserver-etcd-client",
        "hosts/master-1/etcd/peer",
        "hosts/master-1/etcd/server",
    ]


def test_kubelet_serves_its_own_names() -> None:
    leaf = by_path()["hosts/worker-1/kubelet-server"]
    assert "worker-1.example" in leaf.dns_names
    assert "10.0.0.21" in leaf.addresses
