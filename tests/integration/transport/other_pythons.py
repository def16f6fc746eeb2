"""Pythons older and newer than this computer's, from distributions' packages: verified, unpacked under the user's cache folder, never installed, and
run by a wrapper with the libraries that came with them."""

from __future__ import annotations

import hashlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "provision" / "pythons"
DEBIAN, UBUNTU = "http://deb.debian.org/debian", "http://archive.ubuntu.com/ubuntu"
LIBRARIES = ("libc6", "zlib1g", "libexpat1", "libbz2-1.0", "liblzma5")
DEBIAN_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


@dataclass(frozen=True)
class Source:
    """Where a Python comes from. `digest`: of all its packages together, for a suite that does not change any more and whose keys Debian does
    not have; None: Debian's own keys vouch for them."""

    mirror: str
    suite: str
    libraries: tuple[str, ...]
    digest: str | None = None


SOURCES = {
    "3.7": Source(
        UBUNTU, "bionic", ("libffi6", "libgcc1", "libssl1.1"), "bad27e3ca12876fcf4060185041491ae164c3deff34ec4d1c3f2f0a441903c2c"
    ),
    "3.9": Source(DEBIAN, "bullseye", ("libffi7", "libgcc-s1", "libssl1.1", "libcrypt1")),
    "3.13": Source(DEBIAN, "trixie", ("libffi8", "libgcc-s1", "libssl3t64", "libcrypt1", "libzstd1")),
}


def python(version: str) -> Path:
    """The wrapper that is this Python; fetched when it is not there yet."""
    folder = CACHE / version
    wrapper = folder / "python3"
    if wrapper.exists():
        return wrapper
    source = SOURCES[version]
    folder.mkdir(parents=True, exist_ok=True)
    names = (f"python{version}-minimal", f"libpython{version}-minimal", f"libpython{version}-stdlib", *LIBRARIES, *source.libraries)
    option, components = ("trusted=yes", "main universe") if source.digest else (f"signed-by={DEBIAN_KEYS}", "main")
    _download(f"deb [{option}] {source.mirror} {source.suite} {components}", names, folder)
    packages = sorted((folder / "packages").glob("*.deb"))
    digest = hashlib.sha256("".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in packages).encode()).hexdigest()
    assert source.digest in (None, digest), f"{source.mirror} gave other packages of {source.suite} than were known: {digest}"
    for package in packages:
        subprocess.run(["dpkg-deb", "-x", package, folder / "root"], check=True)
    loader = next((folder / "root").rglob("ld-linux-*.so.?"))
    places = sorted({str(path.parent) for path in (folder / "root").rglob("*.so.*") if path.parent.name.endswith("-linux-gnu")})
    text = f'#!/bin/sh\nexec {loader} --library-path {":".join(places)} {folder}/root/usr/bin/python{version} "$@"\n'
    fresh = folder / "python3.new"
    fresh.write_text(text)
    fresh.chmod(0o755)
    fresh.rename(wrapper)
    return wrapper


def _download(source: str, names: tuple[str, ...], folder: Path) -> None:
    """Packages of one source into folder/packages, with lists of apt's own beside it."""
    for name in ("lists/partial", "cache/archives/partial", "packages", "root"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "sources.list").write_text(source + "\n")
    options = {
        "Dir::Etc::SourceList": folder / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": folder / "lists",
        "Dir::State::status": "/dev/null",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",
        "Acquire::Retries": 3,
    }
    apt = ["apt-get", "-q", *(f"-o{key}={value}" for key, value in options.items())]
    for words in (["update"], ["download", *names]):
        done = subprocess.run([*apt, *words], cwd=folder / "packages", capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-2000:]
