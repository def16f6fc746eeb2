"""expect: a command on a terminal of its own, whose questions are answered. It needs nothing but Python: pexpect's part is done here."""

import fcntl
import os
import re
import select
import shlex
import struct
import subprocess
import termios
import time
from datetime import datetime
from typing import Any, Dict, List, Optional, Pattern, Tuple

from provisioner.agent import processes
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS = {
    "command": {"required": True},
    "chdir": {"type": "path"},
    "creates": {"type": "path"},
    "removes": {"type": "path"},
    "responses": {"type": "dict", "required": True},
    "timeout": {"type": "raw", "default": 30},
    "echo": {"type": "bool", "default": False},
    # Set by the controller for `timeout: null`, which looks like no timeout given.
    "_forever": {"type": "bool", "default": False},
}
# What terminals without a size of their own have.
ROWS, COLUMNS = 24, 80
CHUNK_BYTES = 64 * 1024
# A command that says more than this without a question is cut off.
MAX_OUTPUT_BYTES = processes.MAX_OUTPUT_BYTES


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    if context.check:
        return {"changed": False, "skipped": True, "msg": "remote module (expect) does not support check mode"}
    if not args["command"].strip():
        raise ModuleFailed("no command given", rc=256)
    timeout_s = _seconds(args)
    answers = [_Answer(pattern, given) for pattern, given in args["responses"].items()]
    if args["chdir"]:
        os.chdir(args["chdir"])
    for option, missing in (("creates", False), ("removes", True)):
        path = args[option]
        if path and os.path.exists(path) != missing:
            reason = "skipped, since %s %s" % (path, "does not exist" if missing else "exists")
            return {"cmd": args["command"], "stdout": reason, "changed": False, "rc": 0}
    started = datetime.now()
    code, out = _converse(args["command"], answers, timeout_s, args["echo"])
    ended = datetime.now()
    result = {
        "cmd": args["command"],
        "stdout": out.decode("utf-8", "replace").rstrip("\r\n"),
        "rc": code,
        "start": str(started),
        "end": str(ended),
        "delta": str(ended - started),
        "changed": True,
    }
    if code is None:
        raise ModuleFailed("command exceeded timeout", **result)
    if code != 0:
        raise ModuleFailed("non-zero return code", **result)
    return result


def _seconds(args: Dict[str, Any]) -> Optional[float]:
    value = args["timeout"]
    if args["_forever"]:
        return None
    try:
        return float(int(value))
    except (TypeError, ValueError):
        text = "argument 'timeout' is of type %s and we were unable to convert to int: \"%r\" cannot be converted to an int"
        raise ModuleFailed(text % (type(value), value))


class _Answer:
    """What is said to a question: always the same, or one thing after the other."""

    def __init__(self, pattern: str, given: Any) -> None:
        self.name = str(pattern)
        try:
            self.pattern: Pattern[bytes] = re.compile(self.name.encode("utf-8", "surrogateescape"), re.DOTALL)
        except re.error as error:
            raise ModuleFailed("the question %r is no regular expression: %s" % (self.name, error))
        self._listed = [str(one) for one in given] if isinstance(given, list) else None
        self._always = str(given)

    def next(self, seen: bytes) -> bytes:
        if self._listed is None:
            return _line(self._always)
        if not self._listed:
            raise ModuleFailed("No remaining responses for '%s', output was '%r'" % (self.name, seen))
        return _line(self._listed.pop(0))


def _line(text: str) -> bytes:
    return text.rstrip("\n").encode("utf-8", "surrogateescape") + b"\n"


def _start(command: str, echo: bool) -> Tuple["subprocess.Popen[bytes]", int]:
    """The command, and our end of its terminal."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ModuleFailed("%s: %s" % (error, command))
    ours, theirs = os.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        if not echo:
            modes: List[Any] = termios.tcgetattr(theirs)
            modes[3] &= ~termios.ECHO
            termios.tcsetattr(theirs, termios.TCSANOW, modes)

        def own_terminal() -> None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, preexec_fn=own_terminal)
    except (FileNotFoundError, PermissionError):
        os.close(ours)
        raise ModuleFailed("The command was not found or was not executable: %s." % words[0])
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    return process, ours


def _converse(command: str, answers: List[_Answer], timeout_s: Optional[float], echo: bool) -> Tuple[Optional[int], bytes]:
    """(exit code, all that was said); no code where the next question, or the end, did not come in time."""
    process, terminal = _start(command, echo)
    said, fresh = bytearray(), b""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    try:
        while len(said) < MAX_OUTPUT_BYTES:
            left = None if deadline is None else max(deadline - time.monotonic(), 0)
            if not select.select([terminal], [], [], left)[0]:
                processes.kill_group(process.pid)
                process.wait()
                return None, bytes(said)
            try:
                chunk = os.read(terminal, CHUNK_BYTES)
            except OSError:
                break  # the last holder of the terminal's other end has gone
            if not chunk:
                break
            said += chunk
            fresh += chunk
            fresh, answered = _answer(terminal, fresh, answers)
            if answered and timeout_s is not None:
                deadline = time.monotonic() + timeout_s
        code = _ended(process, deadline)
        return code if code is None or code >= 0 else 128 - code, bytes(said)
    except BaseException:
        processes.kill_group(process.pid)
        process.wait()
        raise
    finally:
        os.close(terminal)


def _answer(terminal: int, fresh: bytes, answers: List[_Answer]) -> Tuple[bytes, bool]:
    """Answers the questions in what is new, the earliest first; (what comes after them, whether there were any)."""
    answered = False
    while True:
        found = [(match.start(), index, match) for index, answer in enumerate(answers) for match in [answer.pattern.search(fresh)] if match]
        if not found:
            return fresh, answered
        _, index, match = min(found, key=lambda entry: entry[:2])
        os.write(terminal, answers[index].next(fresh[: match.end()]))
        answered = True
        if match.end() == 0:
            return fresh, answered
        fresh = fresh[match.end() :]


def _ended(process: "subprocess.Popen[bytes]", deadline: Optional[float]) -> Optional[int]:
    try:
        return process.wait(None if deadline is None else max(deadline - time.monotonic(), 0.1))
    except subprocess.TimeoutExpired:
        processes.kill_group(process.pid)
        process.wait()
        return None
