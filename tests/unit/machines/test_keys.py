"""Proves that keys are made once, kept private, and pinned without losing what else a known_hosts file holds."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

from provisioner.machines.keys import ensure_key, known_hosts_line, pin


def test_a_key_is_made_once_and_private(tmp_path: Path) -> None:
    first = ensure_key(tmp_path / "id", "lab")
    assert first.startswith("ssh-ed25519 ") and first.endswith(" lab")
    assert stat.S_IMODE((tmp_path / "id").stat().st_mode) == 0o600
    assert (tmp_path / "id.pub").read_text() == first + "\n"
    assert ensure_key(tmp_path / "id", "lab") == first


def test_a_lost_or_empty_half_is_made_again(tmp_path: Path) -> None:
    first = ensure_key(tmp_path / "id", "lab")
    (tmp_path / "id.pub").unlink()
    assert ensure_key(tmp_path / "id", "lab") == first
    (tmp_path / "id").write_text("")
    second = ensure_key(tmp_path / "id", "lab")
    assert second != first
    assert (tmp_path / "id.pub").read_text() == second + "\n"


def test_openssh_reads_the_key(tmp_path: Path) -> None:
    public = ensure_key(tmp_path / "id", "lab")
    shown = subprocess.run(["ssh-keygen", "-y", "-f", tmp_path / "id"], capture_output=True, text=True, check=True).stdout
    assert shown.split()[:2] == public.split()[:2]


def test_pinning_replaces_a_hosts_old_key_and_keeps_other_lines(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text("example.org ssh-ed25519 AAAAother\nweb,10.0.0.5 ssh-ed25519 AAAAold\nmoved,10.0.0.6 ssh-ed25519 AAAAold\n")
    pin(path, {"web": known_hosts_line("web", "10.0.0.6", "ssh-ed25519 AAAAnew comment")})
    assert path.read_text().splitlines() == ["example.org ssh-ed25519 AAAAother", "web,10.0.0.6 ssh-ed25519 AAAAnew"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_pinning_the_same_again_does_not_write(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    lines = {"web": known_hosts_line("web", "10.0.0.6", "ssh-ed25519 AAAA")}
    pin(path, lines)
    before = path.stat().st_ino
    pin(path, lines)
    assert path.stat().st_ino == before
