"""Proves how apt's lock is waited for: visibly, with its holder's name, told once, and only as long as was said."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from provisioner.agent import apt_get
from provisioner.agent.context import ModuleFailed

LOCKED = (100, "", "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7")


class FakeContext(SimpleNamespace):
    """Answers apt-get's runs in turn, the last one again and again."""

    def __init__(self, *answers: tuple[int, str, str]) -> None:
        super().__init__(check=False, answers=list(answers), told=[])

    def which(self, name: str) -> str:
        return f"/usr/bin/{name}"

    def run(self, argv: list[str], **_: Any) -> tuple[int, str, str]:
        found: tuple[int, str, str] = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return found

    def waits(self, text: str) -> None:
        self.told.append(text)


@pytest.fixture
def holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has the lock's file open."""
    lock = tmp_path / "lock-frontend"
    monkeypatch.setattr(apt_get, "LOCKS", (str(lock),))
    code = f"import time; f = open({str(lock)!r}, 'w'); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second passes at once."""
    now = [0.0]
    clock = SimpleNamespace(monotonic=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + seconds))
    monkeypatch.setattr(apt_get, "time", clock)


def install(context: FakeContext) -> tuple[int, str, str]:
    return apt_get.apt_get(["apt-get", "install", "x"], context, 30)  # type: ignore[arg-type]


def test_it_goes_on_when_the_lock_is_free(holder: subprocess.Popen[bytes]) -> None:
    context = FakeContext(LOCKED, LOCKED, LOCKED, (0, "done", ""))
    assert install(context) == (0, "done", "")
    [told] = context.told
    assert told.startswith("apt's lock is held by python") and f"(pid {holder.pid})" in told and told.endswith("waiting up to 30 s")


def test_it_gives_up_and_names_the_holder(holder: subprocess.Popen[bytes]) -> None:
    with pytest.raises(ModuleFailed, match=rf"was not free within 30 s: python\S* \(pid {holder.pid}\) holds it"):
        install(FakeContext(LOCKED))


def test_another_error_is_not_waited_for() -> None:
    context = FakeContext((100, "", "E: Unable to locate package x"))
    assert install(context) == context.answers[0]
    assert context.told == []
