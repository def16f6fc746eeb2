"""Tests on real virtual machines, which take minutes each: `make vm-test` runs them, `make test` does not."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(2700))


@pytest.fixture(scope="session")
def libvirt_runs() -> Iterator[None]:
    """Started by hand where no systemd does it; what was not started here is not stopped here."""
    ran = subprocess.run([ROOT / "scripts" / "libvirt", "status"], capture_output=True, timeout=60, check=False).returncode == 0
    subprocess.run([ROOT / "scripts" / "libvirt", "start"], check=True, timeout=120)
    yield
    if not ran:
        subprocess.run([ROOT / "scripts" / "libvirt", "stop"], check=True, timeout=60)
