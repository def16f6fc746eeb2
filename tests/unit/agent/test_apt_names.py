"""Proves how specifications of packages are read, and what dpkg's own files say is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.agent import apt_names
from provisioner.agent.context import ModuleFailed

STATUS = """Package: a
Status: install ok installed
Architecture: amd64
Version: 1:2.0-1
Description: a package: with a colon
 Package: no

Package: b
Status: deinstall ok config-files
Architecture: all
Version: 3

Package: c
Status: install ok half-installed
Architecture: amd64
"""


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("a", ("a", "", "")),
        ("a=1.0-1", ("a", "=", "1.0-1")),
        ("a = 1.*", ("a", "=", "1.*")),
        ("a>=1:2~rc1", ("a", ">=", "1:2~rc1")),
        ("a:i386=1", ("a:i386", "=", "1")),
        ("libstdc++", ("libstdc++", "", "")),
    ],
)
def test_specifications(text: str, spec: tuple[str, str, str]) -> None:
    assert tuple(apt_names.split(text)) == spec


def test_a_specification_with_two_versions_is_none() -> None:
    with pytest.raises(ModuleFailed, match="invalid package spec: a=1=2"):
        apt_names.split("a=1=2")


def test_what_dpkg_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apt_names, "STATUS", str(tmp_path / "status"))
    assert apt_names.installed() == {}
    (tmp_path / "status").write_text(STATUS)
    assert apt_names.installed() == {"a": "1:2.0-1", "a:amd64": "1:2.0-1"}
    assert apt_names.installed(with_leftovers=True)["b"] == "3"
    assert apt_names.to_remove(["a", "b", "zz", "a=9*"], purge=False) == ["a"]
    assert apt_names.to_remove(["a", "b"], purge=True) == ["a", "b"]
