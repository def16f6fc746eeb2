"""Proves that a volume's files become the group's without losing rights, and that no link is followed."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from provisioner.kube.kubelet.volume.ownership import READ_ONLY, READ_WRITE, give_all, is_given

GROUP = os.getgid()


@pytest.mark.parametrize(("rights", "file", "folder"), [(READ_WRITE, 0o664, 0o2775), (READ_ONLY, 0o644, 0o2755)])
def test_the_group_gets_rights_and_nobody_loses_any(tmp_path: Path, rights: int, file: int, folder: int) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    for path in (outside, root / "sub/file"):
        path.touch()
        path.chmod(0o604)
    for path in (root, root / "sub"):
        path.chmod(0o705)
    (root / "link").symlink_to(outside)
    (tmp_path / "way").symlink_to(root)
    give_all(tmp_path / "way", GROUP, rights)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (root, root / "sub", root / "sub/file")] == [folder, folder, file]
    assert stat.S_IMODE(outside.stat().st_mode) == 0o604


def test_a_folder_is_given_when_group_and_rights_are_right(tmp_path: Path) -> None:
    tmp_path.chmod(0o770)
    assert not is_given(tmp_path, GROUP)
    give_all(tmp_path, GROUP, READ_WRITE)
    assert is_given(tmp_path, GROUP) and not is_given(tmp_path, GROUP + 1)
