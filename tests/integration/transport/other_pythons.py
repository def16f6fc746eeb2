"""Pythons older and newer than this computer's, from distributions' packages: verified, unpacked under the user's cache folder, never installed, and
run by a wrapper with the libraries that came with them."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from provisioner.machines.packages import sources_of

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "provision" / "pythons"
LIBRARIES = ("libc6", "zlib1g", "libexpat1", "libbz2-1.0", "liblzma5")
DEBIAN_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


@dataclass(frozen=True)
class Source:
    """The Debian suite that a Python comes from, whose keys vouch for it, and the libraries it needs besides."""

    suite: str
    libraries: tuple[str, ...]


# Older ones left the mirrors; for them there is the source's own check.
SOURCES = {
    "3.9": Source("bullseye", ("libffi7", "libgcc-s1", "libssl1.1", "libcrypt1")),
    "3.13": Source("trixie", ("libffi8", "libgcc-s1", "libssl3t64", "libcrypt1", "libzstd1")),
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
    _download(f"deb [signed-by={DEBIAN_KEYS}] {sources_of('bookworm').main} {source.suite} main", names, folder)
    packages = sorted((folder / "packages").glob("*.deb"))
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
