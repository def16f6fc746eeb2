"""How the server reaches others (--egress-selector-config-file). It does so directly: a file that asks for a proxy is refused, for what is meant to
go through one must not go past it.

Source: apiserver.k8s.io/v1beta1 EgressSelectorConfiguration.
"""

from __future__ import annotations

from typing import Any

from provisioner.kube.apiserver.config_files import Configuration, Section, load

VERSIONS = tuple(f"apiserver.k8s.io/{version}" for version in ("v1beta1", "v1alpha1", "v1"))
NAMES = ("cluster", "controlplane", "etcd", "master")


class Connection(Section, frozen=True, kw_only=True):
    proxy_protocol: str = ""
    transport: dict[str, Any] | None = None


class Selection(Section, frozen=True, kw_only=True):
    name: str = ""
    connection: Connection = Connection()


class EgressSelectorConfiguration(Configuration, frozen=True, kw_only=True):
    egress_selections: list[Selection] = []


def check(path: str) -> None:
    """Raises ValueError: what is wrong, where."""
    if not path:
        return
    found = load(path, EgressSelectorConfiguration, "EgressSelectorConfiguration", VERSIONS)
    for index, selection in enumerate(found.egress_selections):
        where, protocol = f"{path}: egressSelections[{index}]", selection.connection.proxy_protocol
        if selection.name not in NAMES:
            raise ValueError(f"{where}.name: expected one of {', '.join(NAMES)}, found {selection.name or 'none'}")
        if protocol != "Direct":
            said = f"expected Direct, found {protocol or 'none'}: connections through a proxy (konnectivity) are not supported"
            raise ValueError(f"{where}.connection.proxyProtocol: {said}")
        if selection.connection.transport is not None:
            raise ValueError(f"{where}.connection.transport: direct connections have none")
