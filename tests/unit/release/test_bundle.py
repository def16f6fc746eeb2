"""The bundle is built once for each content, and what it holds runs with the system's own Python."""

from __future__ import annotations

import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from provisioner.release import bundle, contents, wheels
from provisioner.release.errors import ReleaseError
from provisioner.release.target import Site, Target


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project with one daemon and no dependencies."""
    root = tmp_path / "provisioner"
    (root / "kube" / "hello").mkdir(parents=True)
    for folder in (root, root / "kube", root / "kube/hello"):
        (folder / "__init__.py").write_text('"""A package."""\n')
    (root / "kube/hello/__main__.py").write_text(
        "import importlib.util\nimport sys\n\nimport msgspec\n\n\ndef main() -> int:\n"
        "    print(msgspec.json.encode(sys.argv[1:]), 'site' in sys.modules, importlib.util.find_spec('idna'))\n    return 3\n"
    )
    monkeypatch.setattr(contents, "LAYERS", {"node": ("msgspec",), "master": ("idna",)})
    monkeypatch.setattr(contents, "DAEMONS", {"hello": ("provisioner.kube.hello", ("node",))})
    return root


def test_second_build_is_the_first(package: Path, tmp_path: Path) -> None:
    first = bundle.ensure(tmp_path / "cache", package)
    written = first.archive.stat().st_mtime_ns
    assert bundle.ensure(tmp_path / "cache", package) == first
    assert first.archive.stat().st_mtime_ns == written


def test_changed_source_is_another_bundle(package: Path, tmp_path: Path) -> None:
    first = bundle.ensure(tmp_path / "cache", package)
    (package / "kube/hello/__init__.py").write_text('"""Another docstring."""\n')
    second = bundle.ensure(tmp_path / "cache", package)
    assert second.name != first.name
    assert first.archive.exists(), "the one before is kept for going back"


def test_damaged_index_and_lost_archive_are_built_again(package: Path, tmp_path: Path) -> None:
    first = bundle.ensure(tmp_path / "cache", package)
    first.archive.unlink()
    (tmp_path / "cache" / "index.json").write_text("{")
    assert bundle.ensure(tmp_path / "cache", package) == first


def test_launcher_runs_isolated_from_the_systems_packages(package: Path, tmp_path: Path) -> None:
    built = bundle.ensure(tmp_path / "cache", package)
    host = tmp_path / "host"
    unpack(built.archive, host / "releases" / built.name, "release.json")
    for layer in built.layers.values():
        unpack(layer.archive, host / "layers" / layer.name, "layer.json")
    (host / "current").symlink_to(f"releases/{built.name}")
    ran = subprocess.run([host / "current/bin/hello", "--v=2"], capture_output=True, text=True, timeout=30, check=False)
    assert (ran.returncode, ran.stdout) == (3, """b'["--v=2"]' False None\n"""), ran.stderr
    assert json.loads((host / "releases" / built.name / "release.json").read_text())["name"] == built.name


def unpack(archive: Path, target: Path, proof: str) -> None:
    with tarfile.open(archive) as tar:
        assert tar.getnames()[-1] == proof
        tar.extractall(target, filter="tar")


def test_changed_code_brings_no_new_layer(package: Path, tmp_path: Path) -> None:
    first = bundle.ensure(tmp_path / "cache", package)
    (package / "kube/hello/__init__.py").write_text('"""Another docstring."""\n')
    assert bundle.ensure(tmp_path / "cache", package).layers == first.layers


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """Another Python, whose packages are there already."""
    target = Target((3, 13), "aarch64")
    folder = tmp_path / "packages" / "idna-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: idna\nVersion: 1.0\n")
    (folder / "RECORD").write_text("idna.py,,\n")
    (folder.parent / "idna.py").write_text("VALUE = 1\n")
    monkeypatch.setattr(contents, "LAYERS", {"node": ("idna",), "master": ()})
    real = wheels.site
    monkeypatch.setattr(wheels, "site", lambda to, *rest: Site(to, folder.parent) if to == target else real(to, *rest))
    return target


def test_another_python_has_a_bundle_of_its_own_without_our_byte_code(package: Path, tmp_path: Path, other: Target) -> None:
    cache = tmp_path / "cache"
    mine, theirs = bundle.ensure(cache, package), bundle.ensure(cache, package, other)
    assert (mine.compiled, theirs.compiled) == (True, False)
    assert mine.name != theirs.name
    with tarfile.open(theirs.layers["node"].archive) as tar:
        assert tar.getnames() == ["idna.py", "layer.json"]
    with tarfile.open(theirs.archive) as tar:
        assert not [name for name in tar.getnames() if name.endswith(".pyc")]
    assert bundle.ensure(cache, package, other) == theirs
    assert bundle.ensure(cache, package) == mine


def test_going_back_finds_the_same_code_for_each_target(package: Path, tmp_path: Path, other: Target) -> None:
    cache = tmp_path / "cache"
    mine, theirs = bundle.ensure(cache, package), bundle.ensure(cache, package, other)
    (package / "kube/hello/__init__.py").write_text('"""Another docstring."""\n')
    newer = bundle.ensure(cache, package)
    assert bundle.kept(mine.name, cache, other) == theirs
    assert bundle.kept(theirs.name, cache) == mine
    with pytest.raises(ReleaseError, match=rf"{newer.name} is for Python 3.11-.*, and its code is not kept for 3.13-aarch64"):
        bundle.kept(newer.name, cache, other)


def test_code_that_can_not_be_imported_is_not_shipped(package: Path, tmp_path: Path) -> None:
    (package / "kube/hello/__main__.py").write_text("from provisioner.kube.hello import nothing\n")
    with pytest.raises(ReleaseError, match=r"can't be imported: ImportError: cannot import name 'nothing'.*__main__.py"):
        bundle.ensure(tmp_path / "cache", package)


def test_going_back_to_a_release_that_was_built_before(package: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = bundle.ensure(cache, package)
    (package / "kube/hello/__init__.py").write_text('"""Another docstring."""\n')
    second = bundle.ensure(cache, package)
    back = bundle.kept(first.name, cache)
    assert (back.name, back.archive, back.version, dict(back.layers)) == (first.name, first.archive, first.version, dict(first.layers))
    with pytest.raises(ReleaseError, match=rf"'0.0.9-none' is not kept here\n?.*kept: .*{second.name}"):
        bundle.kept("0.0.9-none", cache)


def test_a_layer_is_no_release_to_go_back_to_and_a_lost_one_is_told(package: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = bundle.ensure(cache, package)
    with pytest.raises(ReleaseError, match="is not kept here"):
        bundle.kept(first.layers["node"].name, cache)
    first.layers["node"].archive.unlink()
    with pytest.raises(ReleaseError, match=f"needs packages that are no longer kept here: {first.layers['node'].name}"):
        bundle.kept(first.name, cache)
    first.archive.write_bytes(b"cut")
    with pytest.raises(ReleaseError, match="can't be read"):
        bundle.kept(first.name, cache)
