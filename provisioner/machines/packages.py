"""How Debian packages reach hosts that have no route out: our own apt-cacher-ng, listening on the addresses of the labs' bridges.

One process serves all labs of this computer, since its cache must have one writer. It has its own configuration, cache and pid file and
never touches the system's instance. Which labs use it is one small file a lab; it ends when the last lab lets go.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from provisioner.machines.commands import run
from provisioner.machines.errors import MachineError
from provisioner.machines.exclusive import exclusive
from provisioner.machines.processes import end, read_pid_file, reference, write_pid_file
from provisioner.machines.rootfs import STORE
from provisioner.machines.spec import PACKAGE_PROXY_PORT, LabSpec

HOME = STORE / "apt-cache"
PROGRAM = "/usr/sbin/apt-cacher-ng"
USER = "apt-cacher-ng"
START_TIMEOUT_S = 10.0
# Of apt's answers to questions. On an overloaded computer half a minute was seen.
ASK_TIMEOUT_S = 180.0
DEBIAN = "http://deb.debian.org/debian"
SECURITY = "http://deb.debian.org/debian-security"


@dataclass(frozen=True)
class Sources:
    """Mirrors of one suite, and the proxy this computer's apt goes through (None: straight)."""

    main: str
    security: str | None
    proxy: str | None


def host_sources(suite: str, lab: LabSpec) -> Sources:
    """What the inventory says, else what this computer's apt uses for the suite, else Debian's own mirror."""
    return sources_of(suite, mirror=lab.mirror, proxy=lab.proxy)


def sources_of(suite: str, *, mirror: str | None = None, proxy: str | None = None) -> Sources:
    """The same without an inventory."""
    main, security = (mirror, None) if mirror else _apt_mirrors(suite)
    return Sources(main, security, proxy or _apt_proxy())


def upstream_proxy(lab: LabSpec) -> str | None:
    """What this computer itself goes through to reach a mirror."""
    return lab.proxy or _apt_proxy()


def _apt_mirrors(suite: str) -> tuple[str, str | None]:
    words = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"]
    listing = run(words, timeout_s=ASK_TIMEOUT_S, check=False)
    lines = {tuple(line.split()) for line in listing.stdout.splitlines() if len(line.split()) == 2}
    main = next((uri for uri, release in sorted(lines) if release == suite and "debian" in uri), None)
    security = next((uri for uri, release in sorted(lines) if release == f"{suite}-security"), None)
    if main is None:
        return DEBIAN, SECURITY if suite != "sid" else None
    return main.rstrip("/"), security.rstrip("/") if security else None


def _apt_proxy() -> str | None:
    setting = run(["apt-config", "shell", "P", "Acquire::http::Proxy"], timeout_s=ASK_TIMEOUT_S, check=False).stdout
    value = setting.partition("=")[2].strip().strip("'\"")
    found = value or os.environ.get("http_proxy", "")
    return found if found and found != "DIRECT" else None


def through_cache(uri: str) -> str:
    """A mirror's address as clients of the cache write it: TLS is spoken by the cache, so that it can keep what passes."""
    parts = urlsplit(uri)
    return f"http://HTTPS///{parts.netloc}{parts.path}" if parts.scheme == "https" else uri


def host_files(suite: str, sources: Sources, proxy: str | None) -> dict[str, str]:
    """apt's files on a host, by path. `proxy` is what the host itself goes through."""
    address = through_cache if proxy else str
    lines = [f"deb {address(sources.main)} {suite} main"]
    if sources.security:
        lines.append(f"deb {address(sources.security)} {suite}-security main")
    files = {"etc/apt/sources.list": "\n".join(lines) + "\n"}
    if proxy:
        # The cache is started anew when another lab comes: a minute and a half of tries, later and later (apt.conf(5)).
        files["etc/apt/apt.conf.d/70lab-proxy"] = f'Acquire::http::Proxy "{proxy}";\nAcquire::Retries "8";\n'
    return files


def ensure(lab: LabSpec, *, home: Path = HOME) -> None:
    """The cache answers on the lab's gateway address (whose bridge must be up)."""
    with exclusive(home / "lock"):
        users = home / "users"
        users.mkdir(parents=True, exist_ok=True)
        (users / lab.id).write_text(f"{lab.gateway}\n")
        running = read_pid_file(home / "pid")
        config = home / "conf" / "acng.conf"
        bound = _bound(config) if running else set()
        if running and str(lab.gateway) in bound:
            return
        if running:
            end(running, grace_s=3.0)
        wanted = {text for file in users.iterdir() if _is_local(text := file.read_text().strip())}
        config.parent.mkdir(exist_ok=True)
        config.write_text(_configuration(home, wanted, upstream_proxy(lab)))
        _start(home, str(lab.gateway))


def release(lab: LabSpec, *, home: Path = HOME) -> None:
    """The lab needs it no longer; with the last lab it ends. The cache of packages stays."""
    if not (home / "users").is_dir():
        return
    with exclusive(home / "lock"):
        (home / "users" / lab.id).unlink(missing_ok=True)
        # Who was killed has not let go: a lab without its bridge uses nothing.
        if not any(_is_local(file.read_text().strip()) for file in (home / "users").iterdir()):
            running = read_pid_file(home / "pid")
            if running:
                end(running, grace_s=3.0)
            (home / "pid").unlink(missing_ok=True)


def _bound(config: Path) -> set[str]:
    if not config.exists():
        return set()
    lines = [line.partition(":")[2] for line in config.read_text().splitlines() if line.startswith("BindAddress:")]
    return set(" ".join(lines).split())


def _is_local(address: str) -> bool:
    """Whether this computer has the address now; a lab that is down has none."""
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _configuration(home: Path, addresses: set[str], upstream: str | None) -> str:
    lines = [
        f"CacheDir: {home}/cache",
        f"LogDir: {home}/log",
        f"SocketPath: {home}/run/socket",
        f"PidFile: {home}/run/own-pid",
        "SupportDir: /usr/lib/apt-cacher-ng",
        f"Port: {PACKAGE_PROXY_PORT}",
        f"BindAddress: {' '.join(sorted(addresses))}",
        "ForeGround: 1",
        "ExThreshold: 30",
        "VerboseLog: 0",
    ]
    if upstream:
        lines.append(f"Proxy: {upstream}")
    return "\n".join(lines) + "\n"


def _start(home: Path, address: str) -> None:
    account = _account()
    for name in ("cache", "log", "run"):
        (home / name).mkdir(exist_ok=True)
        if account:
            shutil.chown(home / name, account, account)
    with (home / "output.log").open("wb") as output:
        process = subprocess.Popen(
            [PROGRAM, "-c", str(home / "conf")],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd="/",
            user=account,
            group=account,
        )
    found = reference(process.pid)
    if found:
        write_pid_file(home / "pid", found)
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection((address, PACKAGE_PROXY_PORT), timeout=1.0).close()
        except OSError:
            time.sleep(0.02)
        else:
            process.returncode = 0  # it outlives us by design; without this its end would be waited for
            return
    tail = (home / "output.log").read_text(errors="replace")[-500:].strip()
    raise MachineError(f"the package cache does not answer on {address}:{PACKAGE_PROXY_PORT}: {tail or 'it printed nothing'}")


def _account() -> str | None:
    try:
        return pwd.getpwnam(USER).pw_name
    except KeyError:
        return None
