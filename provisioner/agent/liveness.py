"""The agent lives as long as its channel: it says that it lives while it works, and ends, with all that it runs, when nobody listens."""

import os
import select
import signal
import threading
from typing import Any

from provisioner.agent import processes
from provisioner.agent.framing import Frames

ALIVE_S = 10.0
# A module that is cut off may put things back in order for so long.
GRACE_S = 3.0


class ChannelEnded(BaseException):
    """The controller is gone. No Exception, so that modules don't swallow it."""


def start(input_fd: int, frames: Frames, working: threading.Event) -> None:
    """Watch the channel and keep it warm, in the background."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _end)
    threading.Thread(target=_keep_alive, args=(frames, working), daemon=True).start()
    threading.Thread(target=_watch, args=(input_fd, working), daemon=True).start()


def stop() -> None:
    """The agent ends: signals that come now find nothing more to do."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    processes.kill_all()


def _end(number: int, frame: Any) -> None:
    raise ChannelEnded()


def _keep_alive(frames: Frames, working: threading.Event) -> None:
    """While a module works, say so now and then: the controller takes silence for a dead connection."""
    tick = threading.Event()
    while True:
        working.wait()
        tick.wait(ALIVE_S)
        if working.is_set():
            try:
                frames.write({"alive": True})
            except OSError:
                _finish()


def _watch(input_fd: int, working: threading.Event) -> None:
    """Whether the other side has hung up. While no module works, the main thread sees the end of its input by itself."""
    poll = select.poll()
    poll.register(input_fd, getattr(select, "POLLRDHUP", 0))
    while True:
        poll.poll()
        working.wait()
        _finish()


def _finish() -> None:
    """Cut off the module that runs; end hard if that takes too long."""
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(GRACE_S)
    processes.kill_all()
    os._exit(1)
