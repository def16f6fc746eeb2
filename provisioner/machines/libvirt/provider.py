"""The provider itself: machines of an inventory as libvirt's domains. What it promises is said by `Provider`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, MutableSequence, Sequence
from pathlib import Path
from typing import Any

import libvirt

from provisioner.images import bootable
from provisioner.images.errors import ImageError
from provisioner.machines import keys, packages
from provisioner.machines.errors import BaseImageError, MachineError
from provisioner.machines.libvirt import boot, documents, kvm, networks, seed, storage
from provisioner.machines.libvirt.connection import connect, missing, told
from provisioner.machines.libvirt.documents import Owner
from provisioner.machines.libvirt.spec import VmHost, VmLab
from provisioner.machines.parallel import each
from provisioner.machines.provider import Action, Machine, PlannedAction, Power, Progress
from provisioner.machines.rootfs import STORE
from provisioner.machines.spec import SSH_TIMEOUT_S

MACHINE_TYPE = "pc"
CONSOLE_BYTES = 1 << 20
# Measured: 5 s with KVM, 20 to 75 s emulated, on two busy cores; ten times that is a machine that doesn't come.
BOOT_TIMEOUT_S = {True: 120.0, False: 900.0}
STOP_TIMEOUT_S = {True: 60.0, False: 240.0}
_ASK_AGAIN_S = 20.0


class LibvirtProvider:
    """One lab's machines at one libvirt. `opened` makes the connection, once, when it is first needed."""

    def __init__(
        self, lab: VmLab, *, progress: Progress | None = None, opened: Callable[[str], Any] = connect, store: Path = STORE
    ) -> None:
        self.vms = lab
        self.lab = lab.lab
        self._store = store
        self._tell = progress or (lambda line: None)
        self._opened = opened
        self._connection: Any = None
        self._accelerated: bool | None = None
        self._lock = threading.Lock()

    # what is, and what would be done

    def plan(self) -> Sequence[PlannedAction]:
        steps: MutableSequence[PlannedAction] = []
        domains = self._domains()
        if self.vms.image is None and any(host.name not in domains for host in self.vms.hosts):
            paths = {self._recipe(host.spec.suite).path(self._store) for host in self.vms.hosts if host.name not in domains}
            steps += [PlannedAction("base image", Action.BUILD, str(path)) for path in sorted(paths) if not path.exists()]
        for host in self.vms.hosts:
            if host.name not in domains:
                detail = f"{host.address}, {host.memory_mib} MiB, {host.cpus} cpus, {host.disk_gib} GiB"
                steps.append(PlannedAction(host.name, Action.CREATE, detail))
            if host.name not in domains or not domains[host.name].isActive():
                steps.append(PlannedAction(host.name, Action.START))
        return steps

    def list(self) -> Sequence[Machine]:
        domains = self._domains()
        return [
            Machine(h.name, str(h.address), self._power(domains.get(h.name)), memory_mib=h.memory_mib, cpus=h.cpus) for h in self.vms.hosts
        ]

    def addresses(self) -> dict[str, str]:
        return {host.name: str(host.address) for host in self.vms.hosts}

    def connection_vars(self) -> dict[str, dict[str, object]]:
        known_hosts = self.lab.state / "known_hosts"
        options = f"-o UserKnownHostsFile={known_hosts} -o StrictHostKeyChecking=yes"
        jump = boot.jump_of(self.vms.uri)
        if jump and self.vms.networks[0].ours:
            options += f" -o ProxyJump={jump}"
        return {
            host.name: {
                "ansible_host": str(host.address),
                "ansible_user": host.spec.user,
                "ansible_ssh_private_key_file": str(self.lab.state / "id_ed25519"),
                "ansible_ssh_common_args": options,
                "ansible_timeout": SSH_TIMEOUT_S,
            }
            for host in self.vms.hosts
        }

    def console(self, name: str) -> str:
        return boot.readable(storage.read_console(self._libvirt(), self.vms, self.vms.host(name).name, CONSOLE_BYTES))

    # changes

    def create(self, names: Sequence[str] | None = None) -> None:
        chosen = self._chosen(names)
        before = self._domains()
        hosts = [host for host in chosen if host.name not in before]
        if not hosts:
            return
        try:
            self._create(hosts)
        except (MachineError, ImageError):
            if not before:
                self.destroy()  # a first attempt that failed leaves nothing behind
            raise

    def _create(self, hosts: Sequence[VmHost]) -> None:
        connection = self._libvirt()
        self._is_accelerated()
        self.lab.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.lab.state.chmod(0o700)
        images = {suite: self._image(suite) for suite in sorted({host.spec.suite for host in hosts})}
        authorized = keys.ensure_key(self.lab.state / "id_ed25519", f"lab-{self.lab.cluster}")
        pool = storage.ensure_pool(connection, self.vms)
        storage.check_room(pool, next(iter(images.values())), len(hosts))
        bases = {suite: storage.ensure_base(pool, self.vms, image, self._tell) for suite, image in images.items()}
        networks.ensure(connection, self.vms, self._owner())
        files = {suite: self._apt_files(suite) for suite in images}

        def one(host: VmHost) -> None:
            suite = host.spec.suite
            self._create_host(host, pool, images[suite], bases[suite], files[suite], authorized)

        each(one, hosts)
        self._pin()

    def start(self, names: Sequence[str] | None = None) -> None:
        hosts = self._chosen(names)
        domains = self._domains()
        absent = [host.name for host in hosts if host.name not in domains]
        if absent:
            raise MachineError(f"not created yet: {', '.join(absent)}", hint="create them first (`provision machines up`)")
        off = [host for host in hosts if not domains[host.name].isActive()]
        storage.ensure_pool(self._libvirt(), self.vms)
        networks.ensure(self._libvirt(), self.vms, self._owner())
        if self._brings_packages():
            packages.ensure(self.lab)

        def power_on(host: VmHost) -> None:
            self._tell(f"{host.name}: starting")
            with told(f"host {host.name}: starting"):
                domains[host.name].create()

        each(power_on, off)
        self._await(hosts, domains)

    def stop(self, names: Sequence[str] | None = None, *, hard: bool = False) -> None:
        domains = self._domains()
        each(lambda host: self._power_off(host.name, domains.get(host.name), hard=hard), self._chosen(names))
        if not any(domain.isActive() for domain in self._domains().values()):
            if self._brings_packages():
                packages.release(self.lab)
            networks.stop(self._libvirt(), self.vms)

    def destroy(self) -> None:
        connection = self._libvirt()
        domains = self._domains()
        each(lambda name: self._remove_domain(name, domains[name]), sorted(domains))
        if self._brings_packages():
            packages.release(self.lab)
        networks.remove(connection, self.vms)
        storage.remove(connection, self.vms)
        self._forget()
        self._tell(f"destroyed {', '.join(sorted(domains)) or 'nothing'}")

    # one machine

    def _create_host(self, host: VmHost, pool: Any, image: storage.BaseImage, base: str, files: dict[str, str], authorized: str) -> None:
        self._tell(f"{host.name}: creating ({host.address})")
        key = self._host_key_path(host.name)
        public = keys.ensure_key(key, host.name)
        name = self.lab.machine_name(host.spec)
        identity = seed.Identity(host, name, key.read_text(), public, authorized, files, self._resolver())
        disks = storage.ensure_disks(pool, self.vms, host, image, base, seed.disk(identity, cloud_init=image.cloud_init))
        document = documents.render(
            "domain.xml.j2",
            name=name,
            host=host,
            lab=self.lab,
            owner=self._owner(host),
            accelerated=self._is_accelerated(),
            machine=MACHINE_TYPE,
            disks=disks,
            console=storage.console_path(pool, self.vms, host.name),
        )
        with told(f"host {host.name}: defining it"):
            connection = self._libvirt()
            try:
                found = connection.lookupByName(name)
            except libvirt.libvirtError as e:
                if not missing(e):
                    raise
            else:
                owner = documents.owner_of(found.XMLDesc())
                if owner is None or owner.lab != self.lab.id:
                    raise MachineError(f"host {host.name}: libvirt has a machine {name} that is not ours", hint="rename it, or remove it")
            connection.defineXML(document)

    def _power_off(self, name: str, domain: Any, *, hard: bool) -> None:
        if domain is None or not domain.isActive():
            return
        self._tell(f"{name}: {'pulling the plug' if hard else 'stopping'}")
        with told(f"host {name}: stopping"):
            if not hard:
                self._shut_down(domain)
            if domain.isActive():
                try:
                    domain.destroy()
                except libvirt.libvirtError as e:
                    if e.get_error_code() != libvirt.VIR_ERR_OPERATION_INVALID:  # it ended in the meantime
                        raise

    def _shut_down(self, domain: Any) -> None:
        """The power button, pressed again now and then: a guest that still boots does not see it."""
        deadline = time.monotonic() + STOP_TIMEOUT_S[self._is_accelerated()]
        again = 0.0
        while domain.isActive() and time.monotonic() < deadline:
            if time.monotonic() >= again:
                try:
                    domain.shutdown()
                except libvirt.libvirtError as e:
                    if e.get_error_code() != libvirt.VIR_ERR_OPERATION_INVALID:
                        raise
                again = time.monotonic() + _ASK_AGAIN_S
            time.sleep(0.1)

    def _remove_domain(self, name: str, domain: Any) -> None:
        with told(f"host {name}: removing it"):
            if domain.isActive():
                domain.destroy()
            domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA)

    def _await(self, hosts: Sequence[VmHost], domains: dict[str, Any]) -> None:
        timeout_s = float(self.vms.boot_timeout_s or BOOT_TIMEOUT_S[self._is_accelerated()])
        jump = boot.jump_of(self.vms.uri) if self.vms.networks[0].ours else ""

        def one(host: VmHost) -> None:
            address = str(host.address)
            reach = (lambda: boot.answers_through(jump, address)) if jump else (lambda: boot.answers(address))
            with told(f"host {host.name}: waiting for SSH"):
                boot.await_ssh(host.name, reach, lambda: bool(domains[host.name].isActive()), lambda: self.console(host.name), timeout_s)

        each(one, hosts)

    # small things

    def _libvirt(self) -> Any:
        with self._lock:
            if self._connection is None:
                self._connection = self._opened(self.vms.uri)
            return self._connection

    def _is_accelerated(self) -> bool:
        if self._accelerated is None:
            self._accelerated = kvm.accelerated(self.vms.acceleration, self._libvirt(), local=self.vms.local)
            if not self._accelerated and self.vms.acceleration == "auto":
                self._tell(f"warning: no KVM at {self.vms.uri}: {kvm.COST}")
        return self._accelerated

    def _domains(self) -> dict[str, Any]:
        """Domains that carry this lab's mark, by host; also of hosts that the inventory doesn't name any more."""
        with told("listing machines"):
            marked = [(domain, documents.owner_of(domain.XMLDesc())) for domain in self._libvirt().listAllDomains()]
        return {owner.host: domain for domain, owner in marked if owner and owner.lab == self.lab.id}

    def _power(self, domain: Any) -> Power:
        if domain is None:
            return Power.ABSENT
        return Power.ON if domain.isActive() else Power.OFF

    def _owner(self, host: VmHost | None = None) -> Owner:
        lab = Owner(self.lab.id, self.lab.cluster, str(self.lab.inventory.resolve()))
        if host is None:
            return lab
        return Owner(lab.lab, lab.cluster, lab.inventory, host.name, str(host.address), host.spec.user, host.groups)

    def _recipe(self, suite: str) -> bootable.Recipe:
        return bootable.Recipe(suite, tuple(sorted(self.vms.packages)))

    def _image(self, suite: str) -> storage.BaseImage:
        if self.vms.image is not None:
            return storage.given(self.vms.image)
        sources = packages.host_sources(suite, self.lab)
        try:
            path = bootable.ensure(self._recipe(suite), sources.main, proxy=sources.proxy, store=self._store, progress=self._tell)
        except ImageError as e:
            raise BaseImageError(str(e)) from e
        return storage.built(path)

    def _brings_packages(self) -> bool:
        """Whether machines get Debian packages through this computer's cache: where its own network has them."""
        return self.vms.local and all(network.ours for network in self.vms.networks[:1]) and not self.vms.uri.startswith("test:")

    def _apt_files(self, suite: str) -> dict[str, str]:
        sources = packages.host_sources(suite, self.lab)
        return packages.host_files(suite, sources, self.lab.package_proxy if self._brings_packages() else sources.proxy)

    def _resolver(self) -> str:
        network = self.vms.networks[0]
        return str(network.gateway) if network.forward != "isolated" else ""

    def _pin(self) -> None:
        lines = {}
        for host in self.vms.hosts:
            public = self._host_key_path(host.name).with_name("host_key.pub")
            if public.exists():
                lines[host.name] = keys.known_hosts_line(host.name, str(host.address), public.read_text())
        keys.pin(self.lab.state / "known_hosts", lines)

    def _forget(self) -> None:
        """Keys and records beside the inventory."""
        import shutil

        shutil.rmtree(self.lab.state / "machines", ignore_errors=True)
        for name in ("id_ed25519", "id_ed25519.pub", "known_hosts"):
            (self.lab.state / name).unlink(missing_ok=True)
        if self.lab.state.is_dir() and not any(self.lab.state.iterdir()):
            self.lab.state.rmdir()

    def _chosen(self, names: Sequence[str] | None) -> tuple[VmHost, ...]:
        return self.vms.hosts if names is None else tuple(self.vms.host(name) for name in names)

    def _host_key_path(self, name: str) -> Path:
        return self.lab.state / "machines" / name / "host_key"
