"""Builds the bundle, or finds the one built before.

A bundle is named `<version>-<first 12 digits of its content's hash>`. On a host it is unpacked to /opt/provision/releases/<name>, with
bin/ (one launcher a daemon), lib/ (the packages) and release.json (written last: its presence proves a complete unpacking).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from provisioner.release import compiled
from provisioner.release.archive import Entry, content_hash, write_archive
from provisioner.release.contents import DAEMONS, files
from provisioner.release.errors import ReleaseError

# -I: no environment, no user packages; -S: no Debian packages; -B: write no byte code. realpath: a daemon that runs keeps
# importing from its own release when `current` moves on.
LAUNCHER = """#!/usr/bin/python3 -ISB
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "lib"))

from {module}.__main__ import main

sys.exit(main())
"""
INDEX = "index.json"
KEPT = 5


@dataclass(frozen=True)
class Bundle:
    """A built archive. `name` is its folder's name on a host."""

    name: str
    version: str
    archive: Path
    sha256: str


def cache_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """Where built bundles are kept for all clusters of this user."""
    base = environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "provision" / "releases"


def ensure(directory: Path | None = None, package: Path | None = None) -> Bundle:
    """The bundle of what is installed now. Takes milliseconds when nothing changed since the last one (sizes and times are compared)."""
    if sys.version_info[:2] != compiled.TARGET:
        wanted = ".".join(map(str, compiled.TARGET))
        raise ReleaseError(
            f"this is Python {sys.version_info[0]}.{sys.version_info[1]}, and the hosts' is {wanted}",
            hint=f"make the project's .venv with python{wanted}, so that its compiled packages run on the hosts",
        )
    where = directory or cache_directory()
    sources = files(package)
    key = _fingerprint(sources)
    index = _read_index(where)
    if key in index and (found := Bundle(archive=where / index[key]["file"], **_fields(index[key]))).archive.exists():
        return found
    bundle = _build(where, sources)
    index.pop(key, None)
    index[key] = {"name": bundle.name, "version": bundle.version, "sha256": bundle.sha256, "file": bundle.archive.name}
    _write_index(where, dict(list(index.items())[-KEPT:]))
    return bundle


def version() -> str:
    return importlib.metadata.version("provision")


def entries(sources: Mapping[str, Path]) -> list[Entry]:
    """Launchers, packages and their byte code; without release.json, which depends on them."""
    found = [Entry(f"bin/{name}", LAUNCHER.format(module=module).encode(), 0o755) for name, module in sorted(DAEMONS.items())]
    for path, source in sources.items():
        mode = 0o755 if path.endswith(".so") or ".so." in path else 0o644
        found.append(Entry(f"lib/{path}", source.read_bytes(), mode))
        if path.endswith(".py") and (code := compiled.compile_source(path, source)) is not None:
            found.append(Entry(f"lib/{compiled.cache_name(path)}", code))
    return found


def _build(where: Path, sources: Mapping[str, Path]) -> Bundle:
    content = entries(sources)
    digest = content_hash(content)
    name = f"{version()}-{digest[:12]}"
    record = {"name": name, "version": version(), "content": digest, "python": ".".join(map(str, compiled.TARGET))}
    content.append(Entry("release.json", (json.dumps(record, indent=2, sort_keys=True) + "\n").encode()))
    target = where / f"{name}.tar.gz"
    write_archive(target, content)
    with target.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Bundle(name, version(), target, sha256)


def _fingerprint(sources: Mapping[str, Path]) -> str:
    total = hashlib.sha256(f"{compiled.magic()}\0{version()}\0{LAUNCHER}\0{sorted(DAEMONS.items())}".encode())
    for path, source in sources.items():
        status = source.stat()
        total.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return total.hexdigest()


def _fields(record: Mapping[str, str]) -> dict[str, str]:
    return {key: record[key] for key in ("name", "version", "sha256")}


def _read_index(where: Path) -> dict[str, dict[str, str]]:
    try:
        loaded = json.loads((where / INDEX).read_text())
    except (OSError, ValueError):  # absent or cut short: it is only a cache
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _write_index(where: Path, index: Mapping[str, Mapping[str, str]]) -> None:
    temporary = where / f".{INDEX}.{os.getpid()}"
    temporary.write_text(json.dumps(index, indent=1))
    temporary.replace(where / INDEX)
    kept = {record["file"] for record in index.values()}
    for archive in where.glob("*.tar.gz"):
        if archive.name not in kept:
            archive.unlink(missing_ok=True)
