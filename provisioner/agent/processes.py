"""Commands that modules start: their output is bounded, and nothing of them outlives a module that is cut off."""

import os
import selectors
import signal
import subprocess
from typing import Any, Dict, List, Optional, Sequence, Set, Tuple

# More than any sane result; the agent and the controller each hold it a few times.
MAX_OUTPUT_BYTES = 16 * 1024 * 1024
CUT = b"\n... %d bytes left out ...\n"
# A background child may hold the pipes of a command that has ended: once it has, this much silence ends the reading.
LINGER_S = 0.2

_RUNNING: Set[int] = set()


class Output:
    """What came from one stream: the first half of the limit, and the last."""

    def __init__(self, limit: int) -> None:
        self._half = limit // 2
        self._head, self._tail = bytearray(), bytearray()
        self._dropped = 0

    def add(self, data: bytes) -> None:
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        # Cutting at twice the size keeps this linear.
        if len(self._tail) > 2 * self._half:
            self._dropped += len(self._tail) - self._half
            del self._tail[: -self._half]

    def text(self) -> str:
        if not self._dropped:
            whole = bytes(self._head + self._tail)
        else:
            whole = bytes(self._head) + CUT % self._dropped + bytes(self._tail)
        return whole.decode("utf-8", "replace")


def run(
    argv: Sequence[str],
    cwd: Optional[str] = None,
    env: Optional[Dict[str, str]] = None,
    data: Optional[bytes] = None,
    limit: int = MAX_OUTPUT_BYTES,
) -> Tuple[int, str, str]:
    """(exit code, output, errors) of a command in a session of its own. Raises OSError when it can't be started.

    A command that a signal ended has the negative number of the signal. Whatever interrupts the waiting kills the command with all that it
    has started in its session's first group.
    """
    process = subprocess.Popen(
        list(argv),
        cwd=cwd,
        env=env,
        stdin=subprocess.PIPE if data is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        bufsize=0,
    )
    _RUNNING.add(process.pid)
    try:
        outputs = _exchange(process, data, limit)
        return process.wait(), outputs[0].text(), outputs[1].text()
    except BaseException:
        kill_group(process.pid)
        process.wait()
        raise
    finally:
        _RUNNING.discard(process.pid)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def _exchange(process: "subprocess.Popen[bytes]", data: Optional[bytes], limit: int) -> List[Output]:
    outputs = [Output(limit), Output(limit)]
    left = memoryview(data or b"")
    with selectors.DefaultSelector() as selector:
        for number, stream in enumerate((process.stdout, process.stderr)):
            selector.register(_of(stream), selectors.EVENT_READ, outputs[number])
        if process.stdin is not None:
            if left:
                os.set_blocking(process.stdin.fileno(), False)
                selector.register(process.stdin, selectors.EVENT_WRITE, None)
            else:
                process.stdin.close()
        while selector.get_map():
            # Asked before waiting: what ends after a silent wait may just have said all that it had to say.
            ended = process.poll() is not None
            events = selector.select(LINGER_S)
            if not events and ended:
                break
            for key, _ in events:
                if key.data is None:
                    left = _feed(selector, key.fileobj, left)
                else:
                    chunk = os.read(key.fd, 256 * 1024)
                    if chunk:
                        key.data.add(chunk)
                    else:
                        selector.unregister(key.fileobj)
    return outputs


def _of(stream: Any) -> Any:
    assert stream is not None
    return stream


def _feed(selector: selectors.BaseSelector, stream: Any, left: memoryview) -> memoryview:
    """Write what the command takes now; close its input at the end, or when it wants no more."""
    try:
        left = left[os.write(stream.fileno(), left[:65536]) :]
    except BlockingIOError:
        return left
    except OSError:
        left = left[:0]
    if not left:
        selector.unregister(stream)
        stream.close()
    return left


def kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        return  # it has gone already


def kill_all() -> None:
    """End every command that runs now."""
    for pid in list(_RUNNING):
        kill_group(pid)
