"""What the role addons leaves behind."""

from __future__ import annotations

from testinfra.host import Host

ADMIN = "--cacert /etc/kubernetes/pki/ca.crt --cert /etc/kubernetes/pki/admin.crt --key /etc/kubernetes/pki/admin.key"


def test_the_name_servers_service_is_there(host: Host) -> None:
    said = host.run(f"curl --silent {ADMIN} https://127.0.0.1:6443/api/v1/namespaces/kube-system/services/kube-dns")
    assert '"clusterIP":"10.96.0.10"' in said.stdout
