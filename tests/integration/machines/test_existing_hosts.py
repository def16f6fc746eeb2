"""Proves that hosts which exist already become one cluster, Debian 12 and 13 together, whichever way leads in: root, sudo with and without a
password, a bastion, other ports and keys."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioner.images import build
from tests.integration.machines.lab_hosts import LabHosts

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]
# By host: what the lab is told of it.
MACHINES: dict[str, dict[str, Any]] = {
    "front": {"ansible_user": "admin"},
    "back": {"machine": {"suite": "trixie"}},
    "side": {"ansible_user": "deploy", "machine": {"suite": "trixie"}},
}
PASSWORD = "c0rrect horse"


class Existing(LabHosts):
    """Three hosts of a lab, as the inventory of somebody who did not make them sees them."""

    def __init__(self, folder: Path, network: str) -> None:
        super().__init__(folder, network, MACHINES, 1536)
        self.inventory = folder / "existing.yaml"
        self.other_key = folder / "other_key"

    def change_the_ways_in(self) -> None:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.other_key], check=True, timeout=30)
        key = self.other_key.with_suffix(".pub").read_text().strip()
        self.ssh(
            "front",
            f"""set -e
            echo 'admin:{PASSWORD}' | chpasswd
            echo 'admin ALL=(ALL) ALL' >/etc/sudoers.d/admin
            echo '{key}' >>/home/admin/.ssh/authorized_keys
            rm /root/.ssh/authorized_keys
            """,
        )
        self.ssh("side", "rm /root/.ssh/authorized_keys")
        self.ssh(
            "back",
            f"""set -e
            echo '{key}' >/root/.ssh/authorized_keys
            echo 'Port 2222' >/etc/ssh/sshd_config.d/port.conf
            iptables -A INPUT -s {self.lab.lab.gateway} -p tcp --dport 2222 -j DROP
            systemctl restart ssh
            """,
        )

    def write_inventory(self, *, become_password: str) -> None:
        ways, addresses = self.lab.connection_vars(), self.lab.addresses()
        host_key = (self.lab.lab.state / "machines" / "back" / "host_key.pub").read_text().strip()
        front = {**ways["front"], "ansible_become": True, "ansible_become_password": become_password}
        side = {**ways["side"], "ansible_become": True}
        back = {
            "ansible_host": addresses["back"],
            "ansible_user": "root",
            "ansible_port": 2222,
            "ansible_host_key": host_key,
            "ansible_ssh_private_key_file": str(self.other_key),
            "ansible_ssh_common_args": f"{ways['front']['ansible_ssh_common_args']} -o ProxyJump=admin@{addresses['front']}",
        }
        cluster = {"name": "existing", "images": [str(path) for path in build(self.folder / "images")]}
        groups = {"masters": {"hosts": {"front": front}}, "workers": {"hosts": {"back": back, "side": side}}}
        self.inventory.write_text(yaml.safe_dump({"all": {"vars": {"cluster": cluster}, "children": groups}}))


@pytest.fixture(scope="module")
def hosts(labs_folder: Path, free_network: Callable[[], str]) -> Iterator[Existing]:
    made = Existing(labs_folder / "existing", free_network())
    try:
        made.start()
        made.change_the_ways_in()
        made.write_inventory(become_password=PASSWORD)
        yield made
    finally:
        made.lab.destroy()


def test_a_wrong_password_for_sudo_is_that_hosts_one_problem(hosts: Existing) -> None:
    hosts.write_inventory(become_password="wrong")
    done = hosts.provision("plan", str(hosts.inventory))
    hosts.write_inventory(become_password=PASSWORD)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "1 problem(s) on 1 host(s); nothing was changed" in done.stderr
    assert "front: " in done.stderr and "sudo" in done.stderr
    assert "wrong" not in done.stderr.replace("wrong password", "")


def test_a_cluster_of_debian_12_and_13(hosts: Existing) -> None:
    done = hosts.provision("up", "--smoke", str(hosts.inventory))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "a deployment of 2 pods was available" in done.stdout
    assert PASSWORD not in done.stdout + "".join(path.read_text() for path in hosts.folder.glob(".provision/*/runs/*/events.jsonl"))


def test_each_host_runs_the_release_of_its_own_python(hosts: Existing) -> None:
    done = hosts.provision("status", "-o", "json", str(hosts.inventory))
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    found = {host["name"]: {unit["release"] for unit in host["units"] if unit["release"]} for host in told["hosts"]}
    assert found["back"] == found["side"] and found["front"] != found["back"]
    assert found == {host["name"]: {host["wanted_release"]} for host in told["hosts"]}


def test_a_second_run_changes_nothing(hosts: Existing) -> None:
    done = hosts.provision("up", str(hosts.inventory))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "changed=0" in done.stdout and not [n for n in range(1, 99) if f"changed={n} " in done.stdout]
