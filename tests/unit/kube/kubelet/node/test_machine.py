"""Proves that the facts of a host are read, from the host that runs this."""

from __future__ import annotations

import os
from pathlib import Path

from provisioner.kube.kubelet.node.machine import memory_available, read_machine


def test_the_facts_are_there(tmp_path: Path) -> None:
    found = read_machine(tmp_path)
    assert found.cpus >= 1 and found.kernel == os.uname().release and found.boot_id and found.os_image
    assert 0 < memory_available() <= max(found.memory_bytes, memory_available())
    assert found.disk_bytes > 0 and found.hostname == found.hostname.lower()
