"""Checks of a whole inventory: the typed trees, group sizes, networks, names, key files.

Mistakes go to the list of problems; what is only unwise is returned as warnings.
"""

from __future__ import annotations

import dataclasses
import difflib
import ipaddress
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioner.inventory.documents import LocatedDict, Location, location_of
from provisioner.inventory.errors import Problem
from provisioner.inventory.model import Host, Inventory
from provisioner.inventory.spec_fields import NOWHERE, Decoder
from provisioner.templating.values import is_template

if TYPE_CHECKING:
    from provisioner.inventory.cluster_spec import ClusterSpec

API_PORT = 6443
_GROUPS = ("masters", "workers", "etcd")
_TREES = ("cluster", "machines")
# From here on a name is likely a slip of another one.
_ALIKE = 0.75


def check(inventory: Inventory, problems: list[Problem]) -> list[Problem]:
    """Fills `inventory.cluster` and `.machines`; returns warnings."""
    warnings: list[Problem] = []
    variables = _rendered(inventory)
    decoder = Decoder()
    if "cluster" in variables:
        from provisioner.inventory.cluster_spec import ClusterSpec

        # With mistakes in it the rest is still looked at: all problems are told at once.
        spec = decoder.decode(ClusterSpec, variables["cluster"], "cluster", partial=True)
        inventory.cluster = _complete(inventory, spec) if spec else None
        _check_groups(inventory, problems, warnings)
        _check_names(inventory, problems)
        _check_images(inventory, problems)
    if "machines" in variables:
        from provisioner.inventory.machines_spec import MachinesSpec

        inventory.machines = decoder.decode(MachinesSpec, variables["machines"], "machines", partial=True)
    for host in inventory.hosts.values():
        if "machine" in host.vars:
            from provisioner.inventory.machines_spec import MachineOverride

            decoder.decode(MachineOverride, host.vars["machine"], f"host {host.name}: machine")
        _check_key_file(inventory, host, problems)
    problems.extend(decoder.problems)
    if inventory.cluster:
        _check_networks(inventory, problems)
        _check_kubelet(inventory, problems)
    if inventory.cluster or "masters" in inventory.groups:
        _check_spelling(inventory, variables, warnings)
    for name in inventory.hosts.keys() & inventory.groups.keys():
        warnings.append(Problem(_file(inventory), 0, 0, f"{name!r} is a host and a group", "give one of them another name"))
    return warnings


def _rendered(inventory: Inventory) -> dict[str, Any]:
    """Variables of all hosts with the two trees rendered where they hold templates."""
    variables = inventory.all_variables()
    for tree in ("cluster", "machines"):
        if tree in variables and _has_template(variables[tree]):
            from provisioner.templating import Templar

            variables[tree] = _render(Templar(variables=variables), variables[tree])
    return variables


def _has_template(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_template(item) for item in value.values())
    if isinstance(value, list):
        return any(_has_template(item) for item in value)
    return is_template(value)


def _render(templar: Any, value: Any) -> Any:
    """Renders strings in place of a tree, keeping the places of its keys."""
    if isinstance(value, LocatedDict):
        copy = LocatedDict({key: _render(templar, item) for key, item in value.items()})
        copy.location, copy.key_locations, copy.value_locations = value.location, value.key_locations, value.value_locations
        return copy
    if isinstance(value, dict | list):
        return templar.render(value)
    if not is_template(value):
        return value
    from provisioner.templating import TemplateError

    try:
        return templar.render(value)
    except TemplateError:
        return value


def _file(inventory: Inventory) -> str:
    return str(inventory.sources[0]) if inventory.sources else ""


def _place(inventory: Inventory, tree: str, *keys: str) -> Location:
    """Where a key of a tree was written, as far as it was."""
    node: Any = inventory.all_variables().get(tree)
    place = NOWHERE
    for key in keys:
        if not isinstance(node, LocatedDict):
            break
        place = node.value_at(key)
        node = node.get(key)
    return place if place.file else Location(_file(inventory), 0, 0)


def place_of(inventory: Inventory, host: Host) -> Location:
    """Where a host was first written."""
    return host.place or Location(_file(inventory), 0, 0)


def members(inventory: Inventory, group: str) -> list[Host]:
    """Hosts of `masters`, `workers` or `etcd`; an absent `etcd` means the masters."""
    if group not in inventory.groups:
        return members(inventory, "masters") if group == "etcd" else []
    found = inventory.hosts_of(group)
    return members(inventory, "masters") if group == "etcd" and not found else found


def _complete(inventory: Inventory, spec: ClusterSpec) -> ClusterSpec:
    """Fills in what follows from hosts and networks."""
    masters = members(inventory, "masters")
    if not spec.api_endpoint and masters:
        address = str(masters[0].vars.get("ansible_host", masters[0].name))
        host = f"[{address}]" if ":" in address else address
        spec = dataclasses.replace(spec, api_endpoint=f"{host}:{API_PORT}")
    if not spec.dns.service_ip:
        network = ipaddress.ip_network(spec.service_cidr)
        if network.num_addresses > 10:
            spec = dataclasses.replace(spec, dns=dataclasses.replace(spec.dns, service_ip=str(network[10])))
    return spec


def _check_groups(inventory: Inventory, problems: list[Problem], warnings: list[Problem]) -> None:
    def place(name: str) -> Location:
        group = inventory.groups.get(name)
        return group.place if group and group.place else Location(_file(inventory), 0, 0)

    if not members(inventory, "masters"):
        near = difflib.get_close_matches("masters", inventory.groups.keys() - set(_GROUPS), n=1, cutoff=_ALIKE)
        hint = f"did you mean the group {near[0]!r} to be called so?" if near else "a cluster needs at least one host in 'masters'"
        problems.append(place(near[0] if near else "masters").problem("group 'masters' has no hosts", hint))
    if not members(inventory, "workers"):
        warnings.append(place("workers").problem("group 'workers' has no hosts", "pods will find no node to run on"))
    etcd = members(inventory, "etcd")
    if etcd and len(etcd) % 2 == 0:
        hint = f"an even number survives no more failures than {len(etcd) - 1}; use 1, 3 or 5"
        warnings.append(place("etcd").problem(f"{len(etcd)} etcd members", hint))


def _check_spelling(inventory: Inventory, variables: Mapping[str, Any], warnings: list[Problem]) -> None:
    """Any name of a group or variable is right in Ansible's format; one that almost says what the cluster is made from is likely a slip."""
    for name, group in inventory.groups.items():
        close = difflib.get_close_matches(name, _GROUPS, n=1, cutoff=_ALIKE)
        if close and name not in _GROUPS and group.place:
            warnings.append(group.place.problem(f"group {name!r} is no part of the cluster", f"did you mean {close[0]!r}?"))
    for name, value in variables.items():
        close = difflib.get_close_matches(str(name), _TREES, n=1, cutoff=_ALIKE)
        if close and name not in (*_TREES, "machine") and close[0] not in variables:
            place = location_of(value) or Location(_file(inventory), 0, 0)
            warnings.append(place.problem(f"variable {name!r} says nothing about the cluster", f"did you mean {close[0]!r}?"))


def _check_names(inventory: Inventory, problems: list[Problem]) -> None:
    """Node names are host names: DNS names, each host once, each address once."""
    from provisioner.inventory.cluster_spec import is_dns_name

    nodes = {host.name: host for group in ("masters", "workers", "etcd") for host in members(inventory, group)}
    addresses: dict[tuple[str, str], str] = {}
    for host in nodes.values():
        wrong = is_dns_name(host.name)
        if wrong:
            problems.append(place_of(inventory, host).problem(f"host {wrong}", "the host's name becomes its node name"))
        address = (str(host.vars.get("ansible_host", host.name)), str(host.vars.get("ansible_port", 22)))
        if is_template(address[0]) or is_template(address[1]):
            continue
        if address in addresses:
            problems.append(
                place_of(inventory, host).problem(f"hosts {addresses[address]!r} and {host.name!r} have the same address {address[0]}")
            )
        addresses[address] = host.name


def _check_networks(inventory: Inventory, problems: list[Problem]) -> None:
    spec = inventory.cluster
    assert spec is not None
    networks = {"cluster.service_cidr": spec.service_cidr, "cluster.pod_cidr": spec.pod_cidr}
    if inventory.machines and inventory.machines.provider != "static":
        networks["machines.network"] = inventory.machines.network
    parsed = {name: ipaddress.ip_network(text) for name, text in networks.items()}
    for (first, a), (second, b) in combinations(parsed.items(), 2):
        if a.version == b.version and a.overlaps(b):
            place = _place(inventory, *second.split("."))
            problems.append(place.problem(f"{second} {b} overlaps {first} {a}", "choose networks that are apart"))
    pods = parsed["cluster.pod_cidr"]
    if spec.node_cidr_prefix <= pods.prefixlen and len(inventory.hosts) > 1:
        place = _place(inventory, "cluster", "node_cidr_prefix")
        problems.append(
            place.problem(f"cluster.node_cidr_prefix /{spec.node_cidr_prefix} must be longer than pod_cidr's /{pods.prefixlen}")
        )
    elif len(inventory.hosts) > 2 ** (spec.node_cidr_prefix - pods.prefixlen):
        place = _place(inventory, "cluster", "pod_cidr")
        problems.append(place.problem(f"pod_cidr {pods} has too few /{spec.node_cidr_prefix} parts for {len(inventory.hosts)} hosts"))
    service_ip = spec.dns.service_ip
    if service_ip and ipaddress.ip_address(service_ip) not in parsed["cluster.service_cidr"]:
        place = _place(inventory, "cluster", "dns", "service_ip")
        problems.append(place.problem(f"cluster.dns.service_ip {service_ip} is outside service_cidr {spec.service_cidr}"))


def _check_kubelet(inventory: Inventory, problems: list[Problem]) -> None:
    assert inventory.cluster is not None
    kubelet = inventory.cluster.kubelet
    if kubelet.graceful_node_shutdown_critical_s > kubelet.graceful_node_shutdown_s:
        text = f"{kubelet.graceful_node_shutdown_critical_s} is more than graceful_node_shutdown_s, of which it is a part"
        place = _place(inventory, "cluster", "kubelet", "graceful_node_shutdown_critical_s")
        problems.append(place.problem(f"cluster.kubelet.graceful_node_shutdown_critical_s {text}"))


def _check_images(inventory: Inventory, problems: list[Problem]) -> None:
    folder = inventory.sources[0].absolute() if inventory.sources else Path.cwd()
    for name in inventory.cluster.images if inventory.cluster else ():
        if not isinstance(name, str):
            continue  # told already
        path = (folder if folder.is_dir() else folder.parent) / Path(name).expanduser()
        if not path.is_file():
            place = _place(inventory, "cluster", "images")
            problems.append(place.problem(f"cluster.images: no image archive {path}", "paths are relative to the inventory's folder"))


def _check_key_file(inventory: Inventory, host: Host, problems: list[Problem]) -> None:
    value = host.vars.get("ansible_ssh_private_key_file", host.vars.get("ansible_private_key_file"))
    if not isinstance(value, str) or is_template(value):
        return
    if inventory.machines and inventory.machines.provider != "static":
        return  # the key is made together with the machines
    try:
        path = Path(value).expanduser()
        if not path.is_absolute() and inventory.sources and not path.exists():
            path = inventory.sources[0].absolute().parent / path
        with path.open("rb") as file:
            file.read(1)
    except (OSError, ValueError, RuntimeError) as e:  # no such file, a NUL in its name, no home of ~user
        places = [own.at(key) for own in (host.own_vars,) if isinstance(own, LocatedDict) for key in own if own[key] == value]
        place = places[0] if places else place_of(inventory, host)
        problems.append(place.problem(f"host {host.name!r}: key file {value} cannot be read: {getattr(e, 'strerror', e)}"))
