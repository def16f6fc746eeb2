"""Packages for another Python or architecture than this one's, gathered by pip: the same versions as those that are installed here.

Nothing of them runs here, so only wheels serve; a package that is published as source alone is built, when what comes out is plain Python. pip
looks where it is told to (its own settings), so an index or a folder of wheels behind an air gap does as well.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from importlib.metadata import Distribution
from pathlib import Path

from provisioner.release import contents
from provisioner.release.errors import ReleaseError
from provisioner.release.target import Site, Target, Tell

TIMEOUT_S = 900.0
# Folders of each target that stay: what is installed here now, and what was before the last change of it. 130 MB each.
KEPT = 2
# Debian 12's C library; wheels for it run on Debian 13's, too. The oldest that PEP 600 tags name, by architecture.
GLIBC_MINOR = 36
OLDEST_GLIBC_MINOR = {"x86_64": 5, "aarch64": 17}
OLD_NAMES = {"x86_64": ("manylinux2014", "manylinux2010", "manylinux1"), "aarch64": ("manylinux2014",)}
NO_WHEEL = re.compile(r"No matching distribution found for (\S+)")


def site(target: Target, cache: Path, tell: Tell = lambda line: None) -> Site:
    """The packages that daemons on such hosts import; fetched (half a minute) when the folder `cache` doesn't have them. Raises ReleaseError."""
    if target.is_here:
        return Site(target)
    if target.architecture not in OLD_NAMES:
        raise ReleaseError(
            f"there are no packages for the architecture {target.architecture}", hint=f"hosts may be {' or '.join(sorted(OLD_NAMES))}"
        )
    required = _requirements(target, [name for layer in contents.LAYERS.values() for name in layer])
    digest = hashlib.sha256(repr(required).encode()).hexdigest()[:12]
    folder = cache / "packages" / f"{target}-{digest}"
    if not folder.is_dir():
        tell(f"packages for Python {target.version} on {target.architecture}: pip fetches them, once")
        _gather(target, folder, required)
    os.utime(folder)
    _prune(folder.parent, target)
    return Site(target, folder)


def _requirements(target: Target, roots: Sequence[str]) -> list[str]:
    """`name==version` of all that the roots need on the target; without a version where it is not installed here, as it isn't needed here."""
    here, there = Site(), Site(target)
    found: dict[str, str] = {}
    queue = [(contents.normal(name), name) for name in roots]
    while queue:
        name, asked = queue.pop()
        if name in found:
            continue
        distribution = here.find(name)
        found[name] = f"{name}=={distribution.version}" if distribution else asked
        for text in (distribution.requires or ()) if distribution else ():
            if required := there.needs(text):
                queue.append((contents.normal(required.name), f"{required.name}{required.specifier}"))
    return sorted(found.values())


def _gather(target: Target, folder: Path, required: Sequence[str]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=folder.parent) as name:
        building, built = Path(name, "packages"), Path(name, "wheels")
        built.mkdir()
        _install(target, building, built, required)
        _complete(target, building, built)
        if not folder.is_dir():  # another process may have been faster
            building.rename(folder)


def _complete(target: Target, folder: Path, built: Path) -> None:
    """What only the packages for the target name as needed."""
    gathered = Site(target, folder)
    for _ in range(10):  # a guess: chains of such packages are short
        missing = sorted(
            {
                f"{required.name}{required.specifier}"
                for layer in contents.LAYERS.values()
                for distribution in _present(gathered, layer)
                for text in distribution.requires or ()
                if (required := gathered.needs(text)) and gathered.find(required.name) is None
            }
        )
        if not missing:
            return
        _install(target, folder, built, missing)
    raise ReleaseError(f"packages for Python {target.version} need ever more packages: {', '.join(missing)}")


def _present(gathered: Site, roots: Iterable[str]) -> list[Distribution]:
    """As far as they are there, with all they require."""
    found: dict[str, Distribution] = {}
    queue = [contents.normal(name) for name in roots]
    while queue:
        name = queue.pop()
        distribution = None if name in found else gathered.find(name)
        if distribution is not None:
            found[name] = distribution
            queue += [contents.normal(required.name) for text in distribution.requires or () if (required := gathered.needs(text))]
    return list(found.values())


def _install(target: Target, folder: Path, built: Path, requirements: Sequence[str]) -> None:
    words = [
        "install",
        "--target",
        str(folder),
        "--upgrade",
        "--no-deps",
        "--no-compile",
        "--only-binary=:all:",
        "--find-links",
        str(built),
    ]
    words += ["--implementation", "cp", "--python-version", target.version, "--abi", f"cp{target.version.replace('.', '')}"]
    words += [word for platform in _platforms(target.architecture) for word in ("--platform", platform)]
    for _ in range(len(requirements) + 1):
        code, said = _pip(*words, *requirements)
        if code == 0:
            return
        without = NO_WHEEL.search(said)
        if without is None or any(built.glob(f"{_file_name(without[1])}-*.whl")):
            break
        _build(target, without[1], built)
    raise ReleaseError(
        f"pip has no packages for Python {target.version} on {target.architecture}: {_reason(said)}",
        hint="it needs the index that the packages here came from, or a folder of wheels (PIP_FIND_LINKS)",
    )


def _build(target: Target, requirement: str, built: Path) -> None:
    """A wheel of a package that is published as source, when it fits any Python."""
    code, said = _pip("wheel", "--no-deps", "--no-binary", _file_name(requirement), "--wheel-dir", str(built), requirement)
    made = list(built.glob(f"{_file_name(requirement)}-*.whl"))
    if code or not made:
        raise ReleaseError(
            f"there is no wheel of {requirement} for Python {target.version} on {target.architecture}: {_reason(said)}",
            hint="build one on such a host (pip wheel) and name its folder in PIP_FIND_LINKS",
        )
    if not made[0].name.endswith("-none-any.whl"):
        made[0].unlink()
        raise ReleaseError(
            f"there is no wheel of {requirement} for Python {target.version} on {target.architecture}, and its source has parts to compile",
            hint="build one on such a host (pip wheel) and name its folder in PIP_FIND_LINKS",
        )


def _pip(*words: str) -> tuple[int, str]:
    argv = [sys.executable, "-m", "pip", *words, "--quiet", "--no-input", "--disable-pip-version-check", "--retries", "3"]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired as e:
        raise ReleaseError(f"pip did not end within {TIMEOUT_S:.0f} s", hint="is the package index reachable from here?") from e
    if "No module named pip" in done.stderr:
        raise ReleaseError(f"{sys.executable} has no pip, which fetches packages for hosts with another Python", hint="python -m ensurepip")
    return done.returncode, done.stdout + done.stderr


def _reason(said: str) -> str:
    """The first of pip's errors that says more than that there was one."""
    errors = [line.strip() for line in said.splitlines() if line.strip().startswith("ERROR: ")] or said.strip().splitlines()[-1:]
    return errors[0].removeprefix("ERROR: ") if errors else "it said nothing"


def _file_name(requirement: str) -> str:
    """How a wheel's file begins."""
    return contents.normal(re.split(r"[=<>!~;\s\[]", requirement)[0]).replace("-", "_")


def _platforms(architecture: str) -> list[str]:
    """Tags of wheels that run with the C library of the hosts, best first (pip takes each as it is and derives few)."""
    modern = [f"manylinux_2_{minor}" for minor in range(GLIBC_MINOR, OLDEST_GLIBC_MINOR[architecture] - 1, -1)]
    return [f"{tag}_{architecture}" for tag in (*modern, *OLD_NAMES[architecture])]


def _prune(folder: Path, target: Target) -> None:
    known = sorted(folder.glob(f"{target}-*"), key=lambda path: path.stat().st_mtime)
    for old in known[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
