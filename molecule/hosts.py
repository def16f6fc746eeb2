"""The hosts of a molecule scenario are hosts of the lab: `python molecule/hosts.py create|renew|destroy FOLDER`, FOLDER being the
scenario's own.

`create` makes one bare host, with the certificates and the release that roles put on it, and writes what molecule asks for
(instance_config.yml), what the roles are told (vars.json), and an inventory for who comes without molecule (hosts.yaml). `renew` makes the host
bare again, with the same name, address, certificates and release: a twin of what it was. Molecule's playbooks call it; so can a hand.
"""

from __future__ import annotations

import argparse
import platform
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from provisioner.cluster.context import Context, open_cluster
from provisioner.cluster.events import Bus
from provisioner.cluster.prepare import HostNeeds, prepare
from provisioner.cluster.systems import SYSTEMS
from provisioner.release import bundle
from provisioner.release.target import Target

ROOT = Path(__file__).resolve().parent.parent
BOOKWORM = next(system for system in SYSTEMS if system.suite == "bookworm")


def network(folder: Path) -> str:
    """One for each folder, the same every time: scenarios don't get in each other's way."""
    return f"10.87.{zlib.crc32(str(folder).encode()) % 256}.0/24"


def inventory(folder: Path, addresses: str) -> Path:
    """inventories/single.yaml with a name and addresses of its own."""
    tree = yaml.safe_load((ROOT / "inventories" / "single.yaml").read_text())
    tree["all"]["vars"]["cluster"]["name"] = "molecule"
    tree["all"]["vars"]["machines"]["network"] = addresses
    path = folder / "inventory.yaml"
    path.write_text(yaml.safe_dump(tree, sort_keys=False))
    return path


def create(context: Context, folder: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        release = pool.submit(bundle.ensure, target=Target(BOOKWORM.python, platform.machine()))
        context.state.prepare()
        make(context, folder)
        prepare(context, dict.fromkeys(context.topology.hosts, HostNeeds(release.result(), BOOKWORM.suite)))
    (folder / "vars.json").write_text(context.state.variables.read_text())


def make(context: Context, folder: Path) -> None:
    """The host, and how it is reached."""
    context.provider.create()
    context.provider.start()
    context.connect_vars()
    groups = {group: {"hosts": dict.fromkeys(context.provider.connection_vars())} for group in ("masters", "workers")}
    hosts = {"hosts": context.provider.connection_vars(), "children": groups}
    (folder / "hosts.yaml").write_text(yaml.safe_dump({"all": hosts}))
    instances = [
        {
            "instance": name,
            "address": variables["ansible_host"],
            "user": variables["ansible_user"],
            "port": 22,
            "identity_file": variables["ansible_ssh_private_key_file"],
        }
        for name, variables in context.provider.connection_vars().items()
    ]
    (folder / "instance_config.yml").write_text(yaml.safe_dump(instances))
    (folder / "known_hosts").write_text((context.state.root / "known_hosts").read_text())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=["create", "renew", "destroy"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--network", help="of the lab (default: one of 10.87.0.0/16)")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    context = open_cluster(inventory(folder, arguments.network or network(folder)), Bus())
    if arguments.verb == "create":
        create(context, folder)
        return 0
    context.provider.destroy()
    if arguments.verb == "renew":
        make(context, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
