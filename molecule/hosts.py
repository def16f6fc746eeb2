"""The hosts of a molecule scenario are hosts of the lab: `python molecule/hosts.py create|destroy FOLDER`, FOLDER being the scenario's own.

`create` makes one bare host, with the certificates and the release that roles put on it, and writes what molecule asks for
(instance_config.yml) and what the roles are told (vars.json). Molecule's playbooks call it; so can a hand.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from provisioner.cluster.context import Context, open_cluster
from provisioner.cluster.events import Bus
from provisioner.cluster.prepare import prepare
from provisioner.release import bundle

ROOT = Path(__file__).resolve().parent.parent
NETWORK = "10.88.0.0/24"


def inventory(folder: Path) -> Path:
    """inventories/single.yaml with a name and addresses of its own."""
    tree = yaml.safe_load((ROOT / "inventories" / "single.yaml").read_text())
    tree["all"]["vars"]["cluster"]["name"] = "molecule"
    tree["all"]["vars"]["machines"]["network"] = NETWORK
    path = folder / "inventory.yaml"
    path.write_text(yaml.safe_dump(tree, sort_keys=False))
    return path


def create(context: Context, folder: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        release = pool.submit(bundle.ensure)
        context.state.prepare()
        context.provider.create()
        context.provider.start()
        context.connect_vars()
        prepare(context, release)
    (folder / "vars.json").write_text(context.state.variables.read_text())
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
    parser.add_argument("verb", choices=["create", "destroy"])
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    context = open_cluster(inventory(folder), Bus())
    if arguments.verb == "create":
        create(context, folder)
    else:
        context.provider.destroy()
    return 0


if __name__ == "__main__":
    sys.exit(main())
