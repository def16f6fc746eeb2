"""stat: facts about a file, with its checksum."""

import hashlib
import os
import stat as modes
from typing import Any, Dict

from provisioner.agent import attributes, file_flags
from provisioner.agent.context import Context

ARGUMENTS = {
    "path": {"type": "path", "required": True, "aliases": ["dest", "name"]},
    "follow": {"type": "bool", "default": False},
    "get_md5": {"type": "bool", "default": False},
    "get_checksum": {"type": "bool", "default": True},
    "get_mime": {"type": "bool", "default": True, "aliases": ["mime", "mime_type", "mime-type"]},
    "get_attributes": {"type": "bool", "default": True, "aliases": ["attr", "attributes"]},
    "get_selinux_context": {"type": "bool", "default": False},
    "checksum_algorithm": {
        "default": "sha1",
        "choices": ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"],
        "aliases": ["checksum", "checksum_algo"],
    },
}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    path = args["path"]
    if not (os.path.exists(path) if args["follow"] else os.path.lexists(path)):
        return {"changed": False, "stat": {"exists": False}}
    found = os.stat(path) if args["follow"] else os.lstat(path)
    mode = found.st_mode
    result: Dict[str, Any] = {
        "exists": True,
        "path": path,
        "mode": "%04o" % modes.S_IMODE(mode),
        "isdir": modes.S_ISDIR(mode),
        "ischr": modes.S_ISCHR(mode),
        "isblk": modes.S_ISBLK(mode),
        "isreg": modes.S_ISREG(mode),
        "isfifo": modes.S_ISFIFO(mode),
        "islnk": modes.S_ISLNK(mode),
        "issock": modes.S_ISSOCK(mode),
        "uid": found.st_uid,
        "gid": found.st_gid,
        "size": found.st_size,
        "inode": found.st_ino,
        "dev": found.st_dev,
        "nlink": found.st_nlink,
        "atime": found.st_atime,
        "mtime": found.st_mtime,
        "ctime": found.st_ctime,
        "block_size": found.st_blksize,
        "blocks": found.st_blocks,
        "device_type": found.st_rdev,
        "isuid": bool(mode & modes.S_ISUID),
        "isgid": bool(mode & modes.S_ISGID),
        "pw_name": attributes.name_of_uid(found.st_uid),
        "gr_name": attributes.name_of_gid(found.st_gid),
        "readable": os.access(path, os.R_OK),
        "writeable": os.access(path, os.W_OK),
        "executable": os.access(path, os.X_OK),
    }
    for who, letter in (("USR", "u"), ("GRP", "g"), ("OTH", "o")):
        for right in "rwx":
            bit = getattr(modes, "S_I%s%s" % (right.upper(), who))
            result[{"u": right + "usr", "g": right + "grp", "o": right + "oth"}[letter]] = bool(mode & bit)
    if modes.S_ISLNK(mode):
        result["lnk_target"] = os.readlink(path)
        result["lnk_source"] = os.path.realpath(path)
    if modes.S_ISREG(mode) and args["get_checksum"] and os.access(path, os.R_OK):
        digest = hashlib.new(args["checksum_algorithm"])
        with open(path, "rb") as file:
            for chunk in iter(lambda: file.read(1 << 20), b""):
                digest.update(chunk)
        result["checksum"] = digest.hexdigest()
    if args["get_mime"]:
        result.update(file_flags.mime(path, args["follow"], context))
    if args["get_attributes"]:
        result.update(file_flags.flags(os.path.realpath(path) if args["follow"] else path, mode))
    return {"changed": False, "stat": result}
