"""Programs that are somebody's own modules: run apart from the agent, their result is the JSON object that they print."""

import json
import os
import subprocess
from typing import Any, Dict, List, Optional

from provisioner.agent.context import ModuleFailed


def run_program(argv: List[str], environment: Dict[str, str], given: Optional[bytes] = None) -> Dict[str, Any]:
    """What it printed, read as `result_of` does. Whatever ends the task ends the program and all that it started. Raises ModuleFailed, OSError."""
    with subprocess.Popen(
        argv,
        env=environment,
        stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(given)
        except BaseException:
            os.killpg(process.pid, 9)
            raise
    return result_of(out.decode("utf-8", "replace"), err.decode("utf-8", "replace"), process.returncode)


def result_of(out: str, err: str, code: int) -> Dict[str, Any]:
    """The object from the first line that opens one to the last that closes one; what comes after it is warned of. Raises ModuleFailed."""
    lines = out.splitlines()
    first = next((at for at, line in enumerate(lines) if line.strip().startswith("{")), None)
    last = next((at for at in range(len(lines) - 1, -1, -1) if lines[at].strip().endswith("}")), -1)
    told = {"module_stdout": out, "module_stderr": err, "rc": code}  # type: Dict[str, Any]
    if first is None or last < first:
        missing = "start" if first is None else "end"
        raise ModuleFailed("Module result deserialization failed: No %s of json char found" % missing, **told)
    try:
        result = json.loads("\n".join(lines[first : last + 1]))  # type: Dict[str, Any]
    except ValueError as error:
        raise ModuleFailed("Module result deserialization failed: %s" % error, **told) from error
    if lines[last + 1 :]:
        result.setdefault("warnings", []).append("Module invocation had junk after the JSON data: %s" % "\n".join(lines[last + 1 :]))
    return result
