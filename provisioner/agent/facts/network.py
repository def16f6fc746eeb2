"""Interfaces with their addresses, the default ones of each family, and all addresses of the host."""

import ipaddress
import os
from typing import Any, Dict, List

from provisioner.agent.facts import netlink, reading

DEVICES = "/sys/class/net"
# Any address outside: the kernel's way to it is the default route. They are Ansible's.
OUTSIDE = {4: "8.8.8.8", 6: "2404:6800:400a:800::1012"}
_SCOPES = {0: "global", 200: "site", 253: "link", 254: "host"}
# ARPHRD_* numbers of linux/if_arp.h
_TYPES = {"1": "ether", "32": "infiniband", "512": "ppp", "772": "loopback", "776": "tunnel", "65534": "tunnel", "768": "tunnel"}


def collect() -> Dict[str, Any]:
    interfaces = {name: _device(name) for name in reading.names(DEVICES) if os.path.isdir(os.path.join(DEVICES, name))}
    found = netlink.addresses()
    everything: Dict[int, List[str]] = {4: [], 6: []}
    for entry in found:
        device = interfaces.setdefault(entry["interface"], {"device": entry["interface"]})
        if entry["family"] == 4:
            _ipv4(interfaces, device, entry)
            if not entry["address"].startswith("127."):
                everything[4].append(entry["address"])
        else:
            shown = {"address": entry["address"], "prefix": str(entry["prefix"]), "scope": _SCOPES.get(entry["scope"], str(entry["scope"]))}
            device.setdefault("ipv6", []).append(shown)
            if entry["address"] != "::1":
                everything[6].append(entry["address"])
    facts: Dict[str, Any] = {"interfaces": list(interfaces)}
    for name, device in interfaces.items():
        facts[name.replace("-", "_").replace(":", "_")] = device
    facts["default_ipv4"] = _default(4, interfaces, found)
    facts["default_ipv6"] = _default(6, interfaces, found)
    facts["all_ipv4_addresses"], facts["all_ipv6_addresses"] = everything[4], everything[6]
    own = netlink.local_networks()
    facts["locally_reachable_ips"] = {"ipv4": sorted(a for f, a in own if f == 4), "ipv6": sorted(a for f, a in own if f == 6)}
    return facts


def _ipv4(interfaces: Dict[str, Any], device: Dict[str, Any], entry: Dict[str, Any]) -> None:
    """The first address of an interface is its own; one with a label like eth0:1 makes an interface; others are secondary."""
    network = ipaddress.ip_interface("%s/%d" % (entry["address"], entry["prefix"])).network
    address = {
        "address": entry["address"],
        "broadcast": entry["broadcast"],
        "netmask": str(network.netmask),
        "network": str(network.network_address),
        "prefix": str(entry["prefix"]),
    }
    label = entry["label"]
    if label != entry["interface"]:
        shown = interfaces.setdefault(label.replace(":", "_"), {})
        shown.setdefault("ipv4", address)
        if ":" not in label:
            return
    if "ipv4" not in device and label == entry["interface"]:
        device["ipv4"] = address
    else:
        device.setdefault("ipv4_secondaries", []).append(address)


def _default(family: int, interfaces: Dict[str, Any], found: List[Dict[str, Any]]) -> Dict[str, Any]:
    if family == 6 and not netlink.has_ipv6():
        return {}
    way = netlink.route_to(OUTSIDE[family])
    if way is None:
        return {}
    facts: Dict[str, Any] = dict(way)
    device = interfaces.get(way["interface"], {})
    for entry in found:
        if entry["family"] == family and entry["interface"] == way["interface"] and entry["address"] == way.get("address"):
            if family == 4:
                network = ipaddress.ip_interface("%s/%d" % (entry["address"], entry["prefix"])).network
                facts.update(
                    broadcast=entry["broadcast"],
                    netmask=str(network.netmask),
                    network=str(network.network_address),
                    prefix=str(entry["prefix"]),
                )
            else:
                facts.update(prefix=str(entry["prefix"]), scope=_SCOPES.get(entry["scope"], str(entry["scope"])))
            for key in ("macaddress", "mtu", "type"):
                if key in device:
                    facts[key] = device[key]
            if family == 4:
                facts["alias"] = entry["label"]
            break
    return facts


def _device(name: str) -> Dict[str, Any]:
    folder = os.path.join(DEVICES, name)
    facts: Dict[str, Any] = {"device": name}
    address = reading.text(folder + "/address")
    if address and address != "00:00:00:00:00:00":
        facts["macaddress"] = address
    mtu = reading.text(folder + "/mtu")
    if mtu:
        facts["mtu"] = int(mtu)
    facts["active"] = reading.text(folder + "/operstate") != "down"
    driver = folder + "/device/driver/module"
    if os.path.exists(driver):
        facts["module"] = os.path.basename(os.path.realpath(driver))
    facts["type"] = _TYPES.get(reading.text(folder + "/type") or "", "unknown")
    if os.path.isdir(folder + "/bridge"):
        facts["type"] = "bridge"
        facts["interfaces"] = reading.names(folder + "/brif")
        facts["id"] = reading.text(folder + "/bridge/bridge_id") or ""
        facts["stp"] = reading.text(folder + "/bridge/stp_state") == "1"
    if os.path.isdir(folder + "/bonding"):
        facts.update(_bonding(folder + "/bonding"))
    elif os.path.isdir(folder + "/bonding_slave"):
        facts["perm_macaddress"] = reading.text(folder + "/bonding_slave/perm_hwaddr") or ""
    if os.path.exists(folder + "/device"):
        facts["pciid"] = os.path.basename(os.path.realpath(folder + "/device"))
    speed = reading.text(folder + "/speed")
    if speed:
        facts["speed"] = int(speed)
    flags = reading.text(folder + "/flags")
    if flags:
        facts["promisc"] = bool(int(flags, 16) & 0x100)
    return facts


def _bonding(folder: str) -> Dict[str, Any]:
    facts: Dict[str, Any] = {
        "type": "bonding",
        "slaves": (reading.text(folder + "/slaves") or "").split(),
        "mode": (reading.text(folder + "/mode") or "").split(" ")[0],
        "miimon": (reading.text(folder + "/miimon") or "").split(" ")[0],
        "lacp_rate": (reading.text(folder + "/lacp_rate") or "").split(" ")[0],
    }
    primary = reading.text(folder + "/primary")
    if primary:
        facts["primary"] = primary
        facts["all_slaves_active"] = reading.text(folder + "/all_slaves_active") == "1"
    return facts
