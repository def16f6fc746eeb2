"""Proves how the output of somebody's own module is read, and that a program is ended with its task."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from provisioner.agent.context import ModuleFailed
from provisioner.agent.own_programs import result_of, run_program

READ: list[tuple[str, dict[str, Any]]] = [
    ('{"a": 1}\n', {"a": 1}),
    ('said before\n{"a":\n 1}\n', {"a": 1}),
    ('{"a": 1}\nafter\n', {"a": 1, "warnings": ["Module invocation had junk after the JSON data: after"]}),
    ('{"a": 1, "warnings": ["own"]}\nx', {"a": 1, "warnings": ["own", "Module invocation had junk after the JSON data: x"]}),
]
REFUSED: list[tuple[str, str]] = [
    ("nothing", "No start of json char found"),
    ("{", "No end of json char found"),
    ("}\n{", "No end of json char found"),
    ("{a: 1}", "Expecting property name enclosed in double quotes"),
]


@pytest.mark.parametrize(("out", "result"), READ, ids=range(len(READ)))
def test_the_object_is_found_in_what_was_printed(out: str, result: dict[str, Any]) -> None:
    assert result_of(out, "", 0) == result


@pytest.mark.parametrize(("out", "why"), REFUSED, ids=[why for _, why in REFUSED])
def test_output_without_one_fails(out: str, why: str) -> None:
    with pytest.raises(ModuleFailed, match=f"Module result deserialization failed: {why}") as failed:
        result_of(out, "e", 3)
    assert failed.value.more == {"module_stdout": out, "module_stderr": "e", "rc": 3}


def test_a_program_and_what_it_started_end_with_the_task(tmp_path: Path) -> None:
    def late(*_: Any) -> None:
        raise TimeoutError

    marker = tmp_path / "pid"

    def end_it_once_it_runs() -> None:
        limit = time.monotonic() + 30
        while not marker.exists() and time.monotonic() < limit:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGALRM)

    old = signal.signal(signal.SIGALRM, late)
    ending = threading.Thread(target=end_it_once_it_runs)
    try:
        ending.start()
        with pytest.raises(TimeoutError):
            run_program(["/bin/sh", "-c", f"sleep 60 & echo $! > {marker}.new; mv {marker}.new {marker}; wait"], dict(os.environ))
    finally:
        ending.join()
        signal.signal(signal.SIGALRM, old)
    limit = time.monotonic() + 10
    while time.monotonic() < limit and _runs(int(marker.read_text())):
        time.sleep(0.01)
    assert not _runs(int(marker.read_text()))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
