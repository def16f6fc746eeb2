"""Runs a tool with a deadline and turns its failure into a `CommandError` that carries the tool's last lines."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from provisioner.machines.errors import CommandError, RequirementError

TAIL_BYTES = 4096
# Before a command that computes for minutes: it ends with this program, however that ends (util-linux; Linux prctl PR_SET_PDEATHSIG).
WITH_US = ("setpriv", "--pdeathsig", "TERM")


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    timeout_s: float = 30.0,
    check: bool = True,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    log: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Both output streams come back as one text in `stdout` (or go to `log`, whose end is quoted on failure).

    `env` adds to the environment; messages are always in English so that they can be matched.
    """
    words = [os.fspath(word) for word in argv]
    sink = log.open("w", encoding="utf-8") if log else subprocess.PIPE
    try:
        done = subprocess.run(
            words,
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout_s,
            env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})},
            check=False,
        )
    except FileNotFoundError as e:
        raise RequirementError(f"command not found: {words[0]}", hint="`make setup` installs what the lab needs") from e
    except subprocess.TimeoutExpired as e:
        raise CommandError(words, None, _tail(log, e.stdout)) from e
    finally:
        if log and not isinstance(sink, int):
            sink.close()
    if check and done.returncode != 0:
        raise CommandError(words, done.returncode, _tail(log, done.stdout))
    return done


def _tail(log: Path | None, output: str | bytes | None) -> str:
    if log is not None:
        return log.read_bytes()[-TAIL_BYTES:].decode(errors="replace")
    if isinstance(output, bytes):
        return output[-TAIL_BYTES:].decode(errors="replace")
    return (output or "")[-TAIL_BYTES:]


def require(tools: Mapping[str, str]) -> None:
    """All `tools` (command: Debian package) must be on PATH; the error names every missing package at once."""
    missing = {package for tool, package in tools.items() if shutil.which(tool) is None and not Path("/usr/sbin", tool).exists()}
    if missing:
        names = " ".join(sorted(missing))
        raise RequirementError(f"the lab needs Debian packages that are not installed: {names}", hint=f"apt-get install {names}")
