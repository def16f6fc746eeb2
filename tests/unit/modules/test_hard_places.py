"""Proves what modules do where nothing can be written: a full disk, a read-only file system. One clear failure; what was there stays as it was."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="mounts a file system")

# In a mount namespace of its own: a small file system at the argument, filled or made read-only, and each module called on a file there.
PROGRAM = """
import json, os, subprocess, sys
from tests.module_calls import run
place, kind = sys.argv[1:]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", place], check=True)
file = place + "/f"
open(file, "w").write("one\\n")
if kind == "full":
    with open(place + "/filler", "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError:
            pass
else:
    subprocess.run(["mount", "-o", "remount,ro", place], check=True)
large = sys.argv[0] + ".large"
open(large, "wb").write(b"x" * 8192)
tree = sys.argv[0] + ".tree"
os.mkdir(tree)
os.link(large, tree + "/in")
calls = {
    "copy": {"src": large, "dest": file, "remote_src": True},
    "new copy": {"src": large, "dest": place + "/new", "remote_src": True},
    "folder copy": {"src": tree, "dest": place + "/d", "remote_src": True},
    "backup copy": {"src": large, "dest": file, "remote_src": True, "backup": True},
    "backup lineinfile": {"path": file, "line": "x", "backup": True},
    "openssl_privatekey": {"path": place + "/key", "type": "Ed25519", "format": "auto_ignore"},
    "lineinfile": {"path": file, "line": "x" * 8192},
    "blockinfile": {"path": file, "block": "x" * 8192},
    "replace": {"path": file, "regexp": "one", "replace": "x" * 8192},
    "ini_file": {"path": file, "section": "s", "option": "o", "value": "x" * 8192},
    "archive": {"path": large, "dest": place + "/a.tar", "format": "tar"},
}
told = {}
for name, args in calls.items():
    result = run(name.split()[-1], args)
    left = sorted(os.path.join(folder, one)[len(place) + 1 :] for folder, _, files in os.walk(place) for one in files)
    told[name] = [result.get("failed", False), result.get("msg", ""), open(file).read(), left]
print(json.dumps(told))
"""


@pytest.mark.parametrize(("kind", "reason"), [("full", "No space left on device"), ("read-only", "Read-only file system")])
def test_nothing_can_be_written(tmp_path: Path, kind: str, reason: str) -> None:
    place = tmp_path / "place"
    place.mkdir()
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = ["unshare", "--mount", sys.executable, str(program), str(place), kind]
    ran = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60)
    assert ran.returncode == 0, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout)
    there = ["f", "filler"] if kind == "full" else ["f"]
    for name, (failed, msg, content, left) in told.items():
        assert failed and (reason in msg or msg == f"Destination {place} not writable"), f"{name}: {msg}"
        assert (content, left) == ("one\n", there), name
