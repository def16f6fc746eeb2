"""Builds the bundle, or finds the one built before: a small archive of our own code, and layers of packages that rarely change.

Everything is named after its content. On a host a release is /opt/provision/releases/<version>-<hash> with bin/ (one launcher a daemon),
lib/ (our code) and release.json; a layer is /opt/provision/layers/<layer>-<hash> with its packages and layer.json. The JSON file is written
last: its presence proves a complete unpacking. A host gets the layers that its daemons need; a new release usually brings no new layer.

Each target (Python and architecture) has archives of its own: compiled packages differ, and launchers name their layers. Byte code is in the
archives for this very Python; on other hosts it is made by their own, when the archive is unpacked.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import provisioner
from provisioner.release import compiled, contents, wheels
from provisioner.release.archive import Entry, content_hash, read_member, write_archive
from provisioner.release.errors import ReleaseError
from provisioner.release.target import HERE, Site, Target, Tell

# -I: no environment, no user packages; -S: no Debian packages; -B: write no byte code. realpath: a daemon that runs keeps
# importing from its own release when `current` moves on. The open file says to others (/proc/PID/fd) which release runs.
LAUNCHER = """#!/usr/bin/python3 -ISB
import os
import sys

release = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
layers = os.path.join(os.path.dirname(os.path.dirname(release)), "layers")
sys.path[:0] = [os.path.join(release, "lib"), *(os.path.join(layers, name) for name in {layers!r})]

running = open(os.path.join(release, "release.json"))

from {module}.__main__ import main

sys.exit(main())
"""
INDEX = "index.json"
# Archives of each kind that stay in the cache.
KEPT = 4


@dataclass(frozen=True)
class Layer:
    """Packages in one archive; `name` is the folder's on a host."""

    name: str
    archive: Path


@dataclass(frozen=True)
class Bundle:
    """A release for one target, with the layers by kind that its launchers look for. `compiled`: with byte code, which is the target's own."""

    name: str
    version: str
    archive: Path
    layers: Mapping[str, Layer]
    compiled: bool = True


def cache_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """Where built bundles are kept for all clusters of this user."""
    base = environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "provision" / "releases"


def ensure(directory: Path | None = None, package: Path | None = None, target: Target = HERE, tell: Tell = lambda line: None) -> Bundle:
    """The bundle of what is installed now. Takes milliseconds when nothing changed since the last one (sizes and times are compared).

    For another target than this Python the same versions of the packages are fetched, which takes half a minute the first time.
    """
    cache = _Cache(directory or cache_directory(), target)
    site = wheels.site(target, cache.where, tell)
    layers = {kind: _layer(cache, kind, site) for kind in contents.LAYERS}
    names = {kind: layer.name for kind, layer in layers.items()}
    sources = contents.own_files(package)
    daemons = {name: (module, tuple(names[kind] for kind in kinds)) for name, (module, kinds) in contents.DAEMONS.items()}
    key = _fingerprint(sources, LAUNCHER, sorted(daemons.items()), version())
    found = cache.find("release", key)
    if found is None:
        _import_all([module for module, _ in daemons.values()], package)
        entries = [
            Entry(f"bin/{name}", LAUNCHER.format(module=module, layers=needed).encode(), 0o755)
            for name, (module, needed) in sorted(daemons.items())
        ]
        entries += _packed(sources, "lib/", target)
        record = {"version": version(), "layers": sorted(names.values()), "code": _code(sources)}
        found = cache.add("release", key, version(), entries, "release.json", record)
    cache.close()
    return Bundle(found.name, version(), found.archive, layers, target.is_here)


def kept(name: str, directory: Path | None = None, target: Target = HERE) -> Bundle:
    """A release that was built before, to go back to: the one of that name, or the one of the same code for this target.

    Raises ReleaseError that names those that are kept.
    """
    where = directory or cache_directory()
    archive = where / f"{name}.tar.gz"
    known = sorted(path.name.removesuffix(".tar.gz") for path in where.glob("*.tar.gz"))
    kinds = tuple(f"{kind}-" for kind in contents.LAYERS)
    releases = [found for found in known if not found.startswith(kinds)]
    if name not in releases:
        raise ReleaseError(
            f"cluster.version: release {name!r} is not kept here",
            hint=f"kept: {', '.join(releases) or 'none'}; leave cluster.version out to install the code of this command",
        )
    record = _record(archive)
    if record["target"] != str(target):
        twin = next((other for other in releases if _is_twin(_record(where / f"{other}.tar.gz"), record, target)), None)
        if twin is None:
            raise ReleaseError(
                f"cluster.version: release {name} is for Python {record['target']}, and its code is not kept for {target}",
                hint=f"kept: {', '.join(releases)}; leave cluster.version out to install the code of this command",
            )
        name, archive = twin, where / f"{twin}.tar.gz"
        record = _record(archive)
    layers = {layer.rpartition("-")[0]: Layer(layer, where / f"{layer}.tar.gz") for layer in record["layers"]}
    gone = [layer.name for layer in layers.values() if not layer.archive.exists()]
    if gone:
        raise ReleaseError(f"release {name} needs packages that are no longer kept here: {', '.join(gone)}", hint="choose a newer one")
    return Bundle(name, str(record["version"]), archive, layers, target.is_here)


def _record(archive: Path) -> dict[str, Any]:
    """What release.json says. One from before there were targets is for Debian 12's Python."""
    try:
        read = json.loads(read_member(archive, "release.json"))
        return {"target": "3.11-x86_64", "code": "", **read, "version": read["version"], "layers": list(read["layers"])}
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise ReleaseError(f"{archive}: can't be read: {e}", hint="remove it, and leave cluster.version out") from e


def _is_twin(record: Mapping[str, Any], wanted: Mapping[str, Any], target: Target) -> bool:
    return record["target"] == str(target) and bool(record["code"]) and record["code"] == wanted["code"]


def _code(sources: Mapping[str, Path]) -> str:
    """Tells one state of our own code from another, whatever it is built for."""
    return content_hash([Entry(path, source.read_bytes()) for path, source in sources.items()])[:12]


def version() -> str:
    return importlib.metadata.version("provision")


def _import_all(modules: Sequence[str], package: Path | None) -> None:
    """Refuse to ship a daemon that can't even be imported: better here, at once, than on every host. Raises ReleaseError."""
    code = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name + '.__main__')"
    environment = {**os.environ, "PYTHONPATH": str((package or Path(provisioner.__file__).parent).parent)}
    ran = subprocess.run(
        [sys.executable, "-P", "-c", code, *modules], capture_output=True, text=True, timeout=60, check=False, env=environment
    )
    if ran.returncode:
        lines = ran.stderr.strip().splitlines() or ["it said nothing"]
        places = [line.strip() for line in lines if line.lstrip().startswith("File ")]
        raise ReleaseError(f"the daemons' code can't be imported: {lines[-1]}", hint=places[-1] if places else "")


def _layer(cache: _Cache, kind: str, site: Site) -> Layer:
    sources = contents.layer_files(kind, site)
    key = _fingerprint(sources)
    return cache.find(kind, key) or cache.add(kind, key, kind, _packed(sources, "", site.target), "layer.json", {"layer": kind})


def _packed(sources: Mapping[str, Path], prefix: str, target: Target) -> list[Entry]:
    """The files, with the byte code of those that are Python where it is this Python's."""
    found = []
    for path, source in sources.items():
        mode = 0o755 if path.endswith(".so") or ".so." in path else 0o644
        found.append(Entry(f"{prefix}{path}", source.read_bytes(), mode))
        if target.is_here and path.endswith(".py") and (code := compiled.compile_source(path, source)) is not None:
            found.append(Entry(f"{prefix}{compiled.cache_name(path)}", code))
    return found


def _fingerprint(sources: Mapping[str, Path], *more: object) -> str:
    total = hashlib.sha256(f"{compiled.magic()}\0{more}".encode())
    for path, source in sources.items():
        status = source.stat()
        total.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return total.hexdigest()


class _Cache:
    """Built archives by kind and fingerprint, for one target. Losing any part of it only costs building again."""

    def __init__(self, where: Path, target: Target) -> None:
        self.where = where
        self._target = str(target)
        self._changed = False
        try:
            loaded = json.loads((where / INDEX).read_text())
        except (OSError, ValueError):
            loaded = None
        self._index: dict[str, dict[str, str]] = loaded if isinstance(loaded, dict) else {}

    def find(self, kind: str, key: str) -> Layer | None:
        name = self._index.get(f"{kind} {self._target}", {}).get(key)
        found = Layer(name, self.where / f"{name}.tar.gz") if isinstance(name, str) else None
        return found if found is not None and found.archive.exists() else None

    def add(self, kind: str, key: str, prefix: str, entries: Sequence[Entry], proof: str, record: Mapping[str, object]) -> Layer:
        digest = content_hash(entries)
        name = f"{prefix}-{digest[:12]}"
        text = json.dumps({"name": name, "content": digest, "target": self._target, **record}, indent=2, sort_keys=True) + "\n"
        layer = Layer(name, self.where / f"{name}.tar.gz")
        write_archive(layer.archive, [*entries, Entry(proof, text.encode())])
        kind = f"{kind} {self._target}"
        known = {k: v for k, v in self._index.get(kind, {}).items() if k != key}
        self._index[kind] = dict([*list(known.items())[-KEPT + 1 :], (key, name)])
        self._changed = True
        return layer

    def close(self) -> None:
        """Write the index, and remove archives that it no longer names."""
        if not self._changed:
            return
        temporary = self.where / f".{INDEX}.{os.getpid()}"
        temporary.write_text(json.dumps(self._index, indent=1))
        temporary.replace(self.where / INDEX)
        kept = {f"{name}.tar.gz" for names in self._index.values() for name in names.values()}
        for archive in self.where.glob("*.tar.gz"):
            if archive.name not in kept:
                archive.unlink(missing_ok=True)
