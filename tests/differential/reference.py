"""The ansible-core that ours is compared with: in an environment of its own under the user's cache folder, made when it is not there."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

VERSION = "2.19"


@cache
def ansible_playbook() -> Path:
    """Path of the program; installs the package the first time."""
    base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "provision"
    folder = base / f"ansible-core-{VERSION}"
    program = folder / "bin" / "ansible-playbook"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)
        subprocess.run(
            [folder / "bin" / "pip", "install", "--quiet", f"ansible-core=={VERSION}.*", "passlib", "jmespath", "netaddr"],
            check=True,
            capture_output=True,
        )
    return program
