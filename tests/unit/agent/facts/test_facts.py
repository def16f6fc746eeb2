"""Proves how facts are read from given files: distributions, processors, memory, resolver, command line, time, capabilities, service managers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.agent.facts import distribution, hardware, netlink, network, reading, services, session, settings, storage, virtual

UBUNTU = 'NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID="22.04"\nVERSION_CODENAME=jammy\n'
ROCKY = 'NAME="Rocky Linux"\nVERSION="9.3 (Blue Onyx)"\nID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.3"\n'
DERIVED = 'NAME="Some Thing"\nID=something\nID_LIKE="debian"\nVERSION_ID="3"\n'


@pytest.mark.parametrize(
    ("files", "facts"),
    [
        (
            {"os-release": "ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm\n", "debian_version": "12.11\n"},
            ("Debian", "12.11", "12", "11", "bookworm", "Debian"),
        ),
        (
            {"os-release": "ID=debian\nVERSION_CODENAME=trixie\n", "debian_version": "trixie/sid\n"},
            ("Debian", "NA", "NA", None, "trixie", "Debian"),
        ),
        ({"os-release": UBUNTU, "debian_version": "bookworm/sid\n"}, ("Ubuntu", "22.04", "22", "04", "jammy", "Debian")),
        (
            {"os-release": ROCKY, "redhat-release": "Rocky Linux release 9.3 (Blue Onyx)\n"},
            ("Rocky", "9.3", "9", "3", "Blue Onyx", "RedHat"),
        ),
        ({"os-release": "ID=alpine\nVERSION_ID=3.19.1\n"}, ("Alpine", "3.19.1", "3", "19", "NA", "Alpine")),
        ({"os-release": DERIVED}, ("Some Thing", "3", "3", None, "NA", "Debian")),
    ],
)
def test_distributions(tmp_path: Path, files: dict[str, str], facts: tuple[Any, ...]) -> None:
    (tmp_path / "etc").mkdir()
    for name, text in files.items():
        (tmp_path / "etc" / name).write_text(text)
    found = distribution.collect(str(tmp_path))
    names = ("", "_version", "_major_version", "_minor_version", "_release")
    assert (*[found.get("distribution" + name) for name in names], found["os_family"]) == facts


def _cpu(number: int, socket: int | None, cores: int = 2, siblings: int = 4) -> str:
    lines = [f"processor\t: {number}", "vendor_id\t: GenuineIntel", "model name\t: X"]
    if socket is not None:
        lines += [f"physical id\t: {socket}", f"siblings\t: {siblings}", f"cpu cores\t: {cores}"]
    return "\n".join([*lines, "flags\t\t: fpu vme"]) + "\n"


@pytest.mark.parametrize(
    ("text", "count", "cores", "threads", "vcpus"),
    [
        ("\n".join(_cpu(n, n // 4) for n in range(8)), 2, 2, 2, 8),
        ("\n".join(_cpu(n, None) for n in range(3)), 3, 1, 1, 3),
        (_cpu(0, 0, 1, 1), 1, 1, 1, 1),
    ],
)
def test_processors(tmp_path: Path, text: str, count: int, cores: int, threads: int, vcpus: int) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    found = hardware.processors(str(tmp_path / "cpuinfo"))
    assert (found["processor_count"], found["processor_cores"]) == (count, cores)
    assert (found["processor_threads_per_core"], found["processor_vcpus"]) == (threads, vcpus)
    assert found["processor"][:3] == ["0", "GenuineIntel", "X"] and found["flags"] == ["fpu", "vme"]


def test_memory(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text(
        "MemTotal: 2097152 kB\nMemFree: 1048576 kB\nBuffers: 1024 kB\nCached: 2048 kB\nSwapTotal: 4096 kB\nSwapFree: 1024 kB\n"
    )
    assert hardware.memory(str(tmp_path / "meminfo")) == {
        "memtotal_mb": 2048, "memfree_mb": 1024, "swaptotal_mb": 4, "swapfree_mb": 1,
        "memory_mb": {
            "real": {"total": 2048, "used": 1024, "free": 1024}, "nocache": {"free": 1027, "used": 1021},
            "swap": {"total": 4, "free": 1, "used": 3, "cached": 0},
        },
    }  # fmt: skip


def test_resolver(tmp_path: Path) -> None:
    (tmp_path / "resolv.conf").write_text(
        "# no\n; no\nnameserver 10.0.0.1\nnameserver ::1\ndomain a.example\nsearch a.example b.example\noptions ndots:2 rotate\n\n"
    )
    assert settings.resolver(str(tmp_path / "resolv.conf"))["dns"] == {
        "nameservers": ["10.0.0.1", "::1"], "domain": "a.example", "search": ["a.example", "b.example"],
        "options": {"ndots": "2", "rotate": True},
    }  # fmt: skip
    assert settings.resolver(str(tmp_path / "none")) == {"dns": {}}


def test_command_line(tmp_path: Path) -> None:
    (tmp_path / "cmdline").write_text("quiet console=tty0 console=ttyS0 root=UUID=x=y\n")
    found = settings.command_line(str(tmp_path / "cmdline"))
    assert found["cmdline"] == {"quiet": True, "console": "ttyS0", "root": "UUID=x=y"}
    assert found["proc_cmdline"]["console"] == ["tty0", "ttyS0"]


def test_moment() -> None:
    found = session.moment(1700000000.25)
    assert (found["epoch"], found["iso8601"], found["iso8601_micro"]) == (
        "1700000000",
        "2023-11-14T22:13:20Z",
        "2023-11-14T22:13:20.250000Z",
    )
    assert (found["year"], found["month"], found["weekday"], found["weekday_number"]) == ("2023", "11", "Tuesday", "2")


@pytest.mark.parametrize(("size", "text"), [(0, "0.00 Bytes"), (512, "512.00 Bytes"), (1 << 30, "1.00 GB"), (3 << 39, "1.50 TB")])
def test_sizes_for_people(size: int, text: str) -> None:
    assert storage.human(size) == text


def test_the_kernel_tells_of_the_loopback() -> None:
    found = [entry for entry in netlink.addresses() if entry["address"] == "127.0.0.1"]
    assert found and (found[0]["interface"], found[0]["prefix"], found[0]["family"]) == ("lo", 8, 4)
    way = netlink.route_to("127.0.0.9")
    assert way is not None and way["interface"] == "lo"
    assert (4, "127.0.0.0/8") in netlink.local_networks()


def test_labels_make_interfaces_and_more_addresses_are_secondary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def entry(address: str, label: str) -> dict[str, Any]:
        return {"family": 4, "interface": "br-a", "label": label, "address": address, "prefix": 24, "broadcast": "", "scope": 0}

    monkeypatch.setattr(network, "DEVICES", str(tmp_path))
    monkeypatch.setattr(netlink, "addresses", lambda: [entry("10.0.0.1", "br-a"), entry("10.0.0.2", "br-a"), entry("10.0.1.1", "br-a:1")])
    monkeypatch.setattr(
        netlink,
        "route_to",
        lambda address: {"interface": "br-a", "gateway": "10.0.0.254", "address": "10.0.0.1"} if "." in address else None,
    )
    found = network.collect()
    assert found["br_a"]["ipv4"]["address"] == "10.0.0.1"
    assert [one["address"] for one in found["br_a"]["ipv4_secondaries"]] == ["10.0.0.2", "10.0.1.1"]
    assert found["br_a_1"]["ipv4"]["network"] == "10.0.1.0" and found["default_ipv6"] == {}
    assert (found["default_ipv4"]["gateway"], found["default_ipv4"]["netmask"], found["default_ipv4"]["alias"]) == (
        "10.0.0.254",
        "255.255.255.0",
        "br-a",
    )
    assert found["all_ipv4_addresses"] == ["10.0.0.1", "10.0.0.2", "10.0.1.1"]


@pytest.mark.parametrize(
    ("told", "enforced", "names"),
    [
        ("Current: =ep\nBounding set =cap_chown", "False", []),
        ("Current: =ep cap_sys_resource-ep\n", "True", ["ep cap_sys_resource-ep"]),
        ("Current: = cap_chown,cap_kill+ep\n", "True", ["cap_chown", "cap_kill+ep"]),
        ("Current: cap_chown,cap_kill=ep\n", "True", ["ep"]),
        ("", "NA", []),
    ],
)
def test_capabilities_are_what_ansible_reads_of_capsh(told: str, enforced: str, names: list[str]) -> None:
    assert services.parsed_capabilities(told) == {"system_capabilities_enforced": enforced, "system_capabilities": names}


@pytest.mark.parametrize(
    ("first", "there", "link", "manager"),
    [
        ("systemd", [], None, "systemd"),
        ("procd", [], None, "openwrt_init"),
        ("s6-svscan", [], None, "s6-svscan"),
        ("bash", ["run/systemd/system", "etc/init.d"], None, "systemd"),
        ("init", ["sbin/openrc", "etc/init.d"], None, "openrc"),
        ("dash", ["etc/init.d"], "/lib/systemd/systemd", "systemd"),
        ("dash", ["etc/init.d"], "/lib/other", "sysvinit"),
        (None, [], "/lib/systemd/systemd", "systemd"),
        (None, ["etc/dinit.d"], None, "dinit"),
        ("sh", [], None, "service"),
    ],
)
def test_service_managers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str | None, there: list[str], link: str | None, manager: str
) -> None:
    for name in [*there, "proc/1", "sbin"]:
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    if first is not None:
        (tmp_path / "proc/1/comm").write_text(first + "\n")
    if link is not None:
        (tmp_path / "sbin/init").symlink_to(link)
    monkeypatch.setattr(services.shutil, "which", lambda name: "/bin/systemctl" if name == "systemctl" else None)
    assert services.service_manager(str(tmp_path)) == {"service_mgr": manager}


@pytest.mark.parametrize(
    ("groups", "environment", "written", "files", "kinds"),
    [
        ("0::/", "PATH=/bin", "", [], []),
        ("0::/", "container=systemd-nspawn\0TERM=x", "systemd-nspawn", [], ["container", "systemd-nspawn"]),
        ("0::/", "", "systemd-nspawn", [], ["systemd-nspawn"]),  # the first process's environment is root's to read
        ("1:name=systemd:/docker/ab", "", "", ["/.dockerenv"], ["docker"]),
        ("0::/", "container=podman", "podman", ["/run/.containerenv"], ["podman", "container"]),
        ("1:cpu:/lxc/a", "container=lxc", "lxc", [], ["lxc", "container"]),
        ("0::/kubepods/besteffort", "", "", [], ["containerd"]),
        ("0::/", "", "", ["/proc/vz"], ["openvz"]),
        ("0::/", "", "", ["/proc/vz", "/proc/bc"], []),
    ],
)
def test_containers(groups: str, environment: str, written: str, files: list[str], kinds: list[str]) -> None:
    assert virtual.containers(groups, environment, written, lambda path: path in files) == kinds


@pytest.mark.parametrize(
    ("told", "facts"),
    [
        ("systemd 252 (252.39-1~deb12u2)\n+PAM +AUDIT -BPF\n", {"systemd": {"version": 252, "features": "+PAM +AUDIT -BPF"}}),
        ("systemd 252\n", {}),
        ("", {}),
        ("no such thing\nat all\n", {}),
    ],
)
def test_systemd(told: str, facts: dict[str, Any]) -> None:
    assert services.told_systemd(told) == facts


def test_a_place_where_something_is_mounted_again_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        "/dev/sda1 / ext4 rw 0 1",
        "/dev/sda1 /proc/a ext4 ro 0 0",
        "tmpfs /run tmpfs rw 0 0",
        "/dev/sda2 /proc/a ext4 rw 0 0",
        "h:/x /proc/n nfs rw 0 0",
    ]
    monkeypatch.setattr(reading, "lines", lambda path: lines if path == "/proc/self/mounts" else [])
    told = [(entry["mount"], entry["device"], entry["options"].split(",")[0]) for entry in storage.mounts()["mounts"]]
    assert told == [("/", "/dev/sda1", "rw"), ("/proc/a", "/dev/sda2", "rw"), ("/proc/n", "h:/x", "rw")]
