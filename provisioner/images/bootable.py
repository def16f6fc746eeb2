"""Bootable disk images of Debian, made of nothing but Debian packages: debootstrap, a kernel, GRUB written by hand.

No loop device, no mount and no partitioning tool is needed: the file system is made inside the image file at the first partition's place, and
the boot sector, its partition table and GRUB's core are written where a BIOS looks for them. An image's name carries a hash of all that it
is made from; it is built under another name and renamed when whole.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import shutil
import struct
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from provisioner.images.errors import ImageError
from provisioner.machines.commands import WITH_US, require, run
from provisioner.machines.errors import CommandError
from provisioner.machines.exclusive import exclusive
from provisioner.machines.rootfs import STORE

SUITES = ("bookworm", "trixie")
FILES = Path(__file__).with_name("files")
GRUB = Path("/usr/lib/grub/i386-pc")
TOOLS = {
    "debootstrap": "debootstrap",
    "grub-mkimage": "grub-common",
    "mkfs.ext4": "e2fsprogs",
    "qemu-img": "qemu-utils",
    "chroot": "coreutils",
}
PACKAGES = (
    "apparmor",
    "ca-certificates",
    "conntrack",
    "dbus",
    "e2fsprogs",
    "fdisk",
    "initramfs-tools",
    "iproute2",
    "iptables",
    "kmod",
    "libpam-systemd",
    "linux-image-cloud-amd64",
    "nftables",
    "openssh-server",
    "procps",
    "python3",
    "python3-apt",
    "sudo",
    "systemd",
    "systemd-sysv",
    "udev",
)
# Vagrant's machines have no seed: the name server is whatever DHCP says.
BOX_PACKAGES = ("systemd-resolved",)
# What the kernel needs to reach its root file system; the rest is loaded from there. A third of the size of Debian's own choice.
EARLY_MODULES = ("virtio_pci", "virtio_blk", "virtio_scsi", "sd_mod", "virtio_net", "ext4")
# All of those are loaded by name, and devices get their nodes from the kernel: a udev that looks at everything twice takes five seconds of an
# emulated boot. The system's own udev comes later and knows nothing of it.
EARLY_HOOK = """\
#!/bin/sh
[ "$1" != prereqs ] || exit 0
rm -rf "$DESTDIR"/scripts/init-*/udev "$DESTDIR"/usr/bin/udevadm "$DESTDIR"/usr/lib/udev "$DESTDIR"/usr/lib/systemd
"""
GRUB_MODULES = ("biosdisk", "part_msdos", "ext2", "linux", "normal", "smbios", "test", "echo")
MASKED = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "systemd-firstboot.service",
    "systemd-networkd-wait-online.service",
)
# Installed early to save time, not to run with Debian's settings: Docker's first start would close the way between pods.
IDLE = ("containerd.service", "docker.service", "docker.socket", "etcd.service")
SECTOR = 512
FIRST_SECTOR = 2048
BUILD_TIMEOUT_S = 1800.0
LOG_LINES = 8
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# The file system in the image; machines' disks are overlays that may be larger, and it grows into them when they boot.
SIZE_MIB = 3072
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Recipe:
    """What an image is made of. `packages` are added to the system's own; `proxy` None: straight to the mirror.

    `box` makes it a Vagrant box's disk: a user `vagrant` whom that tool's well-known key lets in.
    """

    suite: str
    packages: tuple[str, ...] = ()
    box: bool = False

    def fingerprint(self) -> str:
        """A short hash over all that the image is made from, apart from the mirror it comes from."""
        digest = hashlib.sha256(repr((self, PACKAGES, EARLY_MODULES, EARLY_HOOK, GRUB_MODULES, MASKED, IDLE, SIZE_MIB)).encode())
        for name in ("grub.cfg", "provision-seed", "provision-seed.service"):
            digest.update((FILES / name).read_bytes())
        digest.update(inspect.getsource(_customise).encode())
        if self.box:
            digest.update(inspect.getsource(_add_vagrant).encode())
        return digest.hexdigest()[:12]

    def path(self, store: Path = STORE) -> Path:
        """Where the image is, or will be."""
        return store / "images" / f"{self.suite}{'-box' if self.box else ''}-{self.fingerprint()}.qcow2"


def ensure(recipe: Recipe, mirror: str, *, proxy: str | None = None, store: Path = STORE, progress: Progress | None = None) -> Path:
    """The image's path, built now (a minute or two) when it is not there. Waits while another process builds it."""
    target = recipe.path(store)
    if target.exists():
        return target
    check(recipe)
    with exclusive(target.parent / ".lock", tell=progress):
        if target.exists():
            return target
        tell = progress or (lambda line: None)
        tell(f"image: building {recipe.suite} from {mirror} (once, about two minutes)")
        with _scratch(target) as folder:
            try:
                _build(recipe, mirror, proxy, folder, target, tell)
            except CommandError as e:
                kept = _kept_log(folder, target.with_suffix(".log"))
                raise ImageError(f"building the image of {recipe.suite} from {mirror} failed: {e.message}\n  {kept}") from e
    return target


def _kept_log(folder: Path, kept: Path) -> str:
    """What outlives the folder that the image was built in, as a hint. What went wrong in a package is in debootstrap's own log."""
    places = ("log", "root/debootstrap/debootstrap.log", "log.apt")
    logs = [log.read_bytes() for place in places if (log := folder / place).exists()]
    kept.write_bytes(b"\n".join(logs))
    last = [line for line in logs[-1].decode(errors="replace").splitlines() if line.strip()][-LOG_LINES:] if len(logs) > 1 else []
    return "\n".join([f"all of it is in {kept}" + (", which ends with" if last else ""), *(f"  | {line}" for line in last)])


def check(recipe: Recipe) -> None:
    """Raises ImageError or RequirementError when the image can't be built on this computer."""
    if recipe.suite not in SUITES:
        raise ImageError(f"no recipe for suite {recipe.suite!r}; there are: {', '.join(SUITES)}")
    if os.geteuid() != 0:
        raise ImageError("building a bootable image needs root: its files belong to root. Run it as root")
    machine = os.uname().machine
    if machine != "x86_64":
        raise ImageError(
            f"bootable images are made for x86_64, and this computer is {machine}: give a cloud image instead (machines.image)"
        )
    require(TOOLS)
    if not (GRUB / "boot.img").exists():
        raise ImageError("GRUB's files for a BIOS are missing: apt-get install grub-pc-bin")


@contextmanager
def _scratch(target: Path) -> Iterator[Path]:
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(".building-*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = target.parent / f".building-{target.stem}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _build(recipe: Recipe, mirror: str, proxy: str | None, folder: Path, target: Path, tell: Progress) -> None:
    root, raw, packed = folder / "root", folder / "disk.raw", folder / "disk.qcow2"
    environment = {"DEBIAN_FRONTEND": "noninteractive", **({"http_proxy": proxy} if proxy else {})}
    packages = sorted({*PACKAGES, *(BOX_PACKAGES if recipe.box else ())})
    words = [*WITH_US, "debootstrap", "--variant=minbase", f"--include={','.join(packages)}", recipe.suite, str(root), mirror]
    run(words, timeout_s=BUILD_TIMEOUT_S, env=environment, log=folder / "log")
    if recipe.packages:
        # debootstrap knows nothing of packages that others provide.
        tell(f"image: installing {', '.join(recipe.packages)}")
        _in_image(root, ["apt-get", "update"], environment, folder / "log.apt")
        _in_image(root, ["apt-get", "install", "--yes", "--no-install-recommends", *recipe.packages], environment, folder / "log.apt")
    tell("image: making its file system and boot sector")
    identity = str(uuid.uuid4())
    _customise(root, recipe, identity)
    _early_system(root)
    write_disk(root, raw, identity, folder)
    run(["qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", raw, packed], timeout_s=600)
    packed.chmod(0o644)
    packed.rename(target)


def _in_image(root: Path, words: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    run(["chroot", root, *words], timeout_s=BUILD_TIMEOUT_S, env={**environment, "PATH": SYSTEM_PATH}, log=log)


def _early_system(root: Path) -> None:
    """Debian's tools make the initial RAM disk again, with our list of modules and without udev."""
    hook = root / "etc/initramfs-tools/hooks/provision"
    hook.write_text(EARLY_HOOK)
    hook.chmod(0o755)
    (root / "etc/initramfs-tools/modules").write_text("\n".join(EARLY_MODULES) + "\n")
    (root / "etc/initramfs-tools/conf.d/provision").write_text("MODULES=list\nCOMPRESS=gzip\nRESUME=none\n")
    for words in (["update-initramfs", "-u", "-k", "all"], ["apt-get", "clean"]):
        run(["chroot", root, *words], timeout_s=300, env={"PATH": SYSTEM_PATH})


def _customise(root: Path, recipe: Recipe, identity: str) -> None:
    """Turn a fresh debootstrap tree into what every machine starts from: no identity, no keys, DHCP on every card, our early unit."""
    for pattern in ("etc/ssh/ssh_host_*", "var/lib/apt/lists/*_*", "var/log/*.log"):
        for found in root.glob(pattern):
            found.unlink()
    (root / "etc/machine-id").write_text("")
    (root / "var/lib/dbus/machine-id").unlink(missing_ok=True)
    files = {
        "etc/hostname": "machine\n",
        "etc/fstab": f"UUID={identity} / ext4 errors=remount-ro,noatime 0 1\n",
        "etc/systemd/network/90-dhcp.network": "[Match]\nName=e*\n\n[Network]\nDHCP=ipv4\n\n[DHCPv4]\nClientIdentifier=mac\n",
        "etc/ssh/sshd_config.d/provision.conf": "PasswordAuthentication no\nUseDNS no\n",
        "etc/apt/apt.conf.d/80provision": 'Acquire::Retries "5";\nAcquire::Languages "none";\n',
        "etc/modules-load.d/provision.conf": "isofs\n",
        "boot/grub/grub.cfg": (FILES / "grub.cfg").read_text().replace("@UUID@", identity),
        "usr/local/sbin/provision-seed": (FILES / "provision-seed").read_text(),
        "etc/systemd/system/provision-seed.service": (FILES / "provision-seed.service").read_text(),
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "usr/local/sbin/provision-seed").chmod(0o755)
    enable = ["systemctl", f"--root={root}", "enable", "systemd-networkd.service", "provision-seed.service", "ssh.service"]
    run(enable)
    run(["systemctl", f"--root={root}", "mask", *MASKED])
    present = [unit for unit in IDLE if (root / "lib/systemd/system" / unit).exists()]
    if present:
        run(["systemctl", f"--root={root}", "disable", *present])
    if recipe.box:
        _add_vagrant(root)


def _add_vagrant(root: Path) -> None:
    run(["chroot", root, "useradd", "--create-home", "--shell", "/bin/bash", "vagrant"])
    folder = root / "home/vagrant/.ssh"
    folder.mkdir(mode=0o700)
    (folder / "authorized_keys").write_text((FILES / "vagrant.pub").read_text())
    (folder / "authorized_keys").chmod(0o600)
    run(["chroot", root, "chown", "-R", "vagrant:vagrant", "/home/vagrant/.ssh"])
    (root / "etc/sudoers.d/vagrant").write_text("vagrant ALL=(ALL) NOPASSWD: ALL\n")
    (root / "etc/sudoers.d/vagrant").chmod(0o440)


def write_disk(root: Path, raw: Path, identity: str, folder: Path) -> None:
    """A disk with one partition that holds the tree, and a boot sector that finds it."""
    with raw.open("wb") as file:
        file.truncate((SIZE_MIB << 20) + FIRST_SECTOR * SECTOR)
    options = f"offset={FIRST_SECTOR * SECTOR}"
    words: Sequence[str | Path] = ["mkfs.ext4", "-q", "-F", "-U", identity, "-L", "root", "-E", options, "-d", root, raw, f"{SIZE_MIB}M"]
    run(words, timeout_s=300)
    core = folder / "core.img"
    run(["grub-mkimage", "-O", "i386-pc", "-p", "(hd0,msdos1)/boot/grub", "-o", core, *GRUB_MODULES])
    loader = core.read_bytes()
    if len(loader) > (FIRST_SECTOR - 1) * SECTOR:
        raise ImageError(f"GRUB's core has {len(loader)} bytes and does not fit before the first partition")
    with raw.open("r+b") as file:
        file.write(boot_sector((GRUB / "boot.img").read_bytes(), FIRST_SECTOR, (SIZE_MIB << 20) // SECTOR))
        file.write(loader)


def boot_sector(code: bytes, start: int, sectors: int) -> bytes:
    """The disk's first 512 bytes: GRUB's code (its first 440), and one bootable Linux partition, given in sectors."""
    # Addresses by cylinder, head and sector can't tell of such places, and nobody reads them any more: the highest that can be written.
    nowhere = b"\xfe\xff\xff"
    entry = struct.pack("<B3sB3sII", 0x80, nowhere, 0x83, nowhere, start, sectors)
    return code[:440].ljust(446, b"\0") + entry + bytes(3 * 16) + b"\x55\xaa"
