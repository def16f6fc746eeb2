"""What a package needs is decided for the hosts' Python, not for the one that asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.release.target import HERE, Site, Target

TRIXIE = Target((3, 13), "x86_64")


@pytest.mark.parametrize(
    ("target", "text", "needed"),
    [
        (TRIXIE, "typing-extensions>=4; python_version < '3.13'", False),
        (Target((3, 11), "x86_64"), "typing-extensions>=4; python_version < '3.13'", True),
        (TRIXIE, "fast; platform_machine == 'aarch64'", False),
        (Target((3, 13), "aarch64"), "fast; platform_machine == 'aarch64'", True),
        (TRIXIE, "colorama; sys_platform == 'win32'", False),
        (TRIXIE, "more; extra == 'speedups'", False),
        (TRIXIE, "idna>=2.0", True),
    ],
)
def test_markers(target: Target, text: str, needed: bool) -> None:
    assert (Site(target).needs(text) is not None) is needed


def test_a_folder_has_its_own_packages_alone(tmp_path: Path) -> None:
    (tmp_path / "idna-0.1.dist-info").mkdir()
    (tmp_path / "idna-0.1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: idna\nVersion: 0.1\n")
    found = Site(TRIXIE, tmp_path).find("idna")
    assert found is not None and found.version == "0.1"
    assert Site(TRIXIE, tmp_path).find("msgspec") is None
    assert Site().find("no-such-package") is None


def test_only_this_python_on_this_architecture_is_here() -> None:
    assert HERE.is_here
    assert not Target(HERE.python, "riscv64").is_here
    assert str(TRIXIE) == "3.13-x86_64"
