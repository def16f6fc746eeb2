"""Proves what apt reads on a host: mirrors as this computer has them, through the lab's cache, TLS included."""

from __future__ import annotations

import ipaddress
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from provisioner.machines import packages
from provisioner.machines.packages import Sources, host_files, host_sources, through_cache
from provisioner.machines.spec import LabSpec

LAB = LabSpec("lab", Path("/srv/lab.yaml"), ipaddress.IPv4Network("10.89.0.0/24"), ())
TARGETS = """http://mirror.example/debian/ bookworm-updates
http://mirror.example/debian/ bookworm
http://mirror.example/debian-security/ bookworm-security
https://tools.example/apt bookworm-tools
"""


def answers(monkeypatch: pytest.MonkeyPatch, targets: str, proxy: str = "") -> None:
    def run(argv: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(argv, 0, targets if argv[0] == "apt-get" else proxy)

    monkeypatch.setattr(packages, "run", run)
    monkeypatch.delenv("http_proxy", raising=False)


def test_mirrors_and_proxy_of_this_computer_are_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, TARGETS, "P='http://proxy.example:3128'\n")
    expected = Sources("http://mirror.example/debian", "http://mirror.example/debian-security", "http://proxy.example:3128")
    assert host_sources("bookworm", LAB) == expected


def test_another_suite_comes_from_debian_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, TARGETS)
    assert host_sources("trixie", LAB) == Sources(packages.DEBIAN, packages.SECURITY, None)


def test_the_inventory_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, TARGETS, "P='http://proxy.example:3128'\n")
    lab = LabSpec("lab", LAB.inventory, LAB.network, (), mirror="http://inner.example/debian", proxy="http://own.example:1")
    assert host_sources("bookworm", lab) == Sources("http://inner.example/debian", None, "http://own.example:1")


def test_a_host_goes_through_the_cache() -> None:
    files = host_files("bookworm", Sources("https://m.example/debian", "http://s.example/sec", None), "http://10.89.0.1:13142")
    assert files["etc/apt/sources.list"].splitlines() == [
        "deb http://HTTPS///m.example/debian bookworm main",
        "deb http://s.example/sec bookworm-security main",
    ]
    assert files["etc/apt/apt.conf.d/70lab-proxy"] == 'Acquire::http::Proxy "http://10.89.0.1:13142";\nAcquire::Retries "8";\n'


def test_without_a_cache_addresses_stay_as_they_are() -> None:
    files = host_files("bookworm", Sources("https://m.example/debian", None, None), None)
    assert files == {"etc/apt/sources.list": "deb https://m.example/debian bookworm main\n"}
    assert through_cache("http://m.example/debian") == "http://m.example/debian"


@pytest.mark.parametrize(("others", "ends"), [({}, True), ({"dead": "192.0.2.1"}, True), ({"alive": "127.0.0.1"}, False)])
def test_the_cache_ends_with_the_last_lab_that_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: dict[str, str], ends: bool
) -> None:
    ended: list[object] = []
    monkeypatch.setattr(packages, "read_pid_file", lambda path: "the cache")
    monkeypatch.setattr(packages, "end", lambda process, grace_s: ended.append(process))
    (tmp_path / "users").mkdir()
    for lab, address in {"mine": "127.0.0.1", **others}.items():
        (tmp_path / "users" / lab).write_text(f"{address}\n")
    packages.release(SimpleNamespace(id="mine"), home=tmp_path)  # type: ignore[arg-type]
    assert ended == (["the cache"] if ends else [])
