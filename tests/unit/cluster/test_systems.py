"""Which hosts the daemons run on, and what is built for each."""

from __future__ import annotations

import pytest

from provisioner.cluster.probe import HostFacts
from provisioner.cluster.systems import problems, system_of, target_of


def facts(version: str, python: str = "", architecture: str = "x86_64", system: str = "debian") -> HostFacts:
    return HostFacts(
        {"os_id": system, "os_version": version, "os_name": f"{system} {version}", "python": python, "architecture": architecture}
    )


@pytest.mark.parametrize(
    ("found", "suite", "target"),
    [(facts("12", "3.11.2"), "bookworm", "3.11-x86_64"), (facts("13", "3.13.5", "aarch64"), "trixie", "3.13-aarch64")],
)
def test_fit_hosts(found: HostFacts, suite: str, target: str) -> None:
    assert problems("h", found) == []
    assert str(target_of(found)) == target
    assert (system := system_of(found)) and system.suite == suite


@pytest.mark.parametrize(
    ("found", "kinds"),
    [
        (facts("11", "3.9.2"), ["system"]),
        (facts("12", "3.11.2", system="ubuntu"), ["system"]),
        (facts("13", "3.11.2"), ["python"]),
        (facts("13"), ["python"]),
        (facts("12", "3.11.2", architecture=""), ["system"]),
        (facts("14", "", architecture="i686"), ["system", "system", "python"]),
    ],
)
def test_unfit_hosts(found: HostFacts, kinds: list[str]) -> None:
    assert [problem.kind for problem in problems("h", found)] == kinds
