"""pause: waits for a time or for the person."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from typing import Any

from provisioner.agent.arguments import ArgumentError, checked
from provisioner.engine.actions.action_call import ActionCall
from provisioner.engine.errors import TaskError
from provisioner.engine.events import Said

LOCAL = True
RUNS_ONCE = True
_ARGUMENTS = {
    "echo": {"type": "bool", "default": True},
    "minutes": {"type": "int"},
    "seconds": {"type": "int"},
    "prompt": {},
    "_rules": {"mutually_exclusive": [["minutes", "seconds"]]},
}


_KEYS = "(ctrl+C then 'C' = continue early, ctrl+C then 'A' = abort)\r"


def plan(call: ActionCall) -> dict[str, Any]:
    for name in ("minutes", "seconds"):
        try:
            int(call.args.get(name) or 0)
        except (TypeError, ValueError) as e:
            kind = type(call.args[name]).__name__
            raise TaskError(f"argument '{name}' is of type {kind} and we were unable to convert to int: {e}") from e
    try:
        args = checked(_ARGUMENTS, call.args, "pause")
    except ArgumentError as e:
        raise TaskError(str(e)) from e
    begin = datetime.now().astimezone()
    started = time.monotonic()
    answer, hidden = "", "" if args["echo"] else " (output is hidden)"
    if args["minutes"] is not None or args["seconds"] is not None:
        seconds = (args["minutes"] or 0) * 60 + (args["seconds"] or 0)
        limit_s = call.timeout_s or float("inf")
        lines = [f"Pausing for {max(seconds, 1)} seconds{hidden}"]
        if args["prompt"] or sys.stdin.isatty():
            lines.append(_KEYS)
        if args["prompt"] and sys.stdin.isatty():
            lines.append(f"[{call.task.title}]\n{args['prompt']}{hidden}:")
        call.run.emit(Said("\n".join(lines)))
        try:
            call.run.stop.wait(min(max(seconds, 1), limit_s))
        except KeyboardInterrupt:
            _interrupted(call)
            limit_s = float("inf")
        if limit_s < seconds and not call.run.stop.is_set():
            period = int(limit_s) if limit_s.is_integer() else limit_s
            raise TaskError(
                f"Task failed: Timed out after {period} second(s).", timedout={"frame": "in the action pause", "period": period}
            )
        passed = time.monotonic() - started
        text = f"Paused for {round(passed / 60, 2)} minutes" if args["minutes"] is not None else f"Paused for {round(passed, 2)} seconds"
    else:
        prompt = f"[{call.task.title}]\n{args['prompt'] or 'Press enter to continue, Ctrl+C to interrupt'}{hidden}"
        try:
            answer = call.run.options.prompt(prompt, not args["echo"])
        except KeyboardInterrupt:
            _interrupted(call)
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
        "echo": args["echo"],
    }


def _interrupted(call: ActionCall) -> None:
    """Asks whether to go on. Raises TaskError where somebody wants to end it."""
    answer = ""
    while answer != "c":
        try:
            answer = call.run.options.prompt("Press 'C' to continue the play or 'A' to abort", False).strip().lower()
        except (EOFError, KeyboardInterrupt):
            answer = "a"
        if answer == "a":
            raise TaskError("Task failed: user requested abort!")
