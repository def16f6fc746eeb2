"""What the role addons leaves behind."""

from __future__ import annotations

from asked import ask
from testinfra.host import Host

SERVICE = "https://127.0.0.1:6443/api/v1/namespaces/kube-system/services/kube-dns"


def test_the_name_servers_service_is_there(host: Host) -> None:
    status, body = ask(host, SERVICE, authority="ca.crt", client="admin")
    assert status == 200 and '"clusterIP":"10.96.0.10"' in body
