"""Asynchronous tasks: the module runs in a process of its own on the host, and is asked for until it ends or its time is over.

The host's module `async_wrapper` starts another module (`_module`, `_args`) and answers its job id at once; `async_status` tells how a
job stands and, with mode cleanup, forgets it.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Mapping
from typing import Any, Literal

from provisioner.engine.actions.action_call import ActionCall
from provisioner.engine.errors import TaskError
from provisioner.engine.events import BackgroundTold
from provisioner.engine.exchange import Attempt, Exchange
from provisioner.engine.keyword_types import as_number
from provisioner.engine.sessions import ModuleCall
from provisioner.engine.targets import keyword_value
from provisioner.engine.task_settings import hides

DEFAULT_POLL_S = 15.0  # where poll_interval is not set
# How often Ansible's wrapper on the host looks whether a job's time is over.
STEP_S = 5


def in_background(call: ActionCall, request: ModuleCall) -> Attempt:
    """Starts the module; with `poll: 0` that is all, else its own result follows."""
    limit_s = as_number("async_val", keyword_value("async_val", call.task.async_s, call.templar))
    poll = keyword_value("poll", call.task.poll, call.templar)
    poll_s = float(call.run.options.settings.get("DEFAULT_POLL_INTERVAL", DEFAULT_POLL_S)) if poll is None else as_number("poll", poll)
    ended_s = max(math.ceil(limit_s / STEP_S), 1) * STEP_S
    wrapper = dataclasses.replace(
        request,
        module="async_wrapper",
        args={"_module": request.module, "_args": request.args, "_check": request.check, "_diff": request.diff, "time_limit": ended_s},
        timeout_s=None,
        check=False,
    )
    session, become = call.session, call.become
    started: dict[str, Any] = yield Exchange(session, become, wrapper)
    job = started.get("ansible_job_id")
    if poll_s <= 0 or started.get("failed") or not job:
        return {**started, "changed": not started.get("failed")}
    # The host ends the job when its time is over, and says so, unless nobody looks as late as that; then, and where it says nothing, the job
    # is given up here.
    last_s = math.ceil(limit_s / poll_s) * poll_s
    deadline = time.monotonic() + (last_s if last_s < ended_s else limit_s + poll_s)
    while True:
        if call.run.stop.wait(min(poll_s, max(deadline - time.monotonic(), 0.0))):
            raise TaskError("the run was stopped")
        status: dict[str, Any] = yield Exchange(session, become, _status(request, job, "status"))
        if status.get("finished"):
            break
        if time.monotonic() >= deadline:
            found = {key: value for key, value in status.items() if key != "changed"} | {"stdout_lines": [], "stderr_lines": []}
            _tell(call, "failed", job, {"failed": True, "async_result": found})
            raise TaskError(f"async task did not complete within the requested time - {int(limit_s)}s", async_result=found)
        _tell(call, "poll", job, status)
    yield Exchange(session, become, _status(request, job, "cleanup"))
    _tell(call, "failed" if status.get("failed") or status.get("rc") else "ok", job, status)
    return status


def _tell(call: ActionCall, state: Literal["poll", "ok", "failed"], job: Any, result: Mapping[str, Any]) -> None:
    shown = {"ansible_job_id": job} if hides(call.task, call.templar) else result
    call.run.emit(BackgroundTold(call.state.name, call.task.title, state, str(job), shown))


def _status(request: ModuleCall, job: Any, mode: str) -> ModuleCall:
    return dataclasses.replace(request, module="async_status", args={"jid": job, "mode": mode}, blobs={}, timeout_s=60.0)
