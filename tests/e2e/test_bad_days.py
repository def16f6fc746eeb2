"""Proves that trouble gives one clear error and nothing half-done: bad inventories, unreachable and changed hosts, taken ports, kills, locks."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioner.inventory import load
from provisioner.machines.provider import provider_for
from tests.e2e.expired import expire
from tests.e2e.lab import HOSTS, PROVISION, Cluster, changed, changed_inventory, eventually, run

PROXY_FILES = "/etc/kubernetes/proxy /etc/kubernetes/proxy.yaml /lib/systemd/system/kube-proxy.service"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"all/vars/cluster/service_cidr": "10.96.0.0/99"}, ["service_cidr", "10.96.0.0/99"]),
        ({"all/vars/cluster/pod_cidr": "10.96.0.0/16"}, ["pod_cidr", "overlap"]),
        ({"all/vars/cluster/servce_cidr": "10.96.0.0/16"}, ["servce_cidr", "service_cidr"]),
        ({"all/vars/cluster/name": "Not_A_Label"}, ["Not_A_Label"]),
        ({"all/children/masters/hosts": {}}, ["masters"]),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_in_the_inventory_is_placed_and_explained(
    bare: Cluster, tmp_path: Path, change: dict[str, object], words: list[str]
) -> None:
    made = tmp_path / "inventory.yaml"
    made.write_text(changed(bare.inventory.read_text(), change))
    said = run([PROVISION, "up", made], timeout_s=60)
    assert said.code == 2, said.output
    assert "Traceback" not in said.output
    assert "inventory.yaml" in said.output
    for word in words:
        assert word in said.output
    assert not (tmp_path / ".provision").exists()


def test_broken_yaml_has_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "inventory.yaml"
    path.write_text("all:\n  vars: {cluster: {name: x}\n  children: [\n")
    said = run([PROVISION, "up", path], timeout_s=60)
    assert said.code == 2
    assert "inventory.yaml:" in said.output and "Traceback" not in said.output


def test_an_unreachable_host_is_named_before_anything_is_changed(tmp_path: Path) -> None:
    hosts = {"ansible_host": "127.0.0.1", "ansible_port": 9, "ansible_user": "root"}
    tree = {
        "all": {
            "vars": {"cluster": {"name": "gone"}},
            "children": {"masters": {"hosts": {"far-1": hosts}}, "workers": {"hosts": {"far-1": None}}},
        }
    }
    path = tmp_path / "inventory.yaml"
    path.write_text(yaml.safe_dump(tree))
    said = run([PROVISION, "up", path], timeout_s=120)
    assert said.code not in (0, 2), said.output
    assert "far-1" in said.output and "Traceback" not in said.output
    assert "refused" in said.output.lower() or "connect" in said.output.lower()


def test_a_changed_host_key_is_refused(whole: Cluster) -> None:
    known_hosts = whole.state / "known_hosts"
    right = known_hosts.read_text()
    lines = [line.split() for line in right.splitlines()]
    other = {name.split(",")[0]: key for (name, _, _), (_, _, key) in zip(lines, [*lines[1:], lines[0]], strict=True)}
    known_hosts.write_text("".join(f"{name} {kind} {other[name.split(',')[0]]}\n" for name, kind, _ in lines))
    try:
        said = whole.provision("status")
        assert said.code == 1 and "Traceback" not in said.output, said.output
        assert re.search(r"^NOT well:(\n  .*)*\n  worker-1: .*host key", said.stdout, re.MULTILINE), said.output
        assert run([PROVISION, "ssh", whole.inventory, "worker-1", "true"], timeout_s=60).code != 0
    finally:
        known_hosts.write_text(right)
    assert whole.provision("ssh", "worker-1", "true").code == 0


def test_two_runs_at_once_the_second_says_who_is_first(whole: Cluster) -> None:
    first = subprocess.Popen([PROVISION, "up", whole.inventory], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        eventually(lambda: f'"pid": {first.pid}' in (whole.state / "lock").read_text(), 20, "the first run holds the lock", every_s=0.01)
        said = whole.provision("up")
    finally:
        output, _ = first.communicate(timeout=300)
    assert first.returncode == 0, output
    assert said.code != 0, "the second run was not refused"
    assert str(first.pid) in said.output, said.output


def events_of(cluster: Cluster, before: set[Path]) -> list[dict[str, Any]]:
    """What the newest run has logged so far; empty until that run has begun."""
    fresh = sorted(set(cluster.state.glob("runs/*/events.jsonl")) - before)
    lines = fresh[-1].read_text().splitlines() if fresh else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def changes_of(cluster: Cluster, before: set[Path]) -> list[str]:
    """The changes of that run, as `host task`."""
    return [f"{e['host']} {e['text']}" for e in events_of(cluster, before) if e["kind"] == "result" and e.get("data", {}).get("changed")]


# As a kill in the middle of apt leaves a host: a package that is only unpacked, and an entry of the journal that makes apt refuse all else.
INTERRUPT_DPKG = """set -e; cd /tmp; apt-get download -q conntrack 2>/dev/null; dpkg --unpack conntrack_*.deb
sed -n '/^Package: conntrack$/,/^$/p' /var/lib/dpkg/status >/var/lib/dpkg/updates/0000"""


def test_a_run_that_is_killed_again_and_again_converges(whole: Cluster) -> None:
    """Each run is killed at its first change, so that every moment between two changes is met once."""
    files = f"{PROXY_FILES} /etc/kubernetes/kubelet.yaml"
    whole.ssh("worker-1", f"systemctl stop kube-proxy; rm -f {files}").ok()
    whole.ssh("worker-1", INTERRUPT_DPKG).ok()
    kills = 0
    for _ in range(20):
        before = set(whole.state.glob("runs/*/events.jsonl"))
        run_ = subprocess.Popen([PROVISION, "up", whole.inventory], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while run_.poll() is None and not changes_of(whole, before):
            time.sleep(0.002)
        if run_.poll() is not None:
            break
        run_.send_signal(signal.SIGKILL)
        run_.wait()
        kills += 1
    assert run_.returncode == 0 and kills >= 4, (run_.returncode, kills)
    assert whole.ssh("worker-1", "systemctl is-active kube-proxy kubelet").stdout.split() == ["active", "active"]
    assert whole.ssh("worker-1", f"ls {files}").code == 0
    assert whole.ssh("worker-1", "dpkg --audit; ls /var/lib/dpkg/updates").ok().stdout == ""
    assert not re.search(r"changed=[1-9]", whole.provision("up").ok().stdout)


def test_a_host_that_dies_in_the_middle_is_reported_and_the_others_finish(whole: Cluster) -> None:
    """Its plug is pulled at its first change; the run and its log say where that was, and a rerun goes on."""
    whole.ssh("worker-2", f"systemctl stop kube-proxy; rm -f {PROXY_FILES}").ok()
    whole.ssh("worker-1", "echo '# drift' >>/etc/kubernetes/proxy").ok()
    provider = provider_for(load([whole.inventory]), whole.inventory)
    before = set(whole.state.glob("runs/*/events.jsonl"))
    run_ = subprocess.Popen([PROVISION, "up", whole.inventory], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    eventually(lambda: any(one.startswith("worker-2") for one in changes_of(whole, before)), 30, "worker-2's first change", every_s=0.002)
    provider.stop(["worker-2"], hard=True)
    said, _ = run_.communicate(timeout=120)
    assert run_.returncode == 1 and "Traceback" not in said, said
    # Its last words may still have come through: systemctl on a host whose systemd is gone.
    assert re.search(r"^  worker-2: (connect|unit): task '.*' failed: ", said, re.MULTILINE), said
    assert re.search(r"^worker-1 .*changed=[1-9]\d* failed=0", said, re.MULTILINE) and re.search(
        r"^master-1 .*failed=0", said, re.MULTILINE
    ), said
    events = events_of(whole, before)
    last = [event for event in events if event.get("host") == "worker-2"][-1]
    assert last["kind"] == "result" and last["data"]["status"] in ("unreachable", "failed") and last["text"] in said, last
    assert (events[-1]["kind"], events[-1]["text"]) == ("run_end", "failed")
    whole.machine("plug", "worker-2")
    whole.provision("up").ok()
    assert whole.ssh("worker-2", f"ls {PROXY_FILES}").code == 0


# A package that is missed only by the next run, and the lock as dpkg takes it.
TAKE_APT_LOCK = """dpkg --purge --force-depends conntrack
systemd-run --quiet --collect --unit=holder python3 -c "import fcntl, time
lock = open('/var/lib/dpkg/lock-frontend', 'w'); fcntl.lockf(lock, fcntl.LOCK_EX); time.sleep(600)"
"""


def test_apts_lock_is_waited_for_visibly_and_not_for_ever(whole: Cluster) -> None:
    whole.ssh("worker-1", TAKE_APT_LOCK).ok()
    pid = whole.ssh("worker-1", "systemctl show --value -p MainPID holder").ok().stdout.strip()
    with changed_inventory(whole, {"all/vars/cluster/packages": {"lock_timeout_s": 3}}):
        said = whole.provision("up")
    assert said.code == 1 and "Traceback" not in said.output, said.output
    assert re.search(rf"worker-1  apt's lock is held by python3 \(pid {pid}\); waiting up to 3 s", said.output), said.output
    assert re.search(rf"worker-1: package: .*not free within 3 s: python3 \(pid {pid}\) holds it", said.output), said.output
    before = set(whole.state.glob("runs/*/events.jsonl"))
    run_ = subprocess.Popen([PROVISION, "up", whole.inventory], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    eventually(lambda: any(f"(pid {pid}); waiting up to 300 s" in e.get("text", "") for e in events_of(whole, before)), 30, "it waits")
    whole.ssh("worker-1", "systemctl stop holder").ok()
    output, _ = run_.communicate(timeout=120)
    assert run_.returncode == 0, output
    assert "worker-1  changed  common : Packages" in output, output


def test_a_full_disk_is_named_and_the_run_goes_on_once_there_is_room(whole: Cluster) -> None:
    whole.ssh("worker-1", "mount -t tmpfs -o size=4k tmpfs /etc/docker && head -c 4096 /dev/zero >/etc/docker/filler").ok()
    try:
        said = whole.provision("up")
    finally:
        whole.ssh("worker-1", "umount /etc/docker").ok()
    assert said.code == 1 and "Traceback" not in said.output, said.output
    assert re.search(r"worker-1: disk: .*Settings of Docker", said.output), said.output
    assert "No space left on device" in said.output and "df -h" in said.output
    assert re.search(r"^worker-2 .*failed=0", said.stdout, re.MULTILINE), said.output
    whole.provision("up").ok()


def test_a_unit_that_does_not_start_is_reported_with_the_end_of_its_journal(whole: Cluster) -> None:
    with changed_inventory(whole, {"all/vars/cluster/scheduler": {"extra_args": {"no-such-flag": "1"}}}):
        said = whole.provision("up")
    assert said.code == 1 and "Traceback" not in said.output, said.output
    assert re.search(r"master-1: unit: .*kube-scheduler runs", said.output), said.output
    assert re.search(r"\| .*no-such-flag", said.output), "the journal's last lines are shown"
    assert "journalctl -u kube-scheduler" in said.output
    whole.provision("up").ok()
    assert whole.ssh("master-1", "systemctl is-active kube-scheduler").stdout.strip() == "active"


FILES_OF_A_NODE = "find /etc /opt /usr/local /lib/systemd -xdev -type f -printf '%p %s %m %u %T@\\n' | sort | sha256sum; systemctl show -p ActiveEnterTimestampMonotonic docker kubelet kube-proxy"


def test_a_drifted_host_is_put_right_and_the_plan_shows_it_first(whole: Cluster) -> None:
    whole.ssh("worker-1", "echo '# drift' >>/etc/kubernetes/proxy").ok()
    before = whole.ssh("worker-1", FILES_OF_A_NODE).ok().stdout
    plan = whole.provision("plan", "--exit-code")
    assert plan.code == 2 and re.search(r"worker-1  changed  kube-proxy : Settings of kube-proxy", plan.stdout), plan.output
    assert "-# drift" in plan.stdout, "the difference is shown"
    assert whole.ssh("worker-1", FILES_OF_A_NODE).ok().stdout == before, "a plan must change nothing"
    whole.provision("up").ok()
    assert whole.ssh("worker-1", "grep -c drift /etc/kubernetes/proxy").stdout.strip() == "0"


def test_a_cluster_whose_certificates_have_all_expired_is_renewed(whole: Cluster) -> None:
    expire(whole)
    eventually(lambda: whole.kubectl("get", "nodes", "--request-timeout=2s").code != 0, 20, "the API takes nobody's certificate")
    told = json.loads(whole.provision("status", "--output", "json").stdout)
    assert not told["healthy"]
    assert {f"{host}: certificate kubelet: it has expired" for host in HOSTS} <= set(told["problems"])
    whole.provision("up").ok()
    whole.all_ready()
    assert whole.provision("status").ok().stdout.endswith("all is well\n")
