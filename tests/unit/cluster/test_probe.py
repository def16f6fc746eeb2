"""The probe's script runs in a plain shell and says what preflight needs; cut output is noticed."""

from __future__ import annotations

import socket
import subprocess

from provisioner.cluster.probe import SCRIPT, Listening, parse, ports_of


def test_script_runs_here_and_sees_our_port() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        ran = subprocess.run(["sh", "-s"], input=SCRIPT, capture_output=True, text=True, timeout=60, check=True)
        facts = parse(ran.stdout)
        assert facts.complete
        assert facts.text("architecture")
        assert (facts.number("memory_kib") or 0) > 0
        assert facts.disk_free_kib["/"] > 0
        assert listener.getsockname()[1] in facts.ports


def test_parse() -> None:
    facts = parse("os_id=debian\nfeature=overlay\nport:6443=kube-apiserver|python3|12\nport:22=|sshd|\ndisk:/var=77\ntime=5\ngarbage\n")
    assert facts.text("os_id") == "debian"
    assert facts.features == {"overlay"}
    assert facts.ports == {6443: Listening("kube-apiserver", "python3", "12"), 22: Listening("", "sshd", "")}
    assert facts.disk_free_kib == {"/var": 77}
    assert facts.number("time") == 5
    assert not facts.complete


def test_ports_follow_roles() -> None:
    assert ports_of(["etcd"]).keys() == {2379, 2380, 2381}
    assert ports_of(["masters", "nodes"])[10250] == "kubelet"
