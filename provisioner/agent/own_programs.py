"""Programs that are somebody's own modules: run apart from the agent, their result is the JSON object that they print."""

import json
import os
import subprocess
from typing import Any, Dict, List, Optional, Tuple

from provisioner.agent.context import ModuleFailed

JUNK = "Module invocation had junk after the JSON data: %s"


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
    """The object in what a module printed; what comes after it is warned of. Raises ModuleFailed."""
    try:
        text, after = json_within(out, ("{",))
        result = json.loads(text)  # type: Dict[str, Any]
    except ValueError as error:
        raise ModuleFailed("Module result deserialization failed: %s" % error, module_stdout=out, module_stderr=err, rc=code) from error
    if after:
        result.setdefault("warnings", []).append(JUNK % "\n".join(after))
    return result


def json_within(text: str, openers: Tuple[str, ...] = ("{", "[")) -> Tuple[str, List[str]]:
    """(the lines from the first that opens an object or list to the last that closes one, the lines after them). Raises ValueError."""
    lines = text.splitlines()
    first = next((at for at, line in enumerate(lines) if line.strip().startswith(openers)), None)
    if first is None:
        raise ValueError("No start of json char found")
    closer = "}" if lines[first].strip().startswith("{") else "]"
    last = next((at for at in range(len(lines) - 1, first - 1, -1) if lines[at].strip().endswith(closer)), None)
    if last is None:
        raise ValueError("No end of json char found")
    return "\n".join(lines[first : last + 1]), lines[last + 1 :]
