"""Running a module again under another Python of the host, where the library that it needs is installed."""

import os
import subprocess
import sys
from typing import Optional, Sequence

_MARK = "PROVISION_RESPAWNED"


def has_respawned() -> bool:
    return _MARK in os.environ


def probe_interpreters_for_module(interpreter_paths: Sequence[str], module_name: str) -> Optional[str]:
    """The first of them that can import the module."""
    for path in interpreter_paths:
        if not os.path.exists(path):
            continue
        tried = subprocess.run([path, "-c", "import " + module_name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if tried.returncode == 0:
            return path
    return None


def respawn_module(interpreter_path: str) -> None:
    """Ends this process with what the same module prints there. Raises Exception the second time."""
    if has_respawned():
        raise Exception("module has already been respawned")
    from ansible.module_utils import basic

    ran = subprocess.run(
        [interpreter_path, os.environ["PROVISION_MODULE_RUNNER"], os.environ["PROVISION_MODULE"]],
        input=basic.request_text().encode(),
        env=dict(os.environ, **{_MARK: "1"}),
    )
    sys.exit(ran.returncode)
