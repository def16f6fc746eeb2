"""Proves that services are steered by systemd where it runs, else by their scripts, and that both tell the same keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.agent.context import Context
from provisioner.modules import service, systemd, sysvinit
from tests.module_calls import Call

SCRIPT = """#!/bin/sh
case "$1" in
start) touch {state};;
stop) rm -f {state};;
status) [ -e {state} ] && echo running || {{ echo stopped; exit 3; }};;
esac
"""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host without systemd, on which the service `mine` has a script."""
    monkeypatch.setattr(sysvinit, "SCRIPTS", str(tmp_path))
    monkeypatch.setattr(sysvinit, "LEVELS", str(tmp_path))
    monkeypatch.setattr(service, "SYSTEMD_RUNS", str(tmp_path / "no"))
    monkeypatch.setattr(sysvinit, "_found", lambda name, context: None)
    (tmp_path / "mine").write_text(SCRIPT.format(state=tmp_path / "running"))
    (tmp_path / "mine").chmod(0o755)
    return tmp_path


def test_a_script_where_systemd_does_not_run(call: Call, script: Path) -> None:
    started = [call("service", {"name": "mine", "state": "started"}) for _ in range(2)]
    assert [(one["changed"], one["state"], one["name"]) for one in started] == [(True, "started", "mine"), (False, "started", "mine")]
    assert (script / "running").exists()
    assert call("service", {"name": "mine", "state": "stopped"}, check=True)["changed"] is True
    assert (script / "running").exists()
    assert call("service", {"name": "mine", "state": "stopped"})["state"] == "stopped"
    assert not (script / "running").exists()


@pytest.mark.parametrize(("use", "asked"), [("auto", True), ("systemd", True), ("sysvinit", False)])
def test_who_is_asked(call: Call, script: Path, monkeypatch: pytest.MonkeyPatch, use: str, asked: bool) -> None:
    given: list[dict[str, Any]] = []

    def noted(args: dict[str, Any], context: Context) -> dict[str, Any]:
        given.append(args)
        return {"changed": True, "name": args["name"], "state": "started", "status": {}}

    monkeypatch.setattr(systemd, "run", noted)
    monkeypatch.setattr(service, "SYSTEMD_RUNS", str(script))
    assert call("service", {"name": "mine", "state": "started", "use": use})["changed"] is True
    assert bool(given) is asked


@pytest.mark.parametrize(
    ("args", "passed", "warned"),
    [
        ({"state": "restarted", "daemon_reload": "yes"}, {"state": "restarted", "daemon_reload": True}, []),
        ({"masked": False, "scope": "user"}, {"masked": False, "scope": "user"}, []),
        ({"state": "started", "sleep": 3, "args": "x"}, {"state": "started"}, ["sleep", "args"]),
        ({"enabled": True, "pattern": "p", "runlevel": "3"}, {"enabled": True}, ["pattern", "runlevel"]),
        ({}, {"state": None}, []),
    ],
)
def test_systemd_takes_its_own_options(
    call: Call, script: Path, monkeypatch: pytest.MonkeyPatch, args: dict[str, Any], passed: dict[str, Any], warned: list[str]
) -> None:
    given: list[dict[str, Any]] = []
    monkeypatch.setattr(systemd, "run", lambda args, context: given.append(args) or {"changed": False})
    monkeypatch.setattr(service, "SYSTEMD_RUNS", str(script))
    told = call("service", {"name": "mine", **args})
    assert {name: given[0][name] for name in ("name", *passed)} == {"name": "mine", **passed}
    assert sorted(told.get("warnings", [])) == sorted(f'Ignoring "{name}" as it is not used in "systemd"' for name in warned)


@pytest.mark.parametrize(
    ("args", "systemd_runs", "said"),
    [
        ({"name": "mine"}, False, "one of the following is required: state, enabled"),
        ({"state": "started"}, False, "missing required arguments: name"),
        ({"state": "started"}, True, "missing parameter(s) required by 'state': name"),
        ({"name": "mine", "state": "started", "masked": True}, False, "Unsupported parameters for (service) module: masked. "),
        ({"name": "mine", "state": "running"}, True, "value of state must be one of: reloaded, restarted, started, stopped, got: running"),
    ],
)
def test_the_manager_says_what_is_wrong(
    call: Call, script: Path, monkeypatch: pytest.MonkeyPatch, args: dict[str, Any], systemd_runs: bool, said: str
) -> None:
    if systemd_runs:
        monkeypatch.setattr(service, "SYSTEMD_RUNS", str(script))
    told = call("service", args)
    assert told["failed"] and told["msg"].startswith(said)


def test_a_service_that_nobody_knows(call: Call, script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "INIT", str(script / "mine"))
    for use in ("auto", "service", "other"):
        missing = call("service", {"name": "nosuch", "state": "started", "use": use})
        assert (missing["failed"], missing["msg"]) == (True, "Could not find the requested service nosuch: host")


def test_systemd_enables_where_it_is_to_run_later(call: Call, script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (script / "systemd").touch()
    (script / "init").symlink_to("systemd")
    monkeypatch.setattr(service, "INIT", str(script / "init"))
    monkeypatch.setattr(systemd, "run", lambda args, context: {"changed": True, "name": args["name"], "enabled": args["enabled"]})
    assert call("service", {"name": "nosuch", "enabled": True})["enabled"] is True


def test_a_script_by_its_own_manager_and_one_that_fails(call: Call, script: Path) -> None:
    told = call("service", {"name": "mine", "state": "started", "use": "sysvinit"})
    assert (told["changed"], told["status"]["started"]["rc"]) == (True, 0)
    (script / "mine").write_text("#!/bin/sh\n[ $1 = status ] || exit 4\n")
    failed = call("service", {"name": "mine", "state": "reloaded", "use": "sysvinit"})
    assert (failed["failed"], failed["changed"], failed["msg"]) == (True, False, "Failed to reload service: mine")
