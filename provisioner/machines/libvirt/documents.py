"""libvirt's XML: rendered from the templates in `files/`, and read for the mark that says whose a domain or a network is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from jinja2 import Environment, FileSystemLoader, StrictUndefined

NAMESPACE = "urn:provision:machine:1"


@dataclass(frozen=True)
class Owner:
    """The mark that everything of ours carries in its metadata. `host` is empty for what all hosts share."""

    lab: str
    cluster: str
    inventory: str
    host: str = ""
    address: str = ""
    user: str = ""
    groups: tuple[str, ...] = ()

    def element(self) -> str:
        """As XML, for a <metadata> element."""
        node = ElementTree.Element("provision:machine", {"xmlns:provision": NAMESPACE})
        for name in ("lab", "cluster", "inventory", "host", "address", "user"):
            if getattr(self, name):
                node.set(name, getattr(self, name))
        if self.groups:
            node.set("groups", " ".join(self.groups))
        return ElementTree.tostring(node, encoding="unicode")


@dataclass(frozen=True)
class Disk:
    """One disk of a domain."""

    path: str
    format: str = "qcow2"
    serial: str = ""
    readonly: bool = False


def owner_of(document: str) -> Owner | None:
    """Whose a domain or network is; None: not ours."""
    node = ElementTree.fromstring(document).find(f"metadata/{{{NAMESPACE}}}machine")
    if node is None:
        return None
    said = {name: node.get(name, "") for name in ("lab", "cluster", "inventory", "host", "address", "user")}
    return Owner(**said, groups=tuple(node.get("groups", "").split()))


def reservations_of(document: str) -> dict[str, str]:
    """A network's DHCP reservations, address by MAC."""
    return {host.get("mac", ""): host.get("ip", "") for host in ElementTree.fromstring(document).iterfind("ip/dhcp/host")}


def bridge_of(document: str) -> str:
    """The interface that a network is on the computer libvirt runs on."""
    node = ElementTree.fromstring(document).find("bridge")
    return node.get("name", "") if node is not None else ""


def target_path(document: str) -> str:
    """Where a pool's volumes lie."""
    return ElementTree.fromstring(document).findtext("target/path", "")


def render(template: str, **values: Any) -> str:
    """The document of a template in `files/`, with every value escaped for XML but `owner`, which is XML."""
    from markupsafe import Markup

    if "owner" in values:
        values["owner"] = Markup(values["owner"].element())
    return _environment().get_template(template).render(values)


def reservation(mac: str, host: str, address: str) -> str:
    """One <host> of a network's DHCP."""
    return ElementTree.tostring(ElementTree.Element("host", {"mac": mac, "name": host, "ip": address}), encoding="unicode")


@cache
def _environment() -> Environment:
    folder = Path(__file__).with_name("files")
    return Environment(loader=FileSystemLoader(folder), undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True)


def names(items: Sequence[Any]) -> set[str]:
    """Names of libvirt's objects."""
    return {item.name() for item in items}
