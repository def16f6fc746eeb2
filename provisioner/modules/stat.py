"""stat: facts about a file, with its checksum."""

import os
import stat as modes
from typing import Any, Dict

from provisioner.agent import attributes, contents, file_flags
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS = {
    "path": {"type": "path", "required": True, "aliases": ["dest", "name"]},
    "follow": {"type": "bool", "default": False},
    "get_checksum": {"type": "bool", "default": True},
    "get_mime": {"type": "bool", "default": True, "aliases": ["mime", "mime_type", "mime-type"]},
    "get_attributes": {"type": "bool", "default": True, "aliases": ["attr", "attributes"]},
    "checksum_algorithm": {
        "default": "sha1",
        "choices": ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"],
        "aliases": ["checksum", "checksum_algo"],
    },
}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    path = args["path"]
    try:
        found = os.stat(path) if args["follow"] else os.lstat(path)
    except FileNotFoundError:
        return {"changed": False, "stat": {"exists": False}}
    except OSError as error:
        raise ModuleFailed(error.strerror or str(error))
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
        result["checksum"] = contents.hash_of(path, args["checksum_algorithm"])
    if args["get_mime"]:
        result.update(file_flags.mime(path, context))
    if args["get_attributes"]:
        result.update(file_flags.flags(path, os.lstat(path).st_mode))
    return {"changed": False, "stat": result}
