"""The bundle takes what daemons import, all of it, and leaves out what they never touch."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from provisioner.release.contents import distributions, layer_files, own_files, wanted
from provisioner.release.errors import ReleaseError


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("aiohttp/web.py", True),
        ("aiohttp/_http_parser.cpython-311-x86_64-linux-gnu.so", True),
        ("numpy.libs/libscipy_openblas64_.so", True),
        ("aiohttp/_http_parser.pyx", False),
        ("numpy/tests/test_numpy_version.py", False),
        ("numpy/testing/__init__.py", True),
        ("numpy/testing/tests/test_utils.py", False),
        ("../../../bin/f2py", False),
        ("yaml/__pycache__/loader.cpython-311.pyc", False),
        ("attrs-26.1.0.dist-info/licenses/LICENSE", True),
        ("attrs-26.1.0.dist-info/RECORD", False),
    ],
)
def test_wanted(path: str, kept: bool) -> None:
    assert wanted(PurePosixPath(path)) is kept


def test_dependencies_of_dependencies_come_along_and_extras_do_not() -> None:
    names = {d.name.lower() for d in distributions(["aiohttp"])}
    assert {"aiohttp", "yarl", "multidict", "frozenlist", "idna"} <= names
    assert "aiodns" not in names


def test_all_missing_packages_are_named_at_once() -> None:
    with pytest.raises(ReleaseError, match=r"not installed here: no-such-a, no-such-b; run pip install"):
        distributions(["no-such-a", "aiohttp", "no_such_b"])


def test_own_code_is_the_clusters_half_only() -> None:
    own = list(own_files())
    assert "provisioner/__init__.py" in own
    assert "provisioner/kube/client/daemon.py" in own
    assert all(path == "provisioner/__init__.py" or path.startswith("provisioner/kube/") for path in own)


def test_layers_share_no_file_and_workers_get_nothing_heavy() -> None:
    node, master = layer_files("node"), layer_files("master")
    assert not node.keys() & master.keys()
    assert "aiohttp/__init__.py" in node
    assert "numpy/__init__.py" in master
    assert not [path for path in node if path.startswith(("numpy", "grpc"))]
