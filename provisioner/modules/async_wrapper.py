"""async_wrapper: starts another module in a process of its own, which outlives the agent, and answers its job id at once."""

import importlib
import json
import os
import random
import signal
import tempfile
from typing import Any, Dict, Optional

from provisioner.agent.calling import outcome
from provisioner.agent.context import Context

ARGUMENTS = {
    "_module": {"required": True},
    "_args": {"type": "dict", "default": {}},
    "_check": {"type": "bool", "default": False},
    "_diff": {"type": "bool", "default": False},
    "time_limit": {"type": "int", "default": 3600},
}  # type: Dict[str, Dict[str, Any]]


class _OutOfTime(BaseException):
    """No Exception, so that a module's own handlers don't swallow it."""


def _out_of_time(number: int, frame: Any) -> None:
    raise _OutOfTime()


def jobs_folder() -> str:
    """Where results of jobs lie: ANSIBLE_ASYNC_DIR, or the user's own folder."""
    folder = os.path.expanduser(os.environ.get("ANSIBLE_ASYNC_DIR", "~/.ansible_async"))
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return folder


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    job = "j%d.%d" % (random.SystemRandom().randrange(10**12), os.getpid())
    path = os.path.join(jobs_folder(), job)
    started = {"started": True, "finished": False, "ansible_job_id": job}
    _write(path, started)
    content = _content(args["_args"].get("_blob"), context)
    first = os.fork()
    if first == 0:
        _detach(path, job, args, content)
    os.waitpid(first, 0)
    return dict(started, results_file=path, changed=True)


def _content(digest: Optional[str], context: Context) -> bytes:
    """What the module will ask the controller for, which the job can't; in memory, since files go with this call."""
    if not digest:
        return b""
    with open(context.blob(digest), "rb") as file:
        return file.read()


def _detach(path: str, job: str, args: Dict[str, Any], content: bytes) -> None:
    """In the first child: a new session and one more fork, so that nobody waits for the job. Never returns."""
    try:
        os.setsid()
        if os.fork() == 0:
            _work(path, job, args, content)
    finally:
        os._exit(0)


def _work(path: str, job: str, args: Dict[str, Any], content: bytes) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    # The agent's channel must not stay open because of us.
    os.closerange(3, 4096)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, _out_of_time)
    signal.alarm(max(int(args["time_limit"]), 1))
    try:
        result = _result(args, content)
    except _OutOfTime:
        result = {"failed": True, "changed": False, "msg": "Timeout exceeded", "child_pid": os.getpid()}
    signal.alarm(0)
    result.update(ansible_job_id=job, started=True, finished=True)
    _write(path, result)


def _result(args: Dict[str, Any], content: bytes) -> Dict[str, Any]:
    try:
        module = importlib.import_module("provisioner.modules." + args["_module"])
    except ImportError as error:
        return {"failed": True, "changed": False, "msg": str(error)}
    with tempfile.NamedTemporaryFile(prefix="provision-content-") as file:
        file.write(content)
        file.flush()
        context = Context(check=args["_check"], diff=args["_diff"], fetch_blob=lambda _: file.name if content else None)
        return outcome(module, args["_module"], args["_args"], context)


def _write(path: str, document: Dict[str, Any]) -> None:
    beside = "%s.%d.tmp" % (path, os.getpid())
    with open(beside, "w", encoding="utf-8") as file:
        json.dump(document, file)
    os.rename(beside, path)
