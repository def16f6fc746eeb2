"""The base image: one read-only Debian tree a suite, built once with debootstrap and shared by every lab host on this computer.

A tree's name carries a hash of everything it is made from. It is built under another name and renamed when whole, so a tree that has its
name is complete, whenever the build was killed.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import shutil
from collections.abc import Callable
from pathlib import Path

from provisioner.machines.commands import WITH_US, run
from provisioner.machines.errors import BaseImageError, CommandError
from provisioner.machines.exclusive import exclusive

STORE = Path("/var/lib/provision")
FILES = Path(__file__).with_name("files")
PACKAGES = (
    "ca-certificates",
    "dbus",
    "iproute2",
    "iptables",
    "kmod",
    "libpam-systemd",
    "nftables",
    "openssh-server",
    "procps",
    "python3",
    "python3-apt",
    "sudo",
    "systemd",
    "systemd-sysv",
)
# What boots for nothing in a lab host; python3-apt and the rest of the above are there as on an ordinary Debian server.
MASKED = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "fstrim.timer",
    "systemd-networkd.service",
    "systemd-udevd.service",
    "systemd-udevd-control.socket",
    "systemd-udevd-kernel.socket",
    "systemd-udev-trigger.service",
    "systemd-firstboot.service",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
)
BUILD_TIMEOUT_S = 1200.0


def fingerprint(suite: str) -> str:
    """A short hash over all that the tree is made from, apart from the mirror it comes from."""
    digest = hashlib.sha256(repr((suite, PACKAGES, MASKED)).encode())
    for name in ("lab-host", "lab-host.service", "sshd-lab.conf"):
        digest.update((FILES / name).read_bytes())
    digest.update(inspect.getsource(_customise).encode())
    return digest.hexdigest()[:12]


def path_of(suite: str, store: Path = STORE) -> Path:
    """Where the suite's tree is, or will be."""
    return store / "bases" / f"{suite}-{fingerprint(suite)}"


def ensure(suite: str, mirror: str, *, proxy: str | None = None, store: Path = STORE, tell: Callable[[str], None] | None = None) -> Path:
    """The tree's path, built now (a minute) when it is not there. Waits while another process builds it, and tells so."""
    target = path_of(suite, store)
    if target.is_dir():
        return target
    with exclusive(store / "bases" / ".lock", tell=tell):
        if target.is_dir():
            return target
        for left in target.parent.glob(".building-*"):
            shutil.rmtree(left, ignore_errors=True)
        building = target.parent / f".building-{target.name}"
        log = target.parent / f"{target.name}.log"
        try:
            _debootstrap(suite, mirror, proxy, building, log)
            _customise(building)
            building.rename(target)
            _prune(store, keep=target)
        except CommandError as e:
            raise BaseImageError(
                f"building the base image of {suite} from {mirror} failed: {e.message}",
                hint=f"the whole log is {log}; is the mirror reachable from here?",
            ) from e
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return target


def _prune(store: Path, *, keep: Path) -> None:
    """Remove trees of earlier recipes that no host stands on any more."""
    used = {json.loads(note.read_text())["base"] for note in store.glob("labs/*/*/machine.json")}
    suite = keep.name.rpartition("-")[0]
    for tree in keep.parent.glob(f"{suite}-*"):
        if tree.is_dir() and tree != keep and str(tree) not in used:
            shutil.rmtree(tree, ignore_errors=True)
            tree.with_name(f"{tree.name}.log").unlink(missing_ok=True)


def _debootstrap(suite: str, mirror: str, proxy: str | None, target: Path, log: Path) -> None:
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    if proxy:
        environment["http_proxy"] = proxy
    words = [*WITH_US, "debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", suite, str(target), mirror]
    run(words, timeout_s=BUILD_TIMEOUT_S, env=environment, log=log)


def _customise(root: Path) -> None:
    """Turn a fresh debootstrap tree into what every host starts from: no identity, no keys, our early unit."""
    for pattern in ("etc/ssh/ssh_host_*", "var/cache/apt/archives/*.deb", "var/lib/apt/lists/*_*", "var/log/*.log"):
        for found in root.glob(pattern):
            found.unlink()
    (root / "etc/machine-id").write_text("")
    for name in ("etc/hostname", "var/lib/dbus/machine-id"):
        (root / name).unlink(missing_ok=True)
    _install(root, "lab-host", "usr/local/sbin/lab-host", 0o755)
    _install(root, "lab-host.service", "etc/systemd/system/lab-host.service", 0o644)
    _install(root, "sshd-lab.conf", "etc/ssh/sshd_config.d/lab.conf", 0o644)
    _link(root, "etc/systemd/system/sysinit.target.wants/lab-host.service", "/etc/systemd/system/lab-host.service")
    for unit in MASKED:
        _link(root, f"etc/systemd/system/{unit}", "/dev/null")
    # Hosts are thrown away: no need to wait for the disk after each unpacked file.
    (root / "etc/dpkg/dpkg.cfg.d/lab").write_text("force-unsafe-io\n")
    (root / "etc/apt/apt.conf.d/80lab").write_text('Acquire::Retries "5";\nAcquire::Languages "none";\n')


def _install(root: Path, source: str, target: str, mode: int) -> None:
    place = root / target
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes((FILES / source).read_bytes())
    place.chmod(mode)


def _link(root: Path, name: str, target: str) -> None:
    place = root / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(target)
