"""Fixtures of every kind of test that makes lab hosts: a folder that CI cleans up, and address ranges nobody has."""

from __future__ import annotations

import ipaddress
import json
import os
import random
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def labs_folder() -> Iterator[Path]:
    """Inventories of test labs lie here, so that `.ci/run` finds what a killed run left behind."""
    folder = Path(os.environ.get("PROVISION_TEST_LABS", ROOT / ".labs")) / uuid.uuid4().hex[:8]
    folder.mkdir(parents=True)
    yield folder
    subprocess.run(["rm", "-rf", "--one-file-system", "--", folder], check=True)


@pytest.fixture(scope="session")
def free_network() -> Callable[[], str]:
    """Gives a /24 that no interface of this computer has, another one each time."""
    given: list[ipaddress.IPv4Network] = []

    def choose() -> str:
        shown = subprocess.run(["ip", "-json", "address", "show"], capture_output=True, text=True, check=True).stdout
        taken = [
            ipaddress.IPv4Network(f"{entry['local']}/{entry['prefixlen']}", strict=False)
            for interface in json.loads(shown)
            for entry in interface.get("addr_info", [])
            if entry.get("family") == "inet"
        ]
        while True:
            network = ipaddress.IPv4Network(f"10.{random.randint(100, 199)}.{random.randint(0, 255)}.0/24")
            if not any(network.overlaps(other) for other in [*taken, *given]):
                given.append(network)
                return str(network)

    return choose
