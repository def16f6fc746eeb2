"""The lab's provider: each host a systemd-nspawn container that boots Debian's own systemd, on an overlay over the shared base image.

A host is one detached shell (files/launch.sh) with systemd-nspawn as its child, found again by its pid file. Ending systemd-nspawn pulls
the plug; starting again on the same disk is a power cycle; a reboot from inside goes on under the same shell.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import MutableSequence, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.machines import bridge, cgroups, disks, keys, packages, rootfs
from provisioner.machines.commands import require, run
from provisioner.machines.errors import BootError, MachineError, RequirementError
from provisioner.machines.exclusive import exclusive
from provisioner.machines.inventory import lab_spec
from provisioner.machines.parallel import each
from provisioner.machines.processes import ProcessRef, children, read_pid_file
from provisioner.machines.provider import Action, Machine, PlannedAction, Power, Progress
from provisioner.machines.spec import HostSpec, LabSpec

if TYPE_CHECKING:
    from provisioner.inventory import Inventory

TOOLS = {
    "systemd-nspawn": "systemd-container",
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "apt-cacher-ng": "apt-cacher-ng",
    "unshare": "util-linux",
    "flock": "util-linux",
}
# What dockerd, systemd and our kubelet need beyond systemd-nspawn's own list; without @keyring `docker run` can't make a session key.
SYSTEM_CALLS = "@keyring bpf @privileged @mount"
MODULES = ("overlay", "br_netfilter", "nf_conntrack", "nf_tables", "vxlan", "dummy")
# How many inotify instances root may have: systemd and what it starts want some of each host, and all hosts' root is this computer's.
# The kernel's 128 are gone with twenty hosts, and systemd ends ("Failed to create control group inotify object").
INSTANCES = 8192
INSTANCES_ALLOWED = Path("/proc/sys/fs/inotify/max_user_instances")
# Until a host has its process. One that can't have it says so at once; on an emulated computer three hosts took more than 5 s.
LAUNCH_S = 60.0
# A second on an idle computer; on a busy one a minute was seen.
BOOT_TIMEOUT_S = 180.0
STOP_TIMEOUT_S = 30.0
CONSOLE_BYTES = 1 << 20


def provider(inventory: Inventory, path: Path, progress: Progress | None = None) -> NspawnProvider:
    """The plug-in's entry point."""
    return NspawnProvider(lab_spec(inventory, path), progress=progress)


class NspawnProvider:
    """See `Provider` for what its methods promise."""

    def __init__(self, lab: LabSpec, *, progress: Progress | None = None, store: Path = rootfs.STORE) -> None:
        self.lab = lab
        self._store = store
        self._tell = progress or (lambda line: None)

    # what is, and what would be done

    def plan(self) -> Sequence[PlannedAction]:
        steps: MutableSequence[PlannedAction] = []
        suites = {host.suite for host in self.lab.hosts if not self._disk(host.name).complete}
        bases = [rootfs.path_of(suite, self._store) for suite in sorted(suites)]
        steps += [PlannedAction("base image", Action.BUILD, str(base)) for base in bases if not base.is_dir()]
        for host in self.lab.hosts:
            power = self._power(host.name)
            if power is Power.ABSENT:
                steps.append(PlannedAction(host.name, Action.CREATE, f"{host.address}, {host.memory_mib} MiB, {host.cpus:g} cpus"))
            if power is not Power.ON:
                steps.append(PlannedAction(host.name, Action.START))
        return steps

    def list(self) -> Sequence[Machine]:
        found = []
        for host in self.lab.hosts:
            process = self._process(host.name)
            machine = Machine(
                host.name, str(host.address), self._power(host.name), process.pid if process else None, host.memory_mib, host.cpus
            )
            found.append(machine)
        return found

    def addresses(self) -> dict[str, str]:
        return {host.name: str(host.address) for host in self.lab.hosts}

    def connection_vars(self) -> dict[str, dict[str, object]]:
        known_hosts = self.lab.state / "known_hosts"
        return {
            host.name: {
                "ansible_host": str(host.address),
                "ansible_user": host.user,
                "ansible_ssh_private_key_file": str(self.lab.state / "id_ed25519"),
                "ansible_ssh_common_args": f"-F none -o UserKnownHostsFile={known_hosts} -o StrictHostKeyChecking=yes",
            }
            for host in self.lab.hosts
        }

    def console(self, name: str) -> str:
        path = self._console_path(self.lab.host(name).name)
        return path.read_bytes()[-CONSOLE_BYTES:].decode(errors="replace").replace("\r\n", "\n") if path.exists() else ""

    # changes

    def create(self, names: Sequence[str] | None = None) -> None:
        self._check_computer()
        with exclusive(self._lock_path(), tell=self._tell):
            bridge.check(self.lab)
            self._readdress(names)
            hosts = [host for host in self._chosen(names) if not self._disk(host.name).complete]
            disks.prepare_lab(self.lab, self._store)
            self.lab.state.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.lab.state.chmod(0o700)
            authorized = keys.ensure_key(self.lab.state / "id_ed25519", f"lab-{self.lab.cluster}")
            for suite in sorted({host.suite for host in hosts}):
                sources = packages.host_sources(suite, self.lab)
                base = self._base(suite, sources)
                apt = packages.host_files(suite, sources, self.lab.package_proxy)
                for host in hosts:
                    if host.suite == suite:
                        self._create_host(host, base, apt, authorized)
            self._pin()

    def start(self, names: Sequence[str] | None = None) -> None:
        hosts = self._chosen(names)
        absent = [host.name for host in hosts if not self._disk(host.name).complete]
        if absent:
            raise MachineError(f"not created yet: {', '.join(absent)}", hint="create them first (`provision machines up`)")
        self._check_computer()
        with exclusive(self._lock_path(), tell=self._tell):
            _load_modules()
            allow_instances()
            bridge.ensure(self.lab)
            packages.ensure(self.lab)
            each(self._power_on, hosts)
        each(self._await_ssh, hosts)

    def stop(self, names: Sequence[str] | None = None, *, hard: bool = False) -> None:
        hosts = self._chosen(names)
        each(lambda host: self._power_off(host.name, hard=hard), hosts)
        if not any(self._process(host.name) for host in self.lab.hosts):
            self._let_go()

    def destroy(self) -> None:
        present = disks.host_names(self.lab, self._store)
        each(lambda name: self._power_off(name, hard=True), sorted({*present, *(host.name for host in self.lab.hosts)}))
        self._let_go()
        disks.remove_lab(self.lab, self._store)
        state = self.lab.state
        if (state / "machines").exists():
            run(["rm", "-rf", "--one-file-system", "--", state / "machines"])
        for name in ("id_ed25519", "id_ed25519.pub", "known_hosts"):
            (state / name).unlink(missing_ok=True)
        self._tell(f"destroyed {', '.join(sorted(present)) or 'nothing: no host was there'}")
        if state.is_dir() and not any(state.iterdir()):
            state.rmdir()

    # one host

    def _base(self, suite: str, sources: packages.Sources) -> Path:
        if not rootfs.path_of(suite, self._store).is_dir():
            self._tell(f"base image: building {suite} from {sources.main} (once, about a minute)")
        return rootfs.ensure(suite, sources.main, proxy=sources.proxy, store=self._store, tell=self._tell)

    def _create_host(self, host: HostSpec, base: Path, apt: dict[str, str], authorized: str) -> None:
        self._tell(f"{host.name}: creating ({host.address})")
        key = self._host_key_path(host.name)
        keys.ensure_key(key, host.name)
        files = {**apt, **disks.identity(self.lab, host, key.read_text(), authorized), **disks.account(host.user, base, authorized)}
        disks.prepare_host(self._disk(host.name), base, files)

    def _readdress(self, names: Sequence[str] | None) -> None:
        """After a change of machines.network: hosts with nothing on them yet are made again, others are told about before anything is done."""
        moved = [(host, old) for host in self._chosen(names) if (old := disks.old_address(self._disk(host.name), self.lab, host))]
        fixed = [f"{host.name} ({old}, now {host.address})" for host, old in moved if not disks.is_bare(self._disk(host.name))]
        if fixed:
            raise MachineError(
                f"hosts were made with other addresses than the inventory gives them now: {', '.join(fixed)}",
                hint="a cluster's hosts can't move: set machines.network back, or begin anew with `provision destroy` and `provision up`",
            )
        for host, old in moved:
            self._tell(f"{host.name}: is bare and has the address {old}: it is made again")
            self._power_off(host.name, hard=True)
            disks.remove_host(self._disk(host.name))

    def _power_on(self, host: HostSpec) -> None:
        if self._process(host.name):
            return
        disk, machine = self._disk(host.name), self.lab.machine_name(host)
        base = disk.base()
        if not base.is_dir():
            raise MachineError(f"host {host.name}: its base image {base} is gone", hint="destroy the lab and create it again")
        self._tell(f"{host.name}: starting")
        cgroups.remove(machine)
        placement = cgroups.place(machine, cgroups.Limits(host.memory_mib, host.cpus))
        folder = self._host_folder(host.name)
        folder.mkdir(parents=True, exist_ok=True)
        places = [folder / "lock", folder / "pid", base, disk.upper, disk.work, disk.root]
        launch: Sequence[str | Path] = [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "--",
            "/bin/sh",
            rootfs.FILES / "launch.sh",
            *places,
        ]
        command = [*placement.wrapper, *self._nspawn(host)]
        with self._console_path(host.name).open("wb") as console:
            process = subprocess.Popen(
                [*launch, " ".join(map(str, placement.join)), "--", *command],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
                cwd="/",
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TERM": "vt102"},
            )
        deadline = time.monotonic() + LAUNCH_S
        while not self._process(host.name):
            if process.poll() is not None or time.monotonic() > deadline:
                raise BootError(host.name, "could not be started", self.console(host.name))
            time.sleep(0.005)
        process.returncode = 0  # it outlives us by design; without this its end would be waited for

    def _nspawn(self, host: HostSpec) -> Sequence[str]:
        disk = self._disk(host.name)
        words = [
            "systemd-nspawn",
            "--quiet",
            "--register=no",
            "--keep-unit",
            f"--directory={disk.root}",
            f"--machine={self.lab.machine_name(host)}",
            f"--hostname={host.name}",
            f"--network-bridge={self.lab.bridge_name}",
            "--boot",
            "--capability=all",
            f"--system-call-filter={SYSTEM_CALLS}",
            "--resolv-conf=off",
            "--timezone=off",
            "--link-journal=no",
            "--console=read-only",
            f"--bind={disk.docker}:/var/lib/docker",
        ]
        if Path("/lib/modules").is_dir():
            words.append("--bind-ro=/lib/modules")
        return words

    def _power_off(self, name: str, *, hard: bool) -> None:
        process = self._process(name)
        if process:
            self._tell(f"{name}: {'pulling the plug' if hard else 'stopping'}")
            inner = children(process.pid)
            if not hard:
                for nspawn in inner:
                    nspawn.signal(signal.SIGTERM)  # systemd-nspawn passes it on as an orderly power-off
                hard = not process.wait(STOP_TIMEOUT_S)
            if hard:
                # With its first process a host loses all others in one moment, as with its power.
                first = [leader for nspawn in inner for leader in children(nspawn.pid)]
                for one in (process, *first, *inner):
                    one.signal(signal.SIGKILL)
                for one in (process, *first, *inner):
                    one.wait(10.0)
        cgroups.remove(f"{name}-{self.lab.id}")
        (self._host_folder(name) / "pid").unlink(missing_ok=True)

    def _await_ssh(self, host: HostSpec) -> None:
        deadline = time.monotonic() + BOOT_TIMEOUT_S
        while time.monotonic() < deadline:
            if not self._process(host.name):
                raise BootError(host.name, "ended while it booted", self.console(host.name))
            try:
                with socket.create_connection((str(host.address), 22), timeout=1.0) as connection:
                    connection.settimeout(10.0)  # an emulated computer was seen to need more than two
                    if connection.recv(4) == b"SSH-":
                        return
            except OSError:
                pass
            time.sleep(0.02)
        raise BootError(host.name, f"no SSH on {host.address} within {BOOT_TIMEOUT_S:.0f} s", self.console(host.name))

    # small things

    def _let_go(self) -> None:
        """What all hosts share goes when no host runs."""
        with exclusive(self._lock_path(), tell=self._tell):
            packages.release(self.lab)
            bridge.remove(self.lab)
            cgroups.forget()

    def _pin(self) -> None:
        lines = {}
        for host in self.lab.hosts:
            public = self._host_key_path(host.name).with_name("host_key.pub")
            if public.exists():
                lines[host.name] = keys.known_hosts_line(host.name, str(host.address), public.read_text())
        keys.pin(self.lab.state / "known_hosts", lines)

    def _chosen(self, names: Sequence[str] | None) -> tuple[HostSpec, ...]:
        return self.lab.hosts if names is None else tuple(self.lab.host(name) for name in names)

    def _power(self, name: str) -> Power:
        if self._process(name):
            return Power.ON
        return Power.OFF if self._disk(name).complete else Power.ABSENT

    def _process(self, name: str) -> ProcessRef | None:
        return read_pid_file(self._host_folder(name) / "pid")

    def _disk(self, name: str) -> disks.HostDisk:
        return disks.disk_of(self.lab, name, self._store)

    def _host_folder(self, name: str) -> Path:
        return self.lab.state / "machines" / name

    def _host_key_path(self, name: str) -> Path:
        return self._host_folder(name) / "host_key"

    def _console_path(self, name: str) -> Path:
        return self._host_folder(name) / "console.log"

    def _lock_path(self) -> Path:
        return self._store / "labs" / ".lock"

    def _check_computer(self) -> None:
        if os.geteuid() != 0:
            raise RequirementError(
                "the lab needs root: its hosts are containers with networks and mounts of their own", hint="run it as root"
            )
        require(TOOLS)


def _load_modules() -> None:
    """Hosts share this computer's kernel and can't load modules themselves; one that is built in, or that it lacks, is no error here."""
    if Path("/lib/modules").is_dir() and shutil.which("modprobe"):
        run(["modprobe", "--all", "--quiet", *MODULES], check=False)


def allow_instances(setting: Path = INSTANCES_ALLOWED) -> None:
    """Raises this computer's fs.inotify.max_user_instances until its next start, where it is lower than what fifty hosts need."""
    if int(setting.read_text()) < INSTANCES:
        setting.write_text(str(INSTANCES))
