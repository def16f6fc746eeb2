"""Proves how modes are read, what giving a file its owner and mode changes and tells, and what results say of a file."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from provisioner.agent import attributes
from provisioner.agent.context import Context, ModuleFailed


@pytest.mark.parametrize(
    ("wanted", "current", "folder", "mode"),
    [
        (0o640, 0, False, 0o640),
        ("0640", 0, False, 0o640),
        ("0o640", 0, False, 0o640),
        ("2775", 0, True, 0o2775),
        ("u=rw,go=r", 0o777, False, 0o644),
        ("u+x", 0o644, False, 0o744),
        ("a-w", 0o666, False, 0o444),
        ("+x", 0o644, False, 0o755),
        ("u=rwX,g=rX,o=", 0o600, False, 0o640),
        ("u=rwX,g=rX,o=", 0o600, True, 0o750),
        ("a=rX", 0o700, False, 0o555),
        ("g=u", 0o640, False, 0o660),
        ("u+x,g=u-w,o=", 0o644, False, 0o750),
        ("u+x,,g+w,", 0o644, False, 0o764),
        ("u+s,g+s,+t", 0o755, True, 0o7755),
        ("u-s", 0o4755, False, 0o755),
        ("g=", 0o2775, True, 0o705),
        ("", 0o640, False, 0o640),
    ],
)
def test_modes(wanted: Any, current: int, folder: bool, mode: int, monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.umask(0o022)
    try:
        assert oct(attributes.mode_of(wanted, current, folder)) == oct(mode)
    finally:
        os.umask(before)


@pytest.mark.parametrize("wrong", ["u+q", "999", "rwx", "u"])
def test_wrong_modes(wrong: str) -> None:
    with pytest.raises(ModuleFailed, match="mode must be in octal or symbolic form"):
        attributes.mode_of(wrong, 0, False)


def test_a_mode_changes_once_and_never_in_check_mode(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.touch(0o644)
    diff: dict[str, Any] = {}
    assert attributes.apply(str(file), {"mode": "0600"}, Context(check=True), diff) is True
    assert diff == {"before": {"mode": "0644"}, "after": {"mode": "0600"}} and stat.S_IMODE(file.stat().st_mode) == 0o644
    assert [attributes.apply(str(file), {"mode": "0600"}, Context()) for _ in range(2)] == [True, False]


def test_what_is_not_there_yet_would_be_given_what_is_wanted(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    assert attributes.apply(gone, {"mode": "0600"}, Context(check=True)) is True
    assert attributes.apply(gone, {}, Context(check=True)) is False


@pytest.mark.parametrize(
    ("args", "said"),
    [({"owner": "nosuchuser"}, "failed to look up user nosuchuser"), ({"group": "nosuch"}, "failed to look up group nosuch")],
)
def test_unknown_accounts_name_the_file(tmp_path: Path, args: dict[str, str], said: str) -> None:
    with pytest.raises(ModuleFailed, match=said) as caught:
        attributes.apply(str(tmp_path), args, Context())
    assert caught.value.more["path"] == str(tmp_path)


def test_a_result_says_what_its_file_is_like(tmp_path: Path) -> None:
    file, hard, link, broken = (tmp_path / name for name in ("f", "h", "l", "b"))
    file.write_text("abc")
    link.symlink_to("f")
    broken.symlink_to("nothing")
    os.link(file, hard)
    states = {}
    for path in (file, link, tmp_path, broken, tmp_path / "gone"):
        result: dict[str, Any] = {"dest": str(path)}
        attributes.add_to(result)
        states[path.name] = (result.get("state"), result.get("size") if path == file else None)
    assert states == {"f": ("hard", 3), "l": ("link", None), tmp_path.name: ("directory", None), "b": (None, None), "gone": (None, None)}


def test_path_comes_before_dest(tmp_path: Path) -> None:
    result = {"path": str(tmp_path), "dest": "/nosuch", "mode": ""}
    attributes.add_to(result)
    assert result["state"] == "directory" and result["mode"].startswith("0")
