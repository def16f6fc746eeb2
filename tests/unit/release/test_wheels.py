"""Packages for another Python, from a folder of wheels: the versions that are here, what only the other needs, plain sources built; errors."""

from __future__ import annotations

import os
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioner.release import contents, wheels
from provisioner.release.errors import ReleaseError
from provisioner.release.target import HERE, Site, Target

TRIXIE = Target((3, 13), "x86_64")
# A build backend that needs nothing: it zips up what it was given, under the tag that it was given.
BACKEND = """
import zipfile
def build_wheel(where, config_settings=None, metadata_directory=None):
    name = "{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(where + "/" + name, "w") as wheel:
        for path, text in {files!r}.items():
            wheel.writestr(path, text)
    return name
"""


def files(name: str, version: str, tag: str, *needs: str) -> dict[str, str]:
    info = f"{name}-{version}.dist-info"
    requires = "".join(f"Requires-Dist: {need}\n" for need in needs)
    return {
        f"{name}.py": "VALUE = 1\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{info}/RECORD": f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n",
    }


class Index:
    """A folder that pip is told to look into, and nowhere else; and what is installed here, by the same means."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.installed = folder / "index", folder / "installed"
        self.folder.mkdir()
        self.installed.mkdir()

    def wheel(self, name: str, version: str, tag: str, *needs: str) -> None:
        with zipfile.ZipFile(self.folder / f"{name}-{version}-{tag}.whl", "w") as wheel:
            for path, text in files(name, version, tag, *needs).items():
                wheel.writestr(path, text)

    def source(self, name: str, version: str, tag: str) -> None:
        root = self.folder.parent / f"{name}-{version}"
        root.mkdir()
        (root / "pyproject.toml").write_text('[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n')
        (root / "backend.py").write_text(BACKEND.format(name=name, version=version, tag=tag, files=files(name, version, tag)))
        (root / "PKG-INFO").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        with tarfile.open(self.folder / f"{name}-{version}.tar.gz", "w:gz") as tar:
            tar.add(root, root.name)

    def here(self, name: str, version: str, *needs: str) -> None:
        for path, text in files(name, version, "py3-none-any", *needs).items():
            (self.installed / path).parent.mkdir(exist_ok=True)
            (self.installed / path).write_text(text)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    made = Index(tmp_path)
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_CONSTRAINT", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(made.folder))
    monkeypatch.syspath_prepend(str(made.installed))
    return made


@pytest.fixture
def needed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def choose(*roots: str) -> None:
        monkeypatch.setattr(contents, "LAYERS", {"node": roots})

    return choose


def test_the_same_versions_and_what_only_the_other_python_needs(index: Index, needed: Callable[..., None], tmp_path: Path) -> None:
    needed("pv_fast")
    needs = "pv_late>=2; python_version >= '3.13'", "pv_early; python_version < '3.13'"
    index.here("pv_fast", "1.0", *needs)
    index.wheel("pv_fast", "1.0", "cp313-cp313-manylinux_2_28_x86_64", *needs)
    index.wheel("pv_fast", "1.1", "cp313-cp313-manylinux_2_28_x86_64")
    index.wheel("pv_fast", "1.0", f"cp{HERE.python[0]}{HERE.python[1]}-none-manylinux_2_28_x86_64", *needs)
    index.wheel("pv_late", "2.1", "cp39-abi3-manylinux2014_x86_64", "pv_later")
    index.wheel("pv_later", "1.0", "py3-none-any")
    told: list[str] = []
    site = wheels.site(TRIXIE, tmp_path / "cache", told.append)
    chosen = contents.distributions(["pv_fast"], site)
    assert [(one.name, one.version) for one in chosen] == [("pv_fast", "1.0"), ("pv_late", "2.1"), ("pv_later", "1.0")]
    assert told == ["packages for Python 3.13 on x86_64: pip fetches them, once"]
    assert wheels.site(TRIXIE, tmp_path / "cache", told.append) == site
    assert len(told) == 1, "the second time they are there"


def test_plain_source_is_built_and_compiled_source_is_refused(index: Index, needed: Callable[..., None], tmp_path: Path) -> None:
    for name in ("pv_plain", "pv_wanted"):
        index.here(name, "1.0")
    index.source("pv_plain", "1.0", "py3-none-any")
    index.source("pv_wanted", "1.0", "cp311-cp311-linux_x86_64")
    needed("pv_plain")
    site = wheels.site(TRIXIE, tmp_path / "cache")
    assert [one.name for one in contents.distributions(["pv_plain"], site)] == ["pv_plain"]
    needed("pv_plain", "pv_wanted")
    with pytest.raises(ReleaseError, match=r"no wheel of pv-wanted==1.0 for Python 3.13 on x86_64, and its source has parts to compile"):
        wheels.site(TRIXIE, tmp_path / "cache")


def test_nothing_half_fetched_is_taken_for_whole(index: Index, needed: Callable[..., None], tmp_path: Path) -> None:
    needed("pv_gone")
    index.here("pv_gone", "1.0")
    with pytest.raises(ReleaseError, match=r"no wheel of pv-gone==1.0 for Python 3.13"):
        wheels.site(TRIXIE, tmp_path / "cache")
    assert list((tmp_path / "cache" / "packages").iterdir()) == []
    index.wheel("pv_gone", "1.0", "py3-none-any")
    assert wheels.site(TRIXIE, tmp_path / "cache").find("pv_gone")


def test_this_pythons_own_packages_are_not_fetched(tmp_path: Path) -> None:
    assert wheels.site(HERE, tmp_path) == Site(HERE)
    assert list(tmp_path.iterdir()) == []


def test_no_pip_and_no_such_architecture(
    index: Index, needed: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ReleaseError, match="no packages for the architecture riscv64; hosts may be aarch64 or x86_64"):
        wheels.site(Target((3, 13), "riscv64"), tmp_path)
    needed("pv_plain")
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'python: No module named pip' >&2\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(ReleaseError, match=r"has no pip, .*; python -m ensurepip"):
        wheels.site(TRIXIE, tmp_path)


def test_old_folders_go(tmp_path: Path, index: Index, needed: Callable[..., None]) -> None:
    needed("pv_plain")
    index.here("pv_plain", "1.0")
    index.wheel("pv_plain", "1.0", "py3-none-any")
    places = [tmp_path / "cache" / "packages" / f"3.13-x86_64-{name}" for name in ("oldest", "old")]
    for mtime, place in zip((100, 200), places, strict=True):
        place.mkdir(parents=True)
        os.utime(place, (mtime, mtime))
    newest = wheels.site(TRIXIE, tmp_path / "cache").folder
    assert set(places[0].parent.iterdir()) == {places[1], newest}
