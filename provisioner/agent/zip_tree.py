"""What a zip archive holds against what lies in a folder, as unarchive compares and shows it; and unpacking without unzip."""

import os
import stat
import struct
import time
import zipfile
import zlib
from typing import Any, Dict, Iterable, List

from provisioner.agent import attributes

# The extra field with times in seconds since 1970 (PKWARE's APPNOTE calls it "extended timestamp").
_TIMES = 0x5455
# Bit 11 of the general purpose flags: the name is in UTF-8.
_UTF8 = 0x800
# The system an entry was made on (APPNOTE 4.4.2).
_UNIX = 3


def entries(archive: zipfile.ZipFile) -> Dict[str, zipfile.ZipInfo]:
    """What is in the archive by its name on a Unix host: zip writes the bytes of the name there, and says of no encoding."""
    for info in archive.infolist():
        if info.create_system == _UNIX and not info.flag_bits & _UTF8:
            info.filename = os.fsdecode(info.filename.encode("cp437", "replace"))
    return {info.filename: info for info in archive.infolist()}


def compared(listed: Iterable[zipfile.ZipInfo], args: Dict[str, Any], newer: List[str]) -> List[str]:
    """A line like rsync's for each name that is not in the folder as it is in the archive.

    With `keep_newer`, names of files that are newer in the folder go to `newer`.
    """
    lines = []
    mask = os.umask(0)
    os.umask(mask)
    for info in listed:
        name = info.filename
        wanted = info.external_attr >> 16
        path = os.path.join(args["dest"], name.rstrip("/"))
        if not os.path.lexists(path):
            lines.append(">%s++++++.?? %s" % (_letter(name, wanted), name))
            continue
        found = os.lstat(path)
        marks = list(".%s.......??" % _letter(name, wanted))
        if stat.S_ISREG(found.st_mode) and not name.endswith("/"):
            if args["keep_newer"] and found.st_mtime > _time(info):
                newer.append(name)
                continue
            _content(info, path, found, marks)
        _rights(args, wanted, found, mask, marks)
        if set(marks[2:9]) != {"."}:
            lines.append("%s %s" % ("".join(marks), name))
    return lines


def _letter(name: str, mode: int) -> str:
    return "d" if name.endswith("/") else "L" if stat.S_ISLNK(mode) else "f"


def _content(info: zipfile.ZipInfo, path: str, found: os.stat_result, marks: List[str]) -> None:
    if int(found.st_mtime) != _time(info):
        marks[4] = "t"
    if found.st_size != info.file_size:
        marks[3] = "s"
    if _crc(path) != info.CRC:
        marks[2] = "c"


def _rights(args: Dict[str, Any], wanted: int, found: os.stat_result, mask: int, marks: List[str]) -> None:
    if not stat.S_ISLNK(found.st_mode):
        current = stat.S_IMODE(found.st_mode)
        if args["mode"] is not None:
            mode = attributes.mode_of(args["mode"], current, stat.S_ISDIR(found.st_mode))
        else:
            # Archives of other systems have no modes.
            mode = stat.S_IMODE(wanted) & ~mask if wanted else current
        if mode != current:
            marks[5] = "p"
    if args["owner"] is not None and attributes.uid_of(args["owner"]) != found.st_uid:
        marks[6] = "o"
    if args["group"] is not None and attributes.gid_of(args["group"]) != found.st_gid:
        marks[6] = "g"


def _time(info: zipfile.ZipInfo) -> int:
    """When a file was changed; where only local time of two seconds' grain is kept, that."""
    extra = info.extra
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        if kind == _TIMES and size >= 5 and extra[4] & 1:
            return int(struct.unpack("<i", extra[5:9])[0])
        extra = extra[4 + size :]
    return int(time.mktime((*info.date_time, 0, 0, -1)))


def _crc(path: str) -> int:
    value = 0
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            value = zlib.crc32(chunk, value)
    return value


def extract(archive: zipfile.ZipFile, chosen: Iterable[zipfile.ZipInfo], dest: str) -> None:
    """Unpacks with modes, times and links; never outside the folder."""
    for info in chosen:
        mode = info.external_attr >> 16
        if stat.S_ISLNK(mode):
            path = os.path.join(dest, info.filename)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if os.path.lexists(path):
                os.unlink(path)
            os.symlink(archive.read(info), os.fsencode(path))
            continue
        path = archive.extract(info, dest)
        if mode:
            os.chmod(path, stat.S_IMODE(mode))
        os.utime(path, (_time(info), _time(info)))
