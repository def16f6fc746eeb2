"""The administrator's kubeconfig carries its certificates inside, and loads in our own client."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.kube.client.kubeconfig import load_kubeconfig
from provisioner.pki.errors import PkiError
from provisioner.pki.kubeconfig import admin_kubeconfig
from provisioner.pki.profile import HostNames, PkiPlan
from provisioner.pki.store import ensure


def test_kubeconfig_is_complete(tmp_path: Path) -> None:
    host = HostNames("master-1", ("10.0.0.11",))
    ensure(tmp_path / "pki", PkiPlan("lab", (host,), (host,), (host,)))
    path = tmp_path / "kubeconfig"
    path.write_text(admin_kubeconfig(tmp_path / "pki", cluster="lab", server="https://10.0.0.11:6443"))
    access = load_kubeconfig(path)
    assert access.server == "https://10.0.0.11:6443"
    assert access.key_data == (tmp_path / "pki/admin.key").read_bytes()
    assert access.ssl_context() is not None


def test_missing_certificates_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PkiError, match="run provision up first"):
        admin_kubeconfig(tmp_path, cluster="lab", server="https://x:6443")
