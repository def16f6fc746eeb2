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
    before = _ask(call, question)
    if not before:
        raise TaskError(f"Failed to get host boot time info, the command gave nothing: {question}", rebooted=False)
    _start(call)
    call.run.targets.forget(call.target)
    call.run.stop.wait(max(_seconds(call, "post_reboot_delay", 0), 0))
    deadline = started + _seconds(call, "reboot_timeout", 600)
    while True:
        if _back(call, question, before):
            break
        if time.monotonic() > deadline or call.run.stop.wait(1.0):
            elapsed = int(time.monotonic() - started)
            raise TaskError(
                f"Timed out waiting for last boot time check (timeout={int(deadline - started)})", rebooted=True, elapsed=elapsed
            )
    call.state.store.facts_gathered = None
    return {"changed": True, "rebooted": True, "elapsed": int(time.monotonic() - started)}


def _seconds(call: ActionCall, name: str, default: int) -> float:
    value = call.args.get(name, call.args.get(f"{name}_sec", default))
    try:
        return float(value)
    except (TypeError, ValueError) as e:
        raise TaskError(f"Task failed: {name}: expected seconds, got {value!r}") from e


def _start(call: ActionCall) -> None:
    """Has the host go down. Raises TaskError when it says that it won't."""
    delay = max(int(_seconds(call, "pre_reboot_delay", 0)), 0)
    command = call.args.get("reboot_command")
    if not command:
        raw = call.args.get("search_paths") or _SEARCH_PATHS
        if isinstance(raw, str) or not all(isinstance(path, str) for path in raw):
            raise TaskError(f"'search_paths' must be a string or flat list of strings, got {raw}")
        message = shlex.quote(str(call.args.get("msg", "Reboot initiated by Ansible")))
        command = f"PATH={shlex.quote(':'.join(raw))}:$PATH shutdown -r +{delay // 60} {message}"
    try:
        done = call.session.raw(str(command), connection_become(call.become), timeout_s=30.0)
    except connection_errors():
        return  # the connection may go down before the command's end is seen
    if done.rc not in (0, None, 255) and done.rc > 0:
        told = f"{_text(done.stdout)}, {_text(done.stderr)}"
        raise TaskError(f"Reboot command failed. Error was: '{told}'", rebooted=False, rc=done.rc)


def _ask(call: ActionCall, question: str) -> str:
    return _text(call.session.raw(question, connection_become(call.become), timeout_s=30.0).stdout)


def _back(call: ActionCall, question: str, before: str) -> bool:
    """Whether the host answers and has booted since."""
    try:
        now = _ask(call, question)
        if not now or now == before:
            return False
        test = str(call.args.get("test_command", "whoami"))
        return bool(call.session.raw(test, connection_become(call.become), timeout_s=30.0).rc == 0)
    except connection_errors():
        call.run.targets.forget(call.target)
        return False


def _text(value: Any) -> str:
    return (value.decode(errors="replace") if isinstance(value, bytes) else str(value)).strip()
