"""The lab's own images: which files they are made of and under which names Docker knows them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from provisioner.images.archive import File, Image, write_archive
from provisioner.images.errors import ImageError
from provisioner.images.pause import program

# The name kubelets ask for unless they are told otherwise.
PAUSE_TAG = "registry.k8s.io/pause:3.9"
# `latest` means "always pull" to a kubelet, so the version's name is the one to use without a registry.
BUSYBOX_TAGS = ("busybox:1.35", "busybox:latest")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_INSTALLED = Path("/bin/busybox")


def build(folder: Path) -> list[Path]:
    """Write the archives (pause.tar, busybox.tar) into `folder`, those that are there already with the same content not again."""
    architecture = _run(["dpkg", "--print-architecture"]).strip()
    binary = busybox_binary(folder)
    images = {"pause": pause_image(architecture, binary), "busybox": busybox_image(binary, architecture)}
    return [_ensure(image, folder / f"{name}.tar") for name, image in images.items()]


def pause_image(architecture: str, busybox: bytes) -> Image:
    """Our own few bytes on x86-64; elsewhere busybox, told to sleep."""
    if architecture == "amd64":
        return Image((PAUSE_TAG,), {"/pause": File(program(), 0o755)}, entrypoint=("/pause",))
    files = {"/pause": File(b"#!/bin/sh\ntrap 'exit 0' TERM INT\nsleep 2147483647 & wait\n", 0o755), "/bin/sh": File(busybox, 0o755)}
    files["/bin/sleep"] = File(link="sh")
    return Image((PAUSE_TAG,), files, entrypoint=("/pause",), architecture=architecture)


def busybox_image(binary: bytes, architecture: str) -> Image:
    """busybox under each of its names, the few files a shell's user expects, and a web server's folder."""
    files: dict[str, File] = {f"/bin/{name}": File(link="busybox") for name in applets(binary)}
    files |= {
        "/bin/busybox": File(binary, 0o755),
        "/etc/passwd": File(b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"),
        "/etc/group": File(b"root:x:0:\nnogroup:x:65534:\n"),
        "/etc/services": File(b"domain 53/udp\ndomain 53/tcp\nhttp 80/tcp\n"),
        "/root/": File(),
        "/tmp/": File(),
        "/var/www/index.html": File(b"It works.\n"),
    }
    environment = {"PATH": PATH}
    return Image(BUSYBOX_TAGS, files, command=("sh",), environment=environment, architecture=architecture)


def applets(binary: bytes) -> list[str]:
    """The names that this busybox answers to, asked of itself."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "busybox")
        path.write_bytes(binary)
        path.chmod(0o755)
        names = _run([str(path), "--list"]).split()
    return [name for name in names if name != "busybox"]


def busybox_binary(cache: Path) -> bytes:
    """From the busybox-static package: the installed one, else one that apt downloads into `cache`."""
    listed = subprocess.run(["dpkg", "-L", "busybox-static"], capture_output=True, text=True, check=False).stdout.split()
    if str(_INSTALLED) in listed and _INSTALLED.exists():
        return _INSTALLED.read_bytes()
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        _run(["apt-get", "download", "busybox-static"], cwd=Path(folder))
        package = next(Path(folder).glob("*.deb"))
        _run(["dpkg-deb", "--extract", str(package), folder])
        found = next((path for path in Path(folder).rglob("bin/busybox")), None)
        if found is None:
            raise ImageError(f"{package.name} holds no bin/busybox")
        return found.read_bytes()


def _ensure(image: Image, path: Path) -> Path:
    """The note beside the archive names the input it was made from and the archive's own hash."""
    note = path.with_suffix(".sha256")
    wanted = _fingerprint(image)
    if path.exists() and note.exists() and note.read_text().split() == [wanted, _hash(path)]:
        return path
    write_archive(image, path)
    note.write_text(f"{wanted} {_hash(path)}\n")
    return path


def _fingerprint(image: Image) -> str:
    return hashlib.sha256(
        repr((image.tags, sorted(image.files.items()), image.entrypoint, image.command, image.environment)).encode()
    ).hexdigest()


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _run(argv: list[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    try:
        done = subprocess.run(argv, cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=120, check=True)
    except FileNotFoundError as e:
        raise ImageError(f"command not found: {argv[0]}; images are made on a Debian machine") from e
    except subprocess.CalledProcessError as e:
        raise ImageError(f"`{' '.join(argv)}` ended with {e.returncode}: {e.stderr.strip()[-300:]}") from e
    except subprocess.TimeoutExpired as e:
        raise ImageError(f"`{' '.join(argv)}` did not end within {e.timeout:.0f} s") from e
    return done.stdout
