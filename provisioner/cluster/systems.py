"""Which systems a host may run, and the bundle that each needs. No I/O."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.cluster.errors import HostProblem
from provisioner.cluster.probe import HostFacts
from provisioner.release.target import Target

ARCHITECTURES = ("x86_64", "aarch64")


@dataclass(frozen=True)
class System:
    """A Debian release with its own Python, which the daemons run on."""

    version: str
    suite: str
    python: tuple[int, int]

    @property
    def python_text(self) -> str:
        return ".".join(map(str, self.python))


SYSTEMS = (System("12", "bookworm", (3, 11)), System("13", "trixie", (3, 13)))


def system_of(facts: HostFacts) -> System | None:
    """None: not supported."""
    if facts.text("os_id") != "debian":
        return None
    return next((system for system in SYSTEMS if system.version == facts.text("os_version")), None)


def target_of(facts: HostFacts) -> Target:
    """What the host's bundle is built for. Only of a host that has no `problems`."""
    system = system_of(facts)
    assert system is not None, facts.text("os_name")
    return Target(system.python, facts.text("architecture"))


def problems(host: str, facts: HostFacts) -> list[HostProblem]:
    """Why the daemons can't run there."""
    found = []
    system = system_of(facts)
    if system is None:
        name = facts.text("os_name") or "an unknown system"
        supported = " and ".join(known.version for known in SYSTEMS)
        text = f"it runs {name}; supported: Debian {supported}"
        found.append(HostProblem(host, "system", text, "reinstall it, or take it out of the inventory"))
    if facts.text("architecture") not in ARCHITECTURES:
        text = f"its architecture is {facts.text('architecture') or 'unknown'}; supported: {' and '.join(ARCHITECTURES)}"
        found.append(HostProblem(host, "system", text))
    python = facts.text("python")
    if not python:
        found.append(HostProblem(host, "python", "it has no python3", "run on it: apt-get install python3"))
    elif system is not None and not python.startswith(f"{system.python_text}."):
        text = (
            f"its /usr/bin/python3 is {python}, and Debian {system.version}'s own is {system.python_text}, which the daemons are built for"
        )
        found.append(HostProblem(host, "python", text, "put the package python3's link back: apt-get install --reinstall python3-minimal"))
    return found
