"""Proves that everything wrong with bare hosts is found at once, named with its class, host and remedy, before anything is changed."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.e2e.lab import PROVISION, Result, run

# What each host is there for.
HOSTS = ("good", "busy", "old", "snakeless", "twin", "powerless", "away", "changed", "late", "poor", "stranger")
MEMORY_MIB = {"good": 1024, "poor": 400}
# Every file that is there before and after; a run that changes nothing leaves this as it was.
TREE = "find /etc /opt /usr/local /var/lib -xdev -type f -printf '%p %s %T@\\n' | grep -v -e /var/lib/systemd -e /var/lib/private | sort | sha256sum"


class Bare:
    """Hosts without a cluster, each with one trouble."""

    def __init__(self, folder: Path, network: str) -> None:
        self.inventory = folder / "inventory.yaml"
        prefix = network.rpartition(".")[0]
        self.addresses = {host: f"{prefix}.{11 + index}" for index, host in enumerate(HOSTS)}
        folder.mkdir(parents=True)
        hosts: dict[str, dict[str, object]] = {host: {"machine": {"memory_mib": MEMORY_MIB.get(host, 512)}} for host in HOSTS}
        hosts["powerless"]["ansible_user"] = "admin"
        machines = {"provider": "nspawn", "network": network, "cpus": 2}
        children = {"masters": {"hosts": {"good": hosts["good"]}}, "workers": {"hosts": {h: v for h, v in hosts.items() if h != "good"}}}
        tree = {"all": {"vars": {"machines": machines, "cluster": {"name": "bare"}}, "children": children}}
        self.inventory.write_text(yaml.safe_dump(tree, sort_keys=False))

    @property
    def state(self) -> Path:
        return self.inventory.parent / ".provision" / "bare"

    def machines(self, verb: str, *hosts: str) -> None:
        run([sys.executable, "-m", "provisioner.machines", verb, self.inventory, *hosts], timeout_s=120).ok()

    def ssh(self, host: str, command: str, user: str = "root") -> Result:
        files = ["-i", self.state / "id_ed25519", "-o", f"UserKnownHostsFile={self.state / 'known_hosts'}"]
        options = ["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
        return run(["ssh", *options, *files, f"{user}@{self.addresses[host]}", command])


@pytest.fixture(scope="module")
def bare(labs_folder: Path, free_network: Callable[[], str]) -> Iterator[Bare]:
    made = Bare(labs_folder / "bare", free_network())
    made.machines("up")
    made.ssh("busy", "systemd-run --unit=squatter python3 -m http.server 10250").ok()
    made.ssh("busy", "mount -t tmpfs -o size=100m tmpfs /var/lib/docker").ok()
    made.ssh(
        "old", 'sed -i \'s/VERSION_ID=.*/VERSION_ID="9"/; s/PRETTY_NAME=.*/PRETTY_NAME="Debian GNU\\/Linux 9 (stretch)"/\' /etc/os-release'
    ).ok()
    made.ssh("snakeless", "mv /usr/bin/python3 /usr/bin/python3.hidden").ok()
    made.ssh("twin", f"echo {made.ssh('good', 'cat /etc/machine-id').ok().stdout.strip()} >/etc/machine-id").ok()
    made.ssh("powerless", "sudo rm /etc/sudoers.d/admin", user="admin").ok()
    # Hosts of a lab share this computer's clock; what is asked for the time is another five minutes ahead.
    made.ssh("late", "mv /bin/date /bin/date.true && echo 'exec date.true -d +5min \"$@\"' >/bin/date && chmod +x /bin/date").ok()
    made.ssh("poor", "mount -o remount,bind,ro /proc/sys/net").ok()
    yield made
    made.machines("destroy")


@pytest.fixture(scope="module")
def refused(bare: Bare) -> Result:
    """What `up` says. `away` stays off and `changed` answers with a key that is not the pinned one, as after a reinstallation."""
    before = bare.ssh("good", TREE).ok().stdout
    key, known_hosts = bare.state / "id_ed25519", bare.state / "known_hosts"
    options = f"-o UserKnownHostsFile={known_hosts} -o StrictHostKeyChecking=yes"
    common = {
        "cluster": {"name": "bare"},
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(key),
        "ansible_ssh_common_args": options,
    }
    workers: dict[str, dict[str, str]] = {host: {"ansible_host": bare.addresses[host]} for host in HOSTS if host != "good"}
    workers["powerless"]["ansible_user"] = "admin"
    workers["stranger"]["ansible_user"] = "nobody-here"
    workers["nameless"] = {"ansible_host": "no-such-host.invalid"}
    children = {"masters": {"hosts": {"good": {"ansible_host": bare.addresses["good"]}}}, "workers": {"hosts": workers}}
    path = bare.inventory.with_name("static.yaml")
    path.write_text(yaml.safe_dump({"all": {"vars": common, "children": children}}, sort_keys=False))
    right = known_hosts.read_text()
    keys = {line.split()[0].split(",")[0]: line.split()[2] for line in right.splitlines()}
    known_hosts.write_text(right.replace(keys["changed"], keys["twin"]))
    bare.machines("unplug", "away")
    try:
        said = run([PROVISION, "up", path], timeout_s=180, env={"NO_COLOR": "1"})
    finally:
        known_hosts.write_text(right)
    assert bare.ssh("good", TREE).ok().stdout == before, "preflight must change nothing, also on hosts that are fine"
    return said


def test_it_ends_with_an_error_and_no_traceback(refused: Result) -> None:
    assert refused.code not in (0, 2), refused.output
    assert "Traceback" not in refused.output
    assert "nothing was changed" in refused.output


@pytest.mark.parametrize(
    ("host", "pattern"),
    [
        ("busy", r"port: .*10250.*(squatter|python3)"),
        ("busy", r"disk: /var/lib/docker has (99|100) MiB free"),
        ("old", r"system: .*Debian GNU/Linux 9"),
        ("snakeless", r"python: it has no python3"),
        ("twin", r"machine-id: .*same machine-id as good"),
        ("powerless", r"sudo: "),
        ("away", r"connect: "),
        ("changed", r"host key: "),
        ("late", r"clock: its clock is at least (29\d|300) s ahead"),
        ("poor", r"memory: it has 400 MiB"),
        ("poor", r"kernel: .*ip_forward"),
        ("stranger", r"authenticate: "),
        ("nameless", r"resolve: "),
    ],
)
def test_each_trouble_is_named_with_its_host_and_class(refused: Result, host: str, pattern: str) -> None:
    assert re.search(rf"^\s*{host}: {pattern}", refused.output, re.MULTILINE), refused.output


def test_nothing_else_is_blamed(refused: Result) -> None:
    blamed = re.findall(r"^  (\S+): ", refused.output, re.MULTILINE)
    assert sorted(blamed) == sorted([*HOSTS[1:], "busy", "poor", "nameless"]), refused.output


def test_the_run_is_in_the_event_log(bare: Bare, refused: Result) -> None:
    logs = sorted((bare.state / "runs").glob("*/events.jsonl"))
    events = [json.loads(line) for line in logs[-1].read_text().splitlines()]
    assert any("preflight" in json.dumps(event) for event in events)
