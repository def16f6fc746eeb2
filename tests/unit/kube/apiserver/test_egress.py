"""Proves that a configuration that asks for proxies is refused, and one that asks for none is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.kube.apiserver.egress import check

HEAD = "apiVersion: apiserver.k8s.io/v1beta1\nkind: EgressSelectorConfiguration\negressSelections:\n"


def test_direct_connections_are_what_there_is(tmp_path: Path) -> None:
    check("")
    path = tmp_path / "e.yaml"
    path.write_text(f"{HEAD}- name: cluster\n  connection: {{proxyProtocol: Direct}}\n")
    check(str(path))


@pytest.mark.parametrize(
    ("selection", "told"),
    [
        (
            "- name: cluster\n  connection: {proxyProtocol: HTTPConnect}\n",
            r"\[0\].connection.proxyProtocol: expected Direct, found HTTPConnect",
        ),
        ("- name: cluster\n", r"\[0\].connection.proxyProtocol: expected Direct, found none"),
        (
            "- name: moon\n  connection: {proxyProtocol: Direct}\n",
            r"\[0\].name: expected one of cluster, controlplane, etcd, master, found moon",
        ),
        ("- name: etcd\n  connection: {proxyProtocol: Direct, transport: {}}\n", r"\[0\].connection.transport: direct"),
        ("- nane: etcd\n", "nane: unknown field; did you mean name"),
    ],
)
def test_what_is_refused(tmp_path: Path, selection: str, told: str) -> None:
    path = tmp_path / "e.yaml"
    path.write_text(HEAD + selection)
    with pytest.raises(ValueError, match=told):
        check(str(path))
