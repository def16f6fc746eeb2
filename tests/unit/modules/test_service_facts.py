"""Proves which services are told of, and in which state: those that run, those that only have a file, and scripts."""

from __future__ import annotations

from provisioner.modules.service_facts import systemd, sysv

UNITS = """\
a.service         loaded    active   running A service
once.service      loaded    active   exited  Has run. failed once
down.service      loaded    inactive dead    Down
broken.service    loaded    failed   failed  Broken
gone.service      not-found inactive dead    gone.service
hidden.service    masked    inactive dead    hidden.service
t@one.service     loaded    active   running One of a template
"""
FILES = """\
a.service      enabled  enabled
down.service   disabled enabled
broken.service enabled  enabled
hidden.service masked   enabled
alias.service  alias    -
t@.service     disabled enabled
"""


def test_units() -> None:
    asked: list[list[str]] = []

    def active(names: list[str]) -> dict[str, str]:
        asked.append(names)
        return {"alias.service": "active"}

    found = systemd(UNITS, FILES, active)
    assert {name: (told["state"], told["status"], told["source"], told["name"]) for name, told in found.items()} == {
        "a.service": ("running", "enabled", "systemd", "a.service"),
        "once.service": ("stopped", "active", "systemd", "once.service"),
        "down.service": ("stopped", "disabled", "systemd", "down.service"),
        "broken.service": ("stopped", "failed", "systemd", "broken.service"),
        "gone.service": ("stopped", "not-found", "systemd", "gone.service"),
        "hidden.service": ("stopped", "masked", "systemd", "hidden.service"),
        "t@one.service": ("running", "active", "systemd", "t@one.service"),
        "alias.service": ("active", "alias", "systemd", "alias.service"),
        "t@.service": ("unknown", "disabled", "systemd", "t@.service"),
    }
    assert asked == [["alias.service"]]


def test_scripts() -> None:
    assert sysv(" [ + ]  cron\n [ - ]  old\n [ ? ]  odd\n") == {
        "cron": {"name": "cron", "state": "running", "source": "sysv"},
        "old": {"name": "old", "state": "stopped", "source": "sysv"},
    }
