"""raw: a command through the connection alone; the host needs no Python."""

from __future__ import annotations

from typing import Any

from provisioner.engine.actions.action_call import ActionCall
from provisioner.engine.errors import TaskError
from provisioner.engine.targets import connection_become


def plan(call: ActionCall) -> dict[str, Any]:
    command = call.args.get("_raw_params")
    if not command:
        raise TaskError("no command given")
    if call.check:
        return {"skipped": True, "changed": False}
    if call.args.get("executable"):
        import shlex

        command = f"{call.args['executable']} -c {shlex.quote(str(command))}"
    exports = "".join(f"export {name}={_quoted(value)}; " for name, value in call.environment.items())
    done = call.session.raw(exports + str(command), connection_become(call.become), timeout_s=call.timeout_s)
    result: dict[str, Any] = {"changed": True, "rc": done.rc, "stdout": _text(done.stdout), "stderr": _text(done.stderr)}
    if done.rc:
        result.update(failed=True, msg="non-zero return code")
    return result


def _quoted(value: str) -> str:
    import shlex

    return shlex.quote(value)


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
