"""Proves background jobs: they start at once, their results can be asked for, and cleanup forgets them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from provisioner.agent.arguments import checked
from provisioner.agent.context import Context, ModuleFailed
from provisioner.modules import async_status, async_wrapper


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANSIBLE_ASYNC_DIR", str(tmp_path / "jobs"))
    return tmp_path / "jobs"


def start(module: str, args: dict[str, Any], **more: Any) -> dict[str, Any]:
    given = {"_module": module, "_args": args, "time_limit": 20, **more}
    return async_wrapper.run(checked(async_wrapper.ARGUMENTS, given, "async_wrapper"), Context())


def status(job: str, mode: str = "status") -> dict[str, Any]:
    return async_status.run(checked(async_status.ARGUMENTS, {"jid": job, "mode": mode}, "async_status"), Context())


def wait(job: str) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = status(job)
        if found["finished"]:
            return found
        time.sleep(0.02)
    raise AssertionError("the job did not end")


def test_a_job_runs_and_its_result_is_kept_until_cleanup(folder: Path) -> None:
    started = start("command", {"_raw_params": "echo hi"})
    assert (started["started"], started["finished"], started["changed"]) == (True, False, True)
    job = started["ansible_job_id"]
    result = wait(job)
    assert (result["rc"], result["stdout"], result["changed"]) == (0, "hi", True)
    assert status(job, "cleanup")["erased"] == str(folder / job)
    with pytest.raises(ModuleFailed, match="could not find job"):
        status(job)


@pytest.mark.parametrize(
    ("module", "args", "message"),
    [
        ("command", {"_raw_params": "false"}, "non-zero return code"),
        ("command", {}, "one of the following is required: _raw_params, cmd, argv"),
        ("command", {"_raw_params": " "}, "no command given"),
        ("stat", {}, "missing required arguments"),
    ],
)
def test_failures_are_results(module: str, args: dict[str, Any], message: str) -> None:
    result = wait(start(module, args)["ansible_job_id"])
    assert result["failed"] is True and message in result["msg"]


def test_in_check_mode_a_job_runs_and_changes_nothing(tmp_path: Path) -> None:
    started = start("file", {"path": str(tmp_path / "made"), "state": "directory"}, _check=True)
    assert started["changed"] is True
    assert wait(started["ansible_job_id"])["changed"] is True
    assert not (tmp_path / "made").exists()


def test_a_job_keeps_what_its_module_asks_the_controller_for(tmp_path: Path) -> None:
    content = tmp_path / "content"
    content.write_text("sent along")
    args = {"dest": str(tmp_path / "made"), "_blob": "some hash", "_checksum": "", "_original_basename": "x"}
    given = {"_module": "copy", "_args": args, "time_limit": 20}
    context = Context(fetch_blob=lambda digest: str(content) if digest == "some hash" else None)
    started = async_wrapper.run(checked(async_wrapper.ARGUMENTS, given, "async_wrapper"), context)
    content.unlink()
    assert wait(started["ansible_job_id"])["changed"] is True
    assert (tmp_path / "made").read_text() == "sent along"
