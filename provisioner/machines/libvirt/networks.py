"""Networks: made with a reserved address for every card, brought up to date when hosts are added, removed with the lab."""

from __future__ import annotations

from typing import Any

import libvirt

from provisioner.machines.errors import NetworkError
from provisioner.machines.libvirt import documents
from provisioner.machines.libvirt.connection import missing, told
from provisioner.machines.libvirt.spec import Network, VmLab

_ADD, _DELETE = libvirt.VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, libvirt.VIR_NETWORK_UPDATE_COMMAND_DELETE
_LIVE_AND_KEPT = libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE | libvirt.VIR_NETWORK_UPDATE_AFFECT_CONFIG


def ensure(connection: Any, lab: VmLab, owner: documents.Owner) -> None:
    """All networks run and know their hosts' addresses. NetworkError when a name or a range is somebody else's."""
    for network in lab.networks:
        if network.ours:
            _ensure_one(connection, lab, network, owner)


def _ensure_one(connection: Any, lab: VmLab, network: Network, owner: documents.Owner) -> None:
    wanted = {
        card.mac: (host.name, str(card.address))
        for host in lab.hosts
        for card in host.cards
        if card.network == network.name and card.address and not card.bridge
    }
    with told(f"network {network.name}"):
        found = _find(connection, network.name)
        if found is None:
            reservations = [{"mac": mac, "host": host, "address": address} for mac, (host, address) in wanted.items()]
            found = connection.networkDefineXML(documents.render("network.xml.j2", network=network, owner=owner, reservations=reservations))
        else:
            mark = documents.owner_of(found.XMLDesc())
            if mark is None or mark.lab != lab.lab.id:
                raise NetworkError(f"libvirt has a network {network.name} that is not this lab's", hint="rename it, or remove it")
    _start(found, network, lab)
    _reserve(found, wanted)


def _start(found: Any, network: Network, lab: VmLab) -> None:
    if found.isActive():
        return
    try:
        found.create()
    except libvirt.libvirtError as e:
        text = str(e)
        if found.isPersistent():
            found.undefine()  # nothing half-made stays behind
        if "already in use" in text or "already exists" in text or "address already" in text.lower():
            raise NetworkError(
                f"network {network.name} ({network.range}) collides with one that is there: {text}",
                hint="choose another machines.network (and host addresses in it), or remove what uses it",
            ) from e
        raise NetworkError(f"network {network.name} can't be started: {text}", hint=f"look at libvirt's log at {lab.uri}") from e


def _reserve(found: Any, wanted: dict[str, tuple[str, str]]) -> None:
    """Reservations of a network that runs already: those of new hosts are added, changed ones replaced."""
    with told(f"network {found.name()}: reserving addresses"):
        known = documents.reservations_of(found.XMLDesc())
        for mac, (host, address) in wanted.items():
            if known.get(mac) == address:
                continue
            if mac in known:
                found.update(
                    _DELETE, libvirt.VIR_NETWORK_SECTION_IP_DHCP_HOST, -1, documents.reservation(mac, host, known[mac]), _LIVE_AND_KEPT
                )
            found.update(_ADD, libvirt.VIR_NETWORK_SECTION_IP_DHCP_HOST, -1, documents.reservation(mac, host, address), _LIVE_AND_KEPT)


def stop(connection: Any, lab: VmLab) -> None:
    """Networks of a lab whose machines are all off need not run."""
    with told("stopping networks"):
        for network in _ours(connection, lab):
            if network.isActive():
                network.destroy()


def remove(connection: Any, lab: VmLab) -> None:
    """Every network that carries the lab's mark."""
    with told("removing networks"):
        for network in _ours(connection, lab):
            if network.isActive():
                network.destroy()
            network.undefine()


def _ours(connection: Any, lab: VmLab) -> list[Any]:
    marked = [(network, documents.owner_of(network.XMLDesc())) for network in connection.listAllNetworks()]
    return [network for network, owner in marked if owner and owner.lab == lab.lab.id]


def _find(connection: Any, name: str) -> Any:
    try:
        return connection.networkLookupByName(name)
    except libvirt.libvirtError as e:
        if missing(e):
            return None
        raise
