"""Putting content into place: compared first, written beside and renamed, backed up when asked, shown as a diff."""

import hashlib
import io
import os
import shutil
import stat
import tempfile
import time
from typing import Any, BinaryIO, Dict, Optional

from provisioner.agent.context import Context, ModuleFailed

# A diff of more than this says only that the file is large.
DIFF_BYTES = 104448


def sha1_of(path: str) -> Optional[str]:
    """The hash that results show as checksum; None where there is no file."""
    if not os.path.isfile(path):
        return None
    found = hashlib.sha1()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            found.update(chunk)
    return found.hexdigest()


def backup(path: str) -> str:
    """A copy beside the file, named for process and time as Ansible names it."""
    name = "%s.%d.%s~" % (path, os.getpid(), time.strftime("%Y-%m-%d@%H:%M:%S"))
    shutil.copy2(path, name)
    status = os.stat(path)
    os.chown(name, status.st_uid, status.st_gid)
    return name


def move_into_place(source: str, dest: str) -> None:
    """Replace `dest` by a file that is ready, at once. It keeps the owner and mode that `dest` had, or gets those of a new file."""
    with open(source, "rb") as content:
        _replace(dest, content)


def write(dest: str, content: bytes) -> None:
    """Replace a file's content at once; its owner and mode stay as with `move_into_place`."""
    _replace(dest, io.BytesIO(content))


def _replace(dest: str, content: BinaryIO) -> None:
    if os.path.exists(dest):
        status = os.stat(dest)
        mode, owner, group = stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid
        dest = os.path.realpath(dest)
    else:
        mode, owner, group = 0o666 & ~_umask(), os.geteuid(), os.getegid()
    folder = os.path.dirname(dest) or "."
    fresh = ""
    try:
        handle, fresh = tempfile.mkstemp(dir=folder, prefix=".provision-")
        with os.fdopen(handle, "wb") as out:
            shutil.copyfileobj(content, out, 1 << 20)
            out.flush()
            os.fsync(out.fileno())
        if (owner, group) != (os.geteuid(), os.getegid()):
            os.chown(fresh, owner, group)
        os.chmod(fresh, mode)
        os.rename(fresh, dest)
    except OSError as error:
        if fresh:
            os.unlink(fresh)
        raise ModuleFailed("can't write %s: %s" % (dest, error.strerror), errno=error.errno)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def difference(before_path: str, after: bytes, context: Context, header: Optional[str] = None) -> Optional[Dict[str, Any]]:
    """The diff entry of a result, when diffs are wanted."""
    if not context.diff:
        return None
    name = header or before_path
    before = b""
    if os.path.isfile(before_path):
        if os.path.getsize(before_path) > DIFF_BYTES:
            return {"dst_larger": DIFF_BYTES, "after_header": name, "before_header": name}
        with open(before_path, "rb") as file:
            before = file.read()
    if len(after) > DIFF_BYTES:
        return {"src_larger": DIFF_BYTES, "after_header": name, "before_header": name}
    if b"\x00" in before or b"\x00" in after:
        return {"dst_binary": 1, "after_header": name, "before_header": name}
    return {
        "before": before.decode("utf-8", "replace"),
        "after": after.decode("utf-8", "replace"),
        "before_header": name,
        "after_header": name,
    }
