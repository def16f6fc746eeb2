"""Each class of error is told apart by what the failed task said, and says what to do next."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.cluster.failures import classify, unit_of

CASES: list[tuple[str, str, dict[str, Any], str, str, str]] = [
    # action, task, result; kind, a part of the hint, unit
    ("copy", "kubelet : Settings", {"msg": "can't write /etc/x: No space left on device"}, "disk", "df -h", ""),
    ("apt", "common : Packages", {"msg": "E: You don't have enough free space in /var/cache", "rc": 100}, "disk", "df -h", ""),
    (
        "apt",
        "etcd : Package",
        {"msg": "apt's lock was not free within 300 s: dpkg (pid 7) holds it"},
        "package",
        "wait for that process",
        "",
    ),
    ("apt", "etcd : Package", {"msg": "E: Unable to connect to deb.example:http"}, "package", "cluster.packages", ""),
    ("apt", "etcd : Package", {"msg": "E: Unable to locate package etcd-server"}, "package", "sources.list.d", ""),
    ("apt", "etcd : Package", {"msg": "dpkg was interrupted, you must manually run"}, "package", "dpkg --configure -a", ""),
    ("apt", "etcd : Package", {"msg": "something new"}, "package", "", ""),
    ("ansible.builtin.systemd", "etcd : etcd runs", {"msg": "Job failed", "name": "etcd"}, "unit", "journalctl -u etcd", "etcd"),
    ("uri", "kubelet : kubelet is healthy", {"msg": "refused", "attempts": 60}, "health", "journalctl -u kubelet", "kubelet"),
    ("command", "images : Missing images are loaded", {"msg": "non-zero return code", "rc": 3}, "command", "", ""),
    ("file", "common : Folders", {"msg": "is a directory"}, "task", "", ""),
    ("copy", "kubelet : Settings", {"msg": "gone", "unreachable": True}, "connect", "answers SSH", ""),
    ("copy", "kubelet : Settings", {"msg": "sudo refused", "unreachable": True, "kind": "sudo"}, "sudo", "", ""),
]


@pytest.mark.parametrize(("action", "task", "result", "kind", "hint", "unit"), CASES, ids=[f"{c[3]}-{i}" for i, c in enumerate(CASES)])
def test_classes(action: str, task: str, result: dict[str, Any], kind: str, hint: str, unit: str) -> None:
    failure = classify("a", task, action, {"failed": True, **result})
    assert (failure.kind, failure.unit) == (kind, unit)
    assert hint in failure.hint
    assert task in failure.text and result["msg"] in failure.text


def test_exit_code_and_attempts_are_told() -> None:
    assert "exit code 3" in classify("a", "x : y", "command", {"msg": "non-zero return code", "rc": 3}).text
    assert "asked 60 times" in classify("a", "x : x is healthy", "uri", {"msg": "refused", "attempts": 60}).text


def test_a_unit_that_is_no_unit_is_not_asked_for() -> None:
    assert unit_of("etcd : etcd; runs", {"name": "etcd; reboot"}) == ""
    assert unit_of("kubelet : kubelet is healthy", {}) == "kubelet"
    assert unit_of("docker : Docker runs", {}) == "docker"
