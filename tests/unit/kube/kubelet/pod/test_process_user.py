"""Proves who a process is said to be."""

from __future__ import annotations

import os
from pathlib import Path

from provisioner.kube.kubelet.pod.process_user import user_of


def test_this_process() -> None:
    found = user_of(os.getpid())
    assert found is not None and found.linux is not None
    assert (found.linux.uid, found.linux.gid) == (os.geteuid(), os.getegid())
    assert set(found.linux.supplemental_groups or ()) == {os.getegid(), *os.getgroups()}


def test_one_that_changed_its_user(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/status").write_text("Name:\tx\nUid:\t0\t1000\t1000\t1000\nGid:\t0\t3000\t3000\t3000\nGroups:\t60000 50000 \n")
    found = user_of(7, tmp_path)
    assert found is not None and found.linux is not None
    assert (found.linux.uid, found.linux.gid, found.linux.supplemental_groups) == (1000, 3000, [3000, 50000, 60000])


def test_nobody(tmp_path: Path) -> None:
    (tmp_path / "8").mkdir()
    (tmp_path / "8/status").write_text("")
    assert [user_of(pid, tmp_path) for pid in (0, 8, 9)] == [None, None, None]
