"""reboot: restarts the host and waits until it has really come back."""

from __future__ import annotations

import time
from typing import Any

from provisioner.engine.actions.action_call import ActionCall
from provisioner.engine.errors import TaskError
from provisioner.engine.targets import connection_become
from provisioner.engine.unreachable import connection_errors

_BOOT_ID = "cat /proc/sys/kernel/random/boot_id"


def plan(call: ActionCall) -> dict[str, Any]:
    if call.check:
        return {"changed": True, "elapsed": 0, "rebooted": True}
    started = time.monotonic()
    question = str(call.args.get("boot_time_command") or _BOOT_ID)
    before = _ask(call, question)
    delay = max(int(call.args.get("pre_reboot_delay", 0)), 0)
    message = str(call.args.get("msg", "Reboot initiated by Ansible"))
    command = str(call.args.get("reboot_command") or f"shutdown -r +{delay // 60} '{message}'")
    try:
        call.session.raw(command, connection_become(call.become), timeout_s=30.0)
    except connection_errors():
        pass  # the connection may go down before the command's end is seen
    call.run.targets.forget(call.target)
    call.run.stop.wait(float(call.args.get("post_reboot_delay", 0)))
    deadline = started + float(call.args.get("reboot_timeout", 600))
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
