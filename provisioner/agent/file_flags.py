"""What a file system and the program file say of a file: its flags (chattr(1)), its version, its MIME type and charset."""

import array
import fcntl
import os
import stat
from typing import Any, Dict

from provisioner.agent.context import Context, ModuleFailed

# linux/fs.h: _IOR('f', 1, long) and _IOR('v', 1, long) where a long has eight bytes.
GET_FLAGS, GET_VERSION = 0x80086601, 0x80087601
# In the order of lsattr(1).
_FLAGS = (
    (0x1, "s", "zero"), (0x2, "u", "undelete"), (0x8, "S", "synchronous"), (0x10000, "D", "dirsync"), (0x10, "i", "immutable"),
    (0x20, "a", "append"), (0x40, "d", "nodump"), (0x80, "A", "noatime"), (0x4, "c", "compressed"), (0x800, "E", "encrypted"),
    (0x4000, "j", "journalled"), (0x1000, "I", "indexed"), (0x8000, "t", "notail"), (0x20000, "T", "blockroot"), (0x80000, "e", "extents"),
    (0x800000, "C", "nocow"), (0x10000000, "N", "inline"),
)  # fmt: skip


def flags(path: str, mode: int) -> Dict[str, Any]:
    """attr_flags, attributes and, where the file system has one, version. Links, devices and the like have none."""
    found: Dict[str, Any] = {"attr_flags": "", "attributes": []}
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return found
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return found
    try:
        bits = _ask(handle, GET_FLAGS)
        there = [(letter, name) for bit, letter, name in _FLAGS if bits & bit]
        found.update(attr_flags="".join(letter for letter, _ in there), attributes=[name for _, name in there])
        found["version"] = str(_ask(handle, GET_VERSION) & 0xFFFFFFFF)
    except OSError:
        pass
    finally:
        os.close(handle)
    return found


def _ask(handle: int, request: int) -> int:
    answer = array.array("l", [0])
    fcntl.ioctl(handle, request, answer, True)
    return answer[0]


# What needs no look inside, by the file type in its mode.
_WITHOUT_CONTENT = {
    stat.S_IFDIR: "inode/directory",
    stat.S_IFLNK: "inode/symlink",
    stat.S_IFCHR: "inode/chardevice",
    stat.S_IFBLK: "inode/blockdevice",
    stat.S_IFIFO: "inode/fifo",
    stat.S_IFSOCK: "inode/socket",
}


def mime(path: str, context: Context) -> Dict[str, str]:
    """mimetype and charset, as the program file has them; unknown where it is not installed. A link is not followed.

    Starting the program costs some milliseconds: it is only asked about what has content.
    """
    found = {"mimetype": "unknown", "charset": "unknown"}
    try:
        program = context.which("file")
    except ModuleFailed:
        return found
    if not os.path.exists(path):
        return found
    status = os.lstat(path)
    kind = _WITHOUT_CONTENT.get(stat.S_IFMT(status.st_mode), "inode/x-empty" if status.st_size == 0 else "")
    if kind:
        return {"mimetype": kind, "charset": "binary"}
    code, out, _ = context.run([program, "--mime-type", "--mime-encoding", "--brief", "--", path])
    kind, sign, charset = out.strip().partition("; charset=")
    return {"mimetype": kind.strip(), "charset": charset.strip()} if code == 0 and sign else found
