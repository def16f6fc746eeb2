"""The agent's loop: takes batches of calls, runs each module, answers; fetches content by hash when a module asks for it."""

import hashlib
import importlib
import os
import signal
import tempfile
import threading
import traceback
from typing import Any, BinaryIO, Dict, List, Optional

from provisioner.agent.arguments import ArgumentError, checked
from provisioner.agent.context import Context, ModuleFailed
from provisioner.agent.framing import EndOfInput, Frames

ALIVE_S = 10.0


class _TimedOut(Exception):
    """A module took longer than its call allows."""


def serve(reader: BinaryIO, writer: BinaryIO) -> None:
    """Answer until the controller is gone. What modules print goes to standard error; commands that they run
    get an empty standard input."""
    kept = os.fdopen(os.dup(writer.fileno()), "wb")
    frames = Frames(reader, kept)
    os.dup2(2, 1)
    os.umask(0o022)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    agent = Agent(frames)
    threading.Thread(target=agent.keep_alive, daemon=True).start()
    try:
        while True:
            agent.answer(frames.read())
    except (EndOfInput, KeyboardInterrupt, BrokenPipeError):
        return


class Agent:
    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self._working = threading.Event()

    def keep_alive(self) -> None:
        """While a module works, say so now and then: silence means a dead connection."""
        tick = threading.Event()
        while True:
            self._working.wait()
            tick.wait(ALIVE_S)
            if self._working.is_set():
                self._frames.write({"alive": True})

    def answer(self, request: Dict[str, Any]) -> None:
        self._working.set()
        try:
            for call in request["calls"]:
                result = self._run(call)
                self._frames.write({"id": request["id"], "result": result})
                if result.get("failed"):
                    break
        finally:
            self._working.clear()
        self._frames.write({"id": request["id"], "done": True})

    def _run(self, call: Dict[str, Any]) -> Dict[str, Any]:
        saved = dict(os.environ)
        folder = os.getcwd() if os.path.isdir(os.curdir) else "/"
        made: List[str] = []
        try:
            os.environ.update({key: str(value) for key, value in (call.get("environment") or {}).items()})
            return self._module(call, made)
        finally:
            os.environ.clear()
            os.environ.update(saved)
            os.chdir(folder)
            for path in made:
                if os.path.exists(path):
                    os.unlink(path)

    def _module(self, call: Dict[str, Any], made: List[str]) -> Dict[str, Any]:
        name = call["module"]
        try:
            module = importlib.import_module("provisioner.modules." + name)
        except ImportError as error:
            if "provisioner.modules." + name not in str(error):
                return {"failed": True, "msg": "module %s can't be loaded: %s" % (name, error)}
            return {"failed": True, "msg": "no module is named %s" % name}
        context = Context(
            check=bool(call.get("check")),
            diff=bool(call.get("diff")),
            fetch_blob=lambda digest: self._blob(digest, made),
            tell=lambda text: self._frames.write({"note": text}),
        )
        old = signal.signal(signal.SIGALRM, _alarm)
        try:
            args = checked(module.ARGUMENTS, dict(call.get("args") or {}), name)
            if call.get("timeout_s"):
                signal.setitimer(signal.ITIMER_REAL, float(call["timeout_s"]))
            result: Dict[str, Any] = module.run(args, context)
            result.setdefault("changed", False)
            if context.warnings:
                result.setdefault("warnings", []).extend(context.warnings)
            return result
        except ArgumentError as error:
            return {"failed": True, "msg": str(error), "changed": False}
        except ModuleFailed as error:
            return dict({"failed": True, "msg": error.msg, "changed": False}, **error.more)
        except _TimedOut:
            return {"failed": True, "changed": False, "msg": "Timed out after %s second(s)." % call["timeout_s"]}
        except Exception as error:
            text = traceback.format_exc()
            return {"failed": True, "changed": False, "msg": "%s: %s" % (type(error).__name__, error), "exception": text}
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, old)

    def _blob(self, digest: str, made: List[str]) -> Optional[str]:
        """A file with the content of this hash, or None where the controller doesn't have it."""
        self._frames.write({"need": digest})
        header = self._frames.read()
        size = int(header["size"])
        if size < 0:
            return None
        handle, path = tempfile.mkstemp(prefix="provision-")
        made.append(path)
        found = hashlib.sha256()
        with os.fdopen(handle, "wb") as file:
            while size:
                chunk = self._frames.read_exactly(min(size, 256 * 1024))
                file.write(chunk)
                found.update(chunk)
                size -= len(chunk)
        if found.hexdigest() != digest:
            raise ModuleFailed("content arrived damaged: its hash is %s, not %s" % (found.hexdigest(), digest))
        return path


def _alarm(number: int, frame: Any) -> None:
    raise _TimedOut()
