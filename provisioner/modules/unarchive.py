"""unarchive: an archive that lies on the host, unpacked; nothing is done when every file is there as the archive has it."""

import fnmatch
import os
import pwd
import stat
import tarfile
import zipfile
from typing import Any, Dict, List

from provisioner.agent import attributes
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS = dict(
    attributes.FILE_ARGUMENTS,
    src={"type": "path", "required": True},
    dest={"type": "path", "required": True},
    remote_src={"type": "bool", "default": False},
    creates={"type": "path"},
    list_files={"type": "bool", "default": False},
    exclude={"type": "list", "default": []},
    include={"type": "list", "default": []},
    keep_newer={"type": "bool", "default": False},
    extra_opts={"type": "list", "default": []},
    validate_certs={"type": "bool", "default": True},
    io_buffer_size={"type": "int"},
    copy={"type": "bool"},
    decrypt={"type": "bool"},
)


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    src, dest = args["src"], args["dest"]
    if args["creates"] and os.path.exists(args["creates"]):
        return {"changed": False, "skipped": True, "msg": "skipped, since %s exists" % args["creates"]}
    if not os.path.isfile(src):
        raise ModuleFailed("Source '%s' does not exist" % src)
    if not os.path.isdir(dest):
        raise ModuleFailed("Destination '%s' is not a directory" % dest)
    is_zip = zipfile.is_zipfile(src)
    if not is_zip and not tarfile.is_tarfile(src):
        raise ModuleFailed('Failed to find handler for "%s". Make sure the required command to extract the file is installed.' % src)
    names = _zip_names(src, args) if is_zip else _tar_names(src, args)
    different = _zip_differs(src, dest, names) if is_zip else _tar_differs(src, dest, args)
    if different and not context.check:
        if is_zip:
            _unzip(src, dest, names)
        else:
            _untar(src, dest, args, context)
    changed = different
    for name in names:
        path = os.path.join(dest, name)
        if os.path.lexists(path):
            changed = attributes.apply(path, args, context) or changed
    result: Dict[str, Any] = {"changed": changed, "dest": dest, "src": src, "handler": "ZipArchive" if is_zip else "TgzArchive"}
    result.update(attributes.describe(dest))
    if args["list_files"]:
        result["files"] = names
    return result


def _chosen(name: str, args: Dict[str, Any]) -> bool:
    if args["include"] and not any(fnmatch.fnmatch(name, pattern) for pattern in args["include"]):
        return False
    return not any(fnmatch.fnmatch(name, pattern) for pattern in args["exclude"])


def _zip_names(src: str, args: Dict[str, Any]) -> List[str]:
    with zipfile.ZipFile(src) as archive:
        return [name for name in archive.namelist() if _chosen(name, args)]


def _zip_differs(src: str, dest: str, names: List[str]) -> bool:
    with zipfile.ZipFile(src) as archive:
        for name in names:
            info, path = archive.getinfo(name), os.path.join(dest, name)
            if name.endswith("/"):
                if not os.path.isdir(path):
                    return True
            elif not os.path.isfile(path) or os.path.getsize(path) != info.file_size or _crc(path) != info.CRC:
                return True
    return False


def _crc(path: str) -> int:
    import zlib

    value = 0
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            value = zlib.crc32(chunk, value)
    return value


def _unzip(src: str, dest: str, names: List[str]) -> None:
    with zipfile.ZipFile(src) as archive:
        for name in names:
            path = archive.extract(name, dest)
            mode = archive.getinfo(name).external_attr >> 16
            if mode and not name.endswith("/"):
                os.chmod(path, stat.S_IMODE(mode))


def _members(archive: tarfile.TarFile, args: Dict[str, Any]) -> List[tarfile.TarInfo]:
    strip = _strip(args)
    found = []
    for member in archive.getmembers():
        name = "/".join(member.name.strip("/").split("/")[strip:]).lstrip("./") if strip else member.name
        if name and _chosen(member.name, args):
            member.path = name
            found.append(member)
    return found


def _strip(args: Dict[str, Any]) -> int:
    for option in args["extra_opts"]:
        if option.startswith("--strip-components="):
            return int(option.partition("=")[2])
    return 0


def _tar_names(src: str, args: Dict[str, Any]) -> List[str]:
    with tarfile.open(src) as archive:
        return [member.path for member in _members(archive, args)]


def _tar_differs(src: str, dest: str, args: Dict[str, Any]) -> bool:
    with tarfile.open(src) as archive:
        for member in _members(archive, args):
            path = os.path.join(dest, member.path)
            if not os.path.lexists(path):
                return True
            found = os.lstat(path)
            if member.isfile():
                newer = args["keep_newer"] and found.st_mtime > member.mtime
                if not stat.S_ISREG(found.st_mode) or (
                    not newer and (found.st_size != member.size or int(found.st_mtime) != int(member.mtime))
                ):
                    return True
                if args["mode"] is None and stat.S_IMODE(found.st_mode) != member.mode & 0o7777:
                    return True
            elif member.issym() and (not stat.S_ISLNK(found.st_mode) or os.readlink(path) != member.linkname):
                return True
            elif member.isdir() and not stat.S_ISDIR(found.st_mode):
                return True
            if os.geteuid() == 0 and args["owner"] is None and found.st_uid != _id(member.uname, member.uid):
                return True
    return False


def _id(name: str, number: int) -> int:
    try:
        return pwd.getpwnam(name).pw_uid if name else number
    except KeyError:
        return number


def _untar(src: str, dest: str, args: Dict[str, Any], context: Context) -> None:
    command = [context.which("tar"), "--extract", "-C", dest, "-f", src]
    command += ["--owner=%s" % args["owner"]] if args["owner"] else []
    command += ["--group=%s" % args["group"]] if args["group"] else []
    command += ["--keep-newer-files"] if args["keep_newer"] else []
    command += list(args["extra_opts"])
    command += ["--exclude=%s" % pattern for pattern in args["exclude"]] + list(args["include"])
    code, out, err = context.run(command)
    if code != 0:
        raise ModuleFailed("failed to unpack %s to %s" % (src, dest), out=out, err=err, rc=code)
