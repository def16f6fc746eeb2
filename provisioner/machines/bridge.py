"""The lab's cable: a bridge with the gateway's address on this computer.

It carries a mark of ours in its alias, so that nobody else's bridge is ever touched.
"""

from __future__ import annotations

import ipaddress
import json
from typing import Any

from provisioner.machines.commands import run
from provisioner.machines.errors import NetworkError
from provisioner.machines.spec import LabSpec


def _alias(lab: LabSpec) -> str:
    return f"provision lab {lab.id}"


def _addresses() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(["ip", "-json", "address", "show"]).stdout or "[]")
    return found


def exists(lab: LabSpec) -> bool:
    return any(link.get("ifname") == lab.bridge_name and link.get("ifalias") == _alias(lab) for link in _links())


def _links() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(["ip", "-json", "link", "show", "type", "bridge"]).stdout or "[]")
    return found


def check(lab: LabSpec) -> dict[str, Any] | None:
    """The lab's bridge, if it is there. NetworkError when its name or its range is somebody else's. Changes nothing."""
    interfaces = _addresses()
    mine = next((i for i in interfaces if i["ifname"] == lab.bridge_name), None)
    # `ip address` leaves the alias out for some kinds of link, so the bridges are asked themselves.
    if mine is not None and not exists(lab):
        raise NetworkError(
            f"the interface {lab.bridge_name} is there already and not this lab's", hint="set machines.bridge to another name"
        )
    _refuse_overlap(lab, [i for i in interfaces if i is not mine])
    return mine


def ensure(lab: LabSpec) -> None:
    """The bridge is up and has the gateway's address, and no other of an earlier machines.network. Raises as `check`."""
    mine = check(lab)
    wanted = f"{lab.gateway}/{lab.network.prefixlen}"
    for entry in (mine or {}).get("addr_info", []):
        found = f"{entry['local']}/{entry['prefixlen']}"
        if entry.get("family") == "inet" and found != wanted:
            run(["ip", "address", "delete", found, "dev", lab.bridge_name])
    if mine is None:
        run(["ip", "link", "add", "name", lab.bridge_name, "type", "bridge", "forward_delay", "0", "stp_state", "0"])
        run(["ip", "link", "set", "dev", lab.bridge_name, "alias", _alias(lab)])
    run(["ip", "address", "replace", wanted, "dev", lab.bridge_name])
    run(["ip", "link", "set", "dev", lab.bridge_name, "up"])


def _refuse_overlap(lab: LabSpec, interfaces: list[dict[str, Any]]) -> None:
    for interface in interfaces:
        for entry in interface.get("addr_info", []):
            if entry.get("family") != "inet":
                continue
            network = ipaddress.IPv4Network(f"{entry['local']}/{entry['prefixlen']}", strict=False)
            if network.overlaps(lab.network):
                raise NetworkError(
                    f"machines.network {lab.network} overlaps {network} of {interface['ifname']}",
                    hint="choose another machines.network (and host addresses in it), or take the other lab down",
                )


def remove(lab: LabSpec) -> None:
    """Only when it is ours."""
    if exists(lab):
        run(["ip", "link", "delete", "dev", lab.bridge_name])
