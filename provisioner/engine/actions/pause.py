"""pause: waits for a time or for the person."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from provisioner.engine.actions.action_call import ActionCall
from provisioner.engine.errors import TaskError

LOCAL = True
RUNS_ONCE = True


def plan(call: ActionCall) -> dict[str, Any]:
    begin = datetime.now().astimezone()
    started = time.monotonic()
    answer = ""
    if call.args.get("minutes") is not None or call.args.get("seconds") is not None:
        try:
            seconds = float(call.args.get("minutes") or 0) * 60 + float(call.args.get("seconds") or 0)
        except (TypeError, ValueError) as e:
            raise TaskError(f"non-integer value given for prompt duration:\n{e}") from e
        call.run.stop.wait(max(seconds, 1))
        passed = time.monotonic() - started
        text = f"Paused for {round(passed / 60, 2)} minutes" if call.args.get("minutes") else f"Paused for {round(passed, 2)} seconds"
    else:
        prompt = str(call.args.get("prompt", "Press enter to continue, Ctrl+C to interrupt"))
        try:
            answer = call.run.options.prompt(prompt, not call.flag("echo", True))
        except EOFError:
            call.run.warn("Not waiting for response to prompt as stdin is not interactive")
        text = f"Paused for {round((time.monotonic() - started) / 60, 2)} minutes"
    return {
        "changed": False,
        "rc": 0,
        "stderr": "",
        "stdout": text,
        "start": str(begin.replace(tzinfo=None)),
        "stop": str(datetime.now().astimezone().replace(tzinfo=None)),
        "delta": int(time.monotonic() - started),
        "user_input": answer,
        "echo": call.flag("echo", True),
    }
