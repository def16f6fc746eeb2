"""Putting content into place: compared first, written beside and renamed, backed up when asked, shown as a diff."""

import errno
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
# What replacing a file may end with where writing into it is possible.
_IRREPLACEABLE = (errno.EPERM, errno.EXDEV, errno.EACCES, errno.ETXTBSY, errno.EBUSY)


def sha1_of(path: str) -> Optional[str]:
    """The hash that results show as checksum; None where there is no file."""
    return hash_of(path, "sha1")


def md5_of(path: str) -> Optional[str]:
    """For results; None where there is no file, or the host's rules forbid MD5."""
    try:
        return hash_of(path, "md5")
    except ValueError:
        return None


def hash_of(path: str, algorithm: str) -> Optional[str]:
    """By any of hashlib's names; None where there is no file."""
    if not os.path.isfile(path):
        return None
    found = hashlib.new(algorithm)
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            found.update(chunk)
    return str(found.hexdigest())


def new_copy(source: str, dest: str) -> None:
    """Content, mode and times of a file in a new one, of which no part stays where that fails. Raises OSError."""
    try:
        shutil.copy2(source, dest)
    except OSError:
        if os.path.lexists(dest):
            os.unlink(dest)
        raise


def backup(path: str) -> str:
    """A copy beside the file, named for process and time as Ansible names it. Raises ModuleFailed."""
    name = "%s.%d.%s~" % (path, os.getpid(), time.strftime("%Y-%m-%d@%H:%M:%S"))
    try:
        new_copy(path, name)
    except OSError as error:
        raise ModuleFailed("Could not make backup of %s to %s: %s" % (path, name, error.strerror), errno=error.errno)
    status = os.stat(path)
    os.chown(name, status.st_uid, status.st_gid)
    return name


def move_into_place(source: str, dest: str, unsafe: bool = False, through_links: bool = True) -> None:
    """Replace `dest` by the content of `source`, at once. It keeps the owner and mode that `dest` had, or gets those of a new file.

    `unsafe`: where a file can't be replaced, as one that a container has mounted, its content is overwritten instead. A link's
    target is replaced, or the link itself without `through_links`.
    """
    with open(source, "rb") as content:
        _replace(dest, content, unsafe, through_links)


def write(dest: str, content: bytes, unsafe: bool = False, new_mode: Optional[int] = None) -> None:
    """Replace a file's content at once; its owner and mode stay as with `move_into_place`. `new_mode` is that of a new file."""
    _replace(dest, io.BytesIO(content), unsafe, new_mode=new_mode)


def _replace(dest: str, content: BinaryIO, unsafe: bool, through_links: bool = True, new_mode: Optional[int] = None) -> None:
    try:
        _rename_over(dest, content, through_links, new_mode)
    except OSError as error:
        if not unsafe or error.errno not in _IRREPLACEABLE or not os.path.exists(dest):
            raise ModuleFailed(_refused(dest, error), errno=error.errno)
        content.seek(0)
        try:
            with open(dest, "wb") as out:
                shutil.copyfileobj(content, out, 1 << 20)
        except OSError as second:
            raise ModuleFailed("can't write %s: %s" % (dest, second.strerror), errno=second.errno)


def _refused(dest: str, error: OSError) -> str:
    folder = os.path.dirname(dest) or "."
    if error.errno in (errno.EACCES, errno.EPERM) and not os.access(folder, os.W_OK):
        return "The destination directory '%s' is not writable by the current user: %s" % (folder, error)
    return "can't write %s: %s" % (dest, error.strerror)


def _rename_over(dest: str, content: BinaryIO, through_links: bool, new_mode: Optional[int]) -> None:
    if os.path.exists(dest):
        status = os.stat(dest)
        mode, owner, group = stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid
        dest = os.path.realpath(dest) if through_links else dest
    else:
        mode, owner, group = 0o666 & ~_umask() if new_mode is None else new_mode, os.geteuid(), os.getegid()
    fresh = ""
    try:
        handle, fresh = tempfile.mkstemp(dir=os.path.dirname(dest) or ".", prefix=".provision-")
        with os.fdopen(handle, "wb") as out:
            shutil.copyfileobj(content, out, 1 << 20)
            out.flush()
            os.fsync(out.fileno())
        if (owner, group) != (os.geteuid(), os.getegid()):
            os.chown(fresh, owner, group)
        os.chmod(fresh, mode)
        os.rename(fresh, dest)
    except BaseException:
        if fresh:
            os.unlink(fresh)
        raise


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


def sent_difference(dest: str, path: str, source: Optional[str]) -> Dict[str, Any]:
    """How the content of `path`, which the controller calls `source` (None: given as text), differs from what is at `dest` now."""
    diff: Dict[str, Any] = {}
    before = _head(dest)
    if before is None:
        diff["before"] = ""
    elif b"\x00" in before[:8192]:
        diff["dst_binary"] = 1
    elif len(before) > DIFF_BYTES:
        diff["dst_larger"] = DIFF_BYTES
    else:
        diff.update(before_header=dest, before=before.decode("utf-8", "replace"))
    after = _head(path) or b""
    if len(after) > DIFF_BYTES:
        diff["src_larger"] = DIFF_BYTES
    elif b"\x00" in after:
        diff["src_binary"] = 1
    else:
        diff.update(after_header=source or dest, after=after.decode("utf-8", "replace"))
    return diff


def _head(path: str) -> Optional[bytes]:
    if not os.path.isfile(path):
        return None
    with open(path, "rb") as file:
        return file.read(DIFF_BYTES + 1)
