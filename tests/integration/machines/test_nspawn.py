"""Proves on real hosts what `Provider` promises: verified SSH, packages and Docker inside, power cycles, two labs at once, nothing left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provisioner.images import build
from provisioner.inventory import load
from provisioner.machines import MachineError, Power, provider_for
from provisioner.machines.errors import BootError
from provisioner.machines.nspawn import NspawnProvider
from provisioner.machines.processes import children, reference

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

INVENTORY = """
all:
  vars:
    cluster: {{name: {name}}}
    machines: {{provider: nspawn, network: {network}, memory_mib: 1024, cpus: 2}}
  children:
    masters: {{hosts: {{{hosts}}}}}
    etcd: {{hosts: {{{hosts}}}}}
    workers: {{hosts: {{{hosts}}}}}
"""


def make_lab(folder: Path, network: str, hosts: str, name: str = "lab") -> NspawnProvider:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "inventory.yaml"
    path.write_text(INVENTORY.format(name=name, network=network, hosts=hosts))
    provider = provider_for(load([path]), path)
    assert isinstance(provider, NspawnProvider)
    return provider


def ssh(provider: NspawnProvider, host: str, command: str, *, known_hosts: Path | None = None, timeout_s: float = 120) -> str:
    said = provider.connection_vars()[host]
    options = (
        str(said["ansible_ssh_common_args"]) if known_hosts is None else f"-o UserKnownHostsFile={known_hosts} -o StrictHostKeyChecking=yes"
    )
    target = f"{said['ansible_user']}@{said['ansible_host']}"
    words = ["ssh", "-F", "none", "-o", "BatchMode=yes", "-i", str(said["ansible_ssh_private_key_file"]), *options.split(), target, command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=timeout_s, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{host}: {command}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def leftovers(provider: NspawnProvider) -> list[str]:
    """What the lab has on this computer, of any kind; other labs may come and go meanwhile."""
    lab = provider.lab
    links = subprocess.run(["ip", "-o", "link", "show"], capture_output=True, text=True, check=True).stdout.splitlines()
    found = [link for link in links if f"{lab.bridge_name}:" in link or f"master {lab.bridge_name}" in link]
    found += [line for line in Path("/proc/self/mounts").read_text().splitlines() if lab.id in line]
    for folder, _, _ in os.walk("/sys/fs/cgroup"):
        if folder.endswith(f"-{lab.id}"):
            found.append(folder)
    processes = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout.splitlines()
    found += [line for line in processes if lab.id in line]
    found += [str(path) for path in (Path("/var/lib/provision/labs") / lab.id, lab.state) if path.exists()]
    return found


@pytest.fixture(scope="module")
def lab(labs_folder: Path, free_network: Callable[[], str]) -> Iterator[NspawnProvider]:
    provider = make_lab(
        labs_folder / "machines", free_network(), "one: {}, two: {machine: {memory_mib: 512}}, three: {ansible_user: admin}"
    )
    provider.create()
    provider.start()
    yield provider
    provider.destroy()


def test_hosts_answer_with_the_key_that_was_pinned_before_they_booted(lab: NspawnProvider, tmp_path: Path) -> None:
    assert [(machine.name, machine.power) for machine in lab.list()] == [("one", Power.ON), ("two", Power.ON), ("three", Power.ON)]
    assert ssh(lab, "one", "hostname").strip() == "one"
    assert ssh(lab, "two", "systemctl is-system-running --wait").strip() == "running"
    (tmp_path / "empty").write_text("")
    with pytest.raises(AssertionError, match="Host key verification failed"):
        ssh(lab, "one", "true", known_hosts=tmp_path / "empty")


def test_another_user_logs_in_and_may_sudo(lab: NspawnProvider) -> None:
    assert ssh(lab, "three", "id -un; sudo -n id -un").split() == ["admin", "root"]


def test_a_running_lab_needs_nothing_more(lab: NspawnProvider) -> None:
    assert list(lab.plan()) == []
    before = [machine.pid for machine in lab.list()]
    lab.create()
    lab.start()
    assert [machine.pid for machine in lab.list()] == before


def test_limits_hold(lab: NspawnProvider) -> None:
    limit = ssh(lab, "two", "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null || true").split()
    if not limit:  # cgroup v2 shows no limits of the root; the group is seen from outside
        pytest.fail("no memory limit is seen inside")
    assert int(limit[0]) == 512 << 20


def test_packages_arrive_and_docker_runs_inside(lab: NspawnProvider, tmp_path: Path) -> None:
    ssh(
        lab,
        "one",
        "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends docker.io",
        timeout_s=300,
    )
    _, busybox = build(tmp_path)
    said = lab.connection_vars()["one"]
    words = ["ssh", "-F", "none", "-i", str(said["ansible_ssh_private_key_file"]), *str(said["ansible_ssh_common_args"]).split()]
    with busybox.open("rb") as archive:
        subprocess.run([*words, f"root@{said['ansible_host']}", "docker load"], stdin=archive, capture_output=True, timeout=120, check=True)
    assert ssh(lab, "one", "docker info --format '{{.Driver}}'").strip() == "overlay2"
    assert ssh(lab, "one", "docker run --rm --memory 32m --cpus 0.5 busybox:1.35 echo inside").strip() == "inside"


def test_hosts_reach_each_other(lab: NspawnProvider) -> None:
    address = lab.addresses()["two"]
    code = f"import socket; print(socket.create_connection(('{address}', 22), 5).recv(4).decode())"
    assert ssh(lab, "one", f'python3 -c "{code}"').strip() == "SSH-"


def test_reboot_from_inside_keeps_the_disk(lab: NspawnProvider) -> None:
    before = ssh(
        lab, "two", "echo kept >/root/kept; cat /proc/sys/kernel/random/boot_id; systemctl show --value -p UserspaceTimestampMonotonic"
    )
    pid = next(machine.pid for machine in lab.list() if machine.name == "two")
    ssh(lab, "two", "systemd-run --quiet --on-active=0.1 systemctl reboot")
    deadline = time.monotonic() + 60
    while True:
        try:
            after = ssh(lab, "two", "cat /proc/sys/kernel/random/boot_id; systemctl show --value -p UserspaceTimestampMonotonic")
        except AssertionError:
            after = before
        if after != before:
            break
        assert time.monotonic() < deadline, "the host did not come back"
        time.sleep(0.1)
    assert ssh(lab, "two", "cat /root/kept").strip() == "kept"
    assert next(machine.pid for machine in lab.list() if machine.name == "two") == pid


def test_killing_the_container_is_pulling_the_plug_and_start_a_power_cycle(lab: NspawnProvider) -> None:
    ssh(lab, "two", "echo kept >/root/plug; sync")
    pid = next(machine.pid for machine in lab.list() if machine.name == "two")
    assert pid is not None
    shell = reference(pid)
    (nspawn,) = children(pid)
    os.kill(nspawn.pid, signal.SIGKILL)
    assert shell is not None and shell.wait(10)
    assert [machine.power for machine in lab.list()] == [Power.ON, Power.OFF, Power.ON]
    assert [(step.subject, step.action.value) for step in lab.plan()] == [("two", "start")]
    lab.start(["two"])
    assert ssh(lab, "two", "cat /root/plug").strip() == "kept"


def test_stop_is_orderly_and_start_brings_everything_back(lab: NspawnProvider) -> None:
    ssh(
        lab,
        "two",
        "echo '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStop=/bin/touch /root/stopped' >/etc/systemd/system/bye.service",
    )
    ssh(lab, "two", "systemctl daemon-reload && systemctl start bye")
    lab.stop(["two"])
    assert [machine.power for machine in lab.list()] == [Power.ON, Power.OFF, Power.ON]
    lab.start()
    assert ssh(lab, "two", "ls /root/stopped").strip() == "/root/stopped"
    assert "two login" in lab.console("two") or "Debian" in lab.console("two")


def test_two_labs_side_by_side_and_one_that_overlaps(lab: NspawnProvider, labs_folder: Path, free_network: Callable[[], str]) -> None:
    other = make_lab(labs_folder / "other", free_network(), "one: {}")
    try:
        other.create()
        other.start()
        assert ssh(other, "one", "hostname; cat /etc/machine-id") != ssh(lab, "one", "hostname; cat /etc/machine-id")
        ssh(other, "one", "apt-get update -q")
        ssh(lab, "one", "apt-get update -q")
        assert leftovers(other) != []
        clash = make_lab(labs_folder / "clash", str(lab.lab.network), "one: {}", "clash")
        with pytest.raises(MachineError, match="overlaps"):
            clash.create()
        clash.destroy()
    finally:
        other.destroy()
    assert leftovers(other) == [] and leftovers(clash) == []
    assert ssh(lab, "one", "hostname").strip() == "one"


def test_destroy_leaves_nothing_also_of_a_lab_that_was_half_made(labs_folder: Path, free_network: Callable[[], str]) -> None:
    provider = make_lab(labs_folder / "half", free_network(), "one: {}, two: {}", "half")
    provider.create()
    provider.start(["one"])
    # As a kill in the middle of making the second host leaves it: folders without the note that comes last.
    (provider._disk("two").path / "machine.json").unlink()
    # And its files beside the inventory lost altogether.
    subprocess.run(["rm", "-rf", provider.lab.state / "machines" / "one" / "pid"], check=True)
    provider.destroy()
    provider.destroy()
    assert leftovers(provider) == []


@pytest.mark.parametrize("after_s", [0.25, 0.35, 0.45, 0.6, 0.9])
def test_a_killed_up_is_finished_by_the_next_one(labs_folder: Path, free_network: Callable[[], str], after_s: float) -> None:
    provider = make_lab(labs_folder / f"killed-{after_s}", free_network(), "one: {}, two: {}", "killed")
    path = provider.lab.inventory
    process = subprocess.Popen(
        [sys.executable, "-m", "provisioner.machines", "up", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    try:
        provider.create()
        provider.start()
        assert [machine.power for machine in provider.list()] == [Power.ON, Power.ON]
        assert ssh(provider, "one", "hostname").strip() == "one"
        assert ssh(provider, "two", "hostname").strip() == "two"
    finally:
        provider.destroy()
    assert leftovers(provider) == []


def test_a_host_that_does_not_boot_is_shown_with_its_console(labs_folder: Path, free_network: Callable[[], str]) -> None:
    provider = make_lab(labs_folder / "broken", free_network(), "one: {}", "broken")
    provider.create()
    init = provider._disk("one").upper / "usr/lib/systemd"
    init.mkdir(parents=True)
    (init / "systemd").write_text("#!/bin/sh\necho no init here; exit 1\n")
    (init / "systemd").chmod(0o755)
    try:
        with pytest.raises(BootError, match="ended while it booted") as caught:
            provider.start()
        assert "no init here" in caught.value.console
    finally:
        provider.destroy()
