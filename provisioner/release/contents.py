"""Which files go into the bundle: the cluster's half of this project, and what its daemons import, found by package metadata."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution
from pathlib import Path, PurePosixPath

import provisioner
from provisioner.release.errors import ReleaseError
from provisioner.release.target import Site

# What the daemons import themselves, by layer; their own dependencies follow from the packages' metadata. Every host has the first.
LAYERS = {
    "node": ("aiohttp", "cryptography", "hpack", "msgspec", "prometheus-client", "pyyaml", "uvloop"),
    "master": ("dnslib", "google-re2", "grpcio", "numpy", "protobuf", "pyjwt", "pynacl"),
}

# Launcher -> (module, layers it imports from).
DAEMONS = {
    "kube-apiserver": ("provisioner.kube.apiserver", ("node", "master")),
    "kube-controller-manager": ("provisioner.kube.controllers", ("node",)),
    "kube-dns": ("provisioner.kube.dns", ("node", "master")),
    "kube-proxy": ("provisioner.kube.proxy", ("node",)),
    "kube-scheduler": ("provisioner.kube.scheduler", ("node", "master")),
    "kubelet": ("provisioner.kube.kubelet", ("node",)),
}

_LEFT_OUT_SUFFIXES = (
    ".pyc",
    ".pyi",
    ".pyx",
    ".pxd",
    ".pxi",
    ".c",
    ".h",
    ".cpp",
    ".hash",
    ".rst",
    ".exe",
    ".a",
    ".lib",
    ".typed",
    ".f90",
    ".md",
)
_LEFT_OUT_FOLDERS = {"tests", "test", "__pycache__", "testing", "f2py", "bin", "include"}
# Folders named like tests that are imported at run time.
_KEPT = ("numpy/testing/",)
_KEPT_METADATA = re.compile(r"(METADATA|LICEN[CS]E.*|NOTICE.*|COPYING.*)$")


def own_files(package: Path | None = None) -> dict[str, Path]:
    """Path below the release's lib/ -> the file on this machine. `package` is the folder of our own package."""
    return dict(sorted(_own(package or Path(provisioner.__file__).parent)))


def layer_files(layer: str, site: Site | None = None) -> dict[str, Path]:
    """Path below the layer's folder -> the file on this machine. What an earlier layer has is not in a later one."""
    earlier: set[str] = set()
    for name in LAYERS:
        chosen = distributions(LAYERS[name], site)
        if name == layer:
            found = {path: file for one in chosen if one.name not in earlier for path, file in _of(one)}
            return dict(sorted(found.items()))
        earlier |= {one.name for one in chosen}
    raise KeyError(layer)


def distributions(roots: Iterable[str], site: Site | None = None) -> list[Distribution]:
    """The site's packages (None: those installed here) with all they require, each once, by name.

    Raises ReleaseError naming every one that is missing.
    """
    site = site or Site()
    chosen: dict[str, Distribution] = {}
    missing: set[str] = set()
    queue = [normal(name) for name in roots]
    while queue:
        name = queue.pop()
        if name in chosen or name in missing:
            continue
        distribution = site.find(name)
        if distribution is None:
            missing.add(name)
            continue
        chosen[name] = distribution
        queue += [normal(required.name) for text in distribution.requires or () if (required := site.needs(text))]
    if missing:
        raise ReleaseError(f"not installed here: {', '.join(sorted(missing))}", hint="run pip install -e . in the project's folder")
    return [chosen[name] for name in sorted(chosen)]


def wanted(path: PurePosixPath) -> bool:
    """Whether an installed file is needed at run time: no tests, no sources of extensions, no type stubs."""
    if ".." in path.parts or path.is_absolute():
        return False
    if any(part.endswith(".dist-info") for part in path.parts):
        return bool(_KEPT_METADATA.search(path.name))
    if str(path).startswith(_KEPT):
        return path.suffix == ".py" and "tests" not in path.parts
    return not path.name.endswith(_LEFT_OUT_SUFFIXES) and not _LEFT_OUT_FOLDERS.intersection(path.parts[:-1])


def _own(package: Path) -> Iterator[tuple[str, Path]]:
    yield "provisioner/__init__.py", package / "__init__.py"
    for path in sorted((package / "kube").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
            yield f"provisioner/{path.relative_to(package).as_posix()}", path


def _of(distribution: Distribution) -> Iterator[tuple[str, Path]]:
    for entry in distribution.files or ():
        located = Path(str(distribution.locate_file(entry)))
        if wanted(entry) and located.is_file():
            yield entry.as_posix(), located


def normal(name: str) -> str:
    """A package's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()
