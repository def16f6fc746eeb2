"""A host of its own on loopback: a real sshd in namespaces for mounts, processes and the host name, with its own /etc, users and homes.

Nothing of it is seen outside, and all of it ends with one process.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from provisioner.transport import Become, ConnectionSettings, Secret

PASSWORD = "correct horse"
SU_PASSWORD = "battery staple"

# Users: admin may sudo with a password, deploy without one, guest not at all; root's password is for su.
SETUP = r"""
set -e
cp -a /etc "$HERE/etc"
rm -f "$HERE/etc/nologin"
mount --bind "$HERE/etc" /etc
mkdir -p "$HERE/home"
mount --bind "$HERE/home" /home
mount -t tmpfs -o mode=755 run /run
mount -t tmpfs -o mode=1777 vartmp /var/tmp
mount -t tmpfs -o mode=1777 shm /dev/shm
mkdir /run/sshd
hostname testhost
number=7000
for name in admin deploy guest; do
    number=$((number + 1))
    echo "$name:x:$number:$number::/home/$name:/bin/sh" >>/etc/passwd
    echo "$name:x:$number:" >>/etc/group
    echo "$name:$USER_HASH:19000:0:99999:7:::" >>/etc/shadow
    mkdir -p "/home/$name/.ssh"
    cp "$HERE/keys.pub" "/home/$name/.ssh/authorized_keys"
    chown -R "$number:$number" "/home/$name"
    chmod 700 "/home/$name" "/home/$name/.ssh"
done
sed -i "s|^root:[^:]*:|root:$ROOT_HASH:|" /etc/shadow
mkdir -p "/home/root/.ssh"
cp "$HERE/keys.pub" "/home/root/.ssh/authorized_keys"
sed -i "s|^root:x:0:0:[^:]*:[^:]*:|root:x:0:0:root:/home/root:|" /etc/passwd
printf 'admin ALL=(ALL) ALL\ndeploy ALL=(ALL) NOPASSWD: ALL\nroot ALL=(ALL) ALL\nDefaults use_pty, !fqdn\n' >/etc/sudoers
rm -rf /etc/sudoers.d
for service in sshd sudo su; do
    printf 'auth required pam_unix.so nodelay\naccount required pam_unix.so\nsession required pam_unix.so\npassword required pam_unix.so\n' >"/etc/pam.d/$service"
done
printf 'auth sufficient pam_rootok.so\n' | cat - /etc/pam.d/su >/etc/pam.d/su.new && mv /etc/pam.d/su.new /etc/pam.d/su
if [ -n "$HIDE_PYTHON" ]; then
    : >"$HERE/nothing"
    chmod 644 "$HERE/nothing"
    for program in /usr/bin/python3* /usr/local/bin/python3*; do
        [ -f "$program" ] && mount --bind "$HERE/nothing" "$program"
    done
fi
cp "$HERE/sshd_config" "$HERE/host_key" /etc/ssh/
mount -t tmpfs -o mode=1777 tmp /tmp
exec /usr/sbin/sshd -D -e -f /etc/ssh/sshd_config
"""

CONFIG = """
ListenAddress 127.0.0.1:{port}
HostKey /etc/ssh/host_key
PidFile none
UsePAM yes
PasswordAuthentication yes
PermitRootLogin yes
StrictModes no
MaxStartups 100
MaxSessions 100
LogLevel VERBOSE
"""


class PrivateHost:
    """`port` on 127.0.0.1; users admin, deploy, guest, root; `key` opens all of them."""

    def __init__(self, *, hide_python: bool = False) -> None:
        self.here = Path(tempfile.mkdtemp(prefix="private-host-", dir="/tmp"))
        self.here.chmod(0o755)
        self.port = free_port()
        self.key = self._keygen("login_key")
        self.host_key = self._keygen("host_key").with_suffix(".pub").read_text().rsplit(" ", 1)[0]
        shutil.copy(self.key.with_suffix(".pub"), self.here / "keys.pub")
        self.known_hosts = self.here / "known_hosts"
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {self.host_key}\n")
        (self.here / "sshd_config").write_text(CONFIG.format(port=self.port))
        self.log = self.here / "log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "setpriv",
                    "--pdeathsig",
                    "KILL",
                    "unshare",
                    "--mount",
                    "--uts",
                    "--pid",
                    "--fork",
                    "--kill-child",
                    "--mount-proc",
                    "--propagation",
                    "private",
                    "sh",
                    "-c",
                    SETUP,
                ],
                env={
                    "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin",
                    "HERE": str(self.here),
                    "USER_HASH": _hashed(PASSWORD),
                    "ROOT_HASH": _hashed(SU_PASSWORD),
                    "HIDE_PYTHON": "yes" if hide_python else "",
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait()

    def _keygen(self, name: str, passphrase: str = "") -> Path:
        path = self.here / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "test", "-f", path], check=True)
        return path

    def other_key(self, name: str, passphrase: str = "") -> Path:
        """A key that the host does not know."""
        path = self.here / name
        return path if path.exists() else self._keygen(name, passphrase)

    def _wait(self) -> None:
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as sock:
                if sock.recv(4) == b"SSH-":
                    return
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"sshd did not start:\n{self.log.read_text()}")

    def settings(self, user: str = "root", **changes: object) -> ConnectionSettings:
        base: dict[str, object] = {
            "name": "target",
            "address": "127.0.0.1",
            "port": self.port,
            "user": user,
            "private_key_files": (self.key,),
            "known_hosts": (self.known_hosts,),
            "connect_timeout_s": 5.0,
        }
        return ConnectionSettings(**{**base, **changes})  # type: ignore[arg-type]

    def seen(self, path: str) -> Path:
        """A path below the host's /home or /etc, as it is seen from here."""
        return self.here / path.lstrip("/")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                shutil.rmtree(self.here)
            if not self.here.exists():
                return
            time.sleep(0.05)
        raise AssertionError(f"{self.here} can't be removed")


class Wire:
    """A TCP relay before a host, which can be cut."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.cut_when_used = False  # the far end is gone, and the near one will see it only when it sends something
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            self.connections += 1
            self._open += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._relay, args=(one, other), daemon=True).start()

    def _relay(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while (data := one.recv(65536)) and not self.cut_when_used:
                other.sendall(data)
        self.cut_when_used = False
        for sock in (one, other):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """End all connections at once."""
        for sock in self._open:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        self._open.clear()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()


@contextlib.contextmanager
def ssh_agent(key: Path) -> Iterator[str]:
    """An ssh-agent with one key; its socket."""
    with tempfile.TemporaryDirectory(prefix="agent-", dir="/tmp") as folder:
        path = f"{folder}/socket"
        process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 5
            while not Path(path).exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            subprocess.run(["ssh-add", "-q", key], check=True, env={**os.environ, "SSH_AUTH_SOCK": path}, stderr=subprocess.DEVNULL)
            yield path
        finally:
            process.terminate()
            process.wait()


def sudo(password: str | None = None, user: str = "root") -> Become:
    return Become(user, "sudo", None if password is None else Secret(password))


def su(password: str | None = None, user: str = "root") -> Become:
    return Become(user, "su", None if password is None else Secret(password))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


def _hashed(password: str) -> str:
    found = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=password, capture_output=True, text=True, check=True)
    return found.stdout.strip()
