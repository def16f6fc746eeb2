"""The agent's loop: takes batches of calls, runs each module, answers; fetches content by hash when a module asks for it."""

import hashlib
import importlib
import os
import signal
import sys
import tempfile
import threading
from typing import Any, BinaryIO, Dict, List, Optional

from provisioner.agent import liveness
from provisioner.agent.calling import outcome
from provisioner.agent.context import Context, ModuleFailed
from provisioner.agent.framing import EndOfInput, Frames


class _TimedOut(BaseException):
    """A module took longer than its call allows. No Exception, so that a module's own handlers don't swallow it."""


def serve(reader: BinaryIO, writer: BinaryIO) -> None:
    """Answer until the controller is gone. What modules print goes to standard error; commands that they run
    get an empty standard input."""
    kept = os.fdopen(os.dup(writer.fileno()), "wb")
    frames = Frames(reader, kept)
    if os.isatty(2):
        # On a terminal, errors would get between the frames.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.close(null)
    os.dup2(2, 1)
    os.umask(0o022)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    agent = Agent(frames)
    liveness.start(reader.fileno(), frames, agent.working)
    try:
        while True:
            agent.answer(frames.read())
    except (EndOfInput, KeyboardInterrupt, OSError, liveness.ChannelEnded):
        pass
    finally:
        liveness.stop()


class Agent:
    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self.working = threading.Event()

    def answer(self, request: Dict[str, Any]) -> None:
        self.working.set()
        try:
            for call in request["calls"]:
                result = self._run(call)
                self._frames.write({"id": request["id"], "result": result})
                # As the controller sees it: an exit code is a failure where nothing else is said.
                if result.get("failed", result.get("rc", 0) not in (0, "0", None) and not result.get("skipped")):
                    break
        finally:
            self.working.clear()
        self._frames.write({"id": request["id"], "done": True})

    def _run(self, call: Dict[str, Any]) -> Dict[str, Any]:
        """One module, with everything that it may have changed in this process put back after it."""
        saved = dict(os.environ)
        mask = os.umask(0o022)
        os.umask(mask)
        folder = _here()
        made: List[Any] = []
        try:
            os.environ.update({key: str(value) for key, value in (call.get("environment") or {}).items()})
            return self._module(call, made)
        except _TimedOut:
            period = float(call["timeout_s"])
            return {
                "failed": True,
                "changed": False,
                "msg": "Task failed: Timed out after %g second(s)." % period,
                "timedout": {"frame": "in the module %s" % call["module"], "period": int(period) if period.is_integer() else period},
            }
        finally:
            os.environ.clear()
            os.environ.update(saved)
            os.umask(mask)
            _go(folder)
            for blob in made:
                blob.close()

    def _module(self, call: Dict[str, Any], made: List[Any]) -> Dict[str, Any]:
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
        context.tells_arguments = bool(call.get("invocation"))
        old = signal.signal(signal.SIGALRM, _alarm)
        try:
            if call.get("timeout_s"):
                signal.setitimer(signal.ITIMER_REAL, float(call["timeout_s"]))
            return outcome(module, name, call.get("args") or {}, context)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, old)

    def _blob(self, digest: str, made: List[Any]) -> Optional[str]:
        """A path with the content of this hash, or None where the controller doesn't have it.

        The file has no name of its own where /proc can give it one, so that nothing stays behind, whatever happens.
        """
        # Half a transfer would leave its rest where an answer is expected: a time limit waits until it is through.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
        try:
            self._frames.write({"need": digest})
            size = int(self._frames.read()["size"])
            if size < 0:
                return None
            file: Any = (
                tempfile.TemporaryFile(prefix="provision-") if _proc_names_files() else tempfile.NamedTemporaryFile(prefix="provision-")
            )
            made.append(file)
            found, trouble = hashlib.sha256(), None  # type: Any, Optional[OSError]
            while size:
                chunk = self._frames.read_exactly(min(size, 256 * 1024))
                found.update(chunk)
                size -= len(chunk)
                try:
                    if trouble is None:
                        file.write(chunk)
                except OSError as error:
                    trouble = error
            if trouble is not None:
                raise trouble
            file.flush()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
        if found.hexdigest() != digest:
            raise ModuleFailed("content arrived damaged: its hash is %s, not %s" % (found.hexdigest(), digest))
        return "/proc/%d/fd/%d" % (os.getpid(), file.fileno()) if _proc_names_files() else str(file.name)


def _proc_names_files() -> bool:
    return sys.platform.startswith("linux") and os.path.isdir("/proc/self/fd")


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:
        return "/"


def _go(folder: str) -> None:
    """Back to where we were: modules may have gone elsewhere, or removed the folder."""
    try:
        os.chdir(folder)
    except OSError:
        os.chdir("/")


def _alarm(number: int, frame: Any) -> None:
    raise _TimedOut()
