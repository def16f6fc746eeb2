"""reboot: restarts the host and waits until it has really come back."""

from __future__ import annotations

import shlex
import time
from typing import Any

from provisioner.engine.actions.action_call import ActionCall
from provisioner.engine.errors import TaskError
from provisioner.engine.targets import connection_become
from provisioner.engine.unreachable import connection_errors

_SEARCH_PATHS = ("/sbin", "/bin", "/usr/sbin", "/usr/bin", "/usr/local/sbin")
_DELAYS = ("connect_timeout", "post_reboot_delay", "pre_reboot_delay", "reboot_timeout")
_OPTIONS = ("boot_time_command", "msg", "reboot_command", "search_paths", "test_command", *_DELAYS, *(f"{name}_sec" for name in _DELAYS))
_BOOT_ID = "cat /proc/sys/kernel/random/boot_id"


def plan(call: ActionCall) -> dict[str, Any]:
    if getattr(getattr(call.session, "settings", None), "connection", "") == "local":
        return {
            "failed": True,
            "changed": False,
            "elapsed": 0,
            "rebooted": False,
            "msg": "Running reboot with local connection would reboot the control node.",
        }
    call.known(*_OPTIONS)
    if call.check:
        return {"changed": True, "elapsed": 0, "rebooted": True}
    started = time.monotonic()
    question = str(call.args.get("boot_time_command") or _BOOT_ID)
    command = _command(call)
    asked = _ask(call, question)
    before = _text(asked.stdout)
    if asked.rc != 0:
        told = f"rc: {asked.rc}, stdout: {before}, stderr: {_text(asked.stderr)}"
        raise TaskError(f"reboot: failed to get host boot time info, {told}", rebooted=False, reboot=False)
    if not before:
        raise TaskError(f"Failed to get host boot time info, the command gave nothing: {question}", rebooted=False)
    _start(call, command)
    call.run.targets.forget(call.target)
    call.run.stop.wait(max(_seconds(call, "post_reboot_delay", 0), 0))
    deadline = started + _seconds(call, "reboot_timeout", 600)
    while missing := _missing(call, question, before):
        if time.monotonic() > deadline or call.run.stop.wait(1.0):
            elapsed = int(time.monotonic() - started)
            raise TaskError(f"Timed out waiting for {missing} (timeout={int(deadline - started)})", rebooted=True, elapsed=elapsed)
    call.state.store.facts_gathered = None
    return {"changed": True, "rebooted": True, "elapsed": int(time.monotonic() - started)}


def _seconds(call: ActionCall, name: str, default: int) -> float:
    value = call.args.get(name, call.args.get(f"{name}_sec", default))
    try:
        return float(value)
    except (TypeError, ValueError) as e:
        raise TaskError(f"Task failed: {name}: expected seconds, got {value!r}") from e


def _command(call: ActionCall) -> str:
    """What makes the host go down; a program without a path is looked for on the host. Raises TaskError where it is not there."""
    paths = call.args.get("search_paths") or list(_SEARCH_PATHS)
    paths = paths.split(",") if isinstance(paths, str) else paths
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise TaskError(f"'search_paths' must be a string or flat list of strings, got {paths}")
    if (given := call.args.get("reboot_command")) is not None:
        program, _, rest = str(given).partition(" ")
    else:
        delay = max(int(_seconds(call, "pre_reboot_delay", 0)), 0)
        program, rest = "shutdown", f"-r +{delay // 60} {shlex.quote(str(call.args.get('msg', 'Reboot initiated by Ansible')))}"
    if not program.startswith("/"):
        places = " ".join(shlex.quote(f"{path}/{program}") for path in paths)
        look = f'for p in {places}; do [ -e "$p" ] && echo "$p" && exit; done; exit 1'
        name, program = program, _text(call.session.raw(look, connection_become(call.become), timeout_s=30.0).stdout)
        if not program:
            raise TaskError(f'Task failed: Unable to find command "{name}" in search paths: {paths}')
    return f"{program} {rest}".strip()


def _start(call: ActionCall, command: str) -> None:
    """Has the host go down. Raises TaskError when it says that it won't."""
    try:
        done = call.session.raw(command, connection_become(call.become), timeout_s=30.0)
    except connection_errors():
        return  # the connection may go down before the command's end is seen
    if done.rc not in (0, None, 255) and done.rc > 0:
        told = f"{_text(done.stdout)}, {_text(done.stderr)}"
        raise TaskError(f"Reboot command failed. Error was: '{told}'", rebooted=False, rc=done.rc)


def _ask(call: ActionCall, question: str) -> Any:
    return call.session.raw(question, connection_become(call.become), timeout_s=30.0)


def _missing(call: ActionCall, question: str, before: str) -> str:
    """What is still waited for; nothing once the host has booted since, and its test passes."""
    waited = "last boot time check"
    try:
        now = _text(_ask(call, question).stdout)
        if not now or now == before:
            return waited
        waited = "post-reboot test command"
        return "" if _ask(call, str(call.args.get("test_command", "whoami"))).rc == 0 else waited
    except connection_errors():
        call.run.targets.forget(call.target)
        return waited


def _text(value: Any) -> str:
    return (value.decode(errors="replace") if isinstance(value, bytes) else str(value)).strip()
