"""unarchive: an archive of the host (or of the controller, by hash, or of a server), unpacked; nothing is done when all lies there already."""

import codecs
import fnmatch
import os
import re
import tempfile
import zipfile
from typing import Any, Dict, List, Optional

from provisioner.agent import attributes, web, zip_tree
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS = dict(
    attributes.FILE_ARGUMENTS,
    src={"type": "path", "required": True},
    _blob={},
    dest={"type": "path", "required": True},
    remote_src={"type": "bool", "default": False},
    creates={"type": "path"},
    list_files={"type": "bool", "default": False},
    exclude={"type": "list", "elements": "str", "default": []},
    include={"type": "list", "elements": "str", "default": []},
    keep_newer={"type": "bool", "default": False},
    extra_opts={"type": "list", "elements": "str", "default": []},
    validate_certs={"type": "bool", "default": True},
    io_buffer_size={"type": "int", "default": 65536},
    copy={"type": "bool"},
    decrypt={"type": "bool"},
    _rules={"called": "ansible.legacy.unarchive", "mutually_exclusive": [["include", "exclude"]]},
)
_NO_HANDLER = 'Failed to find handler for "%s". Make sure the required command to extract the file is installed.\n%s'
_GZIP = b"\x1f\x8b"
# What `tar --diff` says, by the option that makes it irrelevant.
_OWNER = re.compile(r": Uid differs$")
_GROUP = re.compile(r": Gid differs$")
_MODE = re.compile(r": Mode differs$")
_TIME = re.compile(r": Mod time differs$")
_OTHER = re.compile(
    r": (Size|Contents|File type|Symlink|Device number) differs?$|: Not linked to |: Warning: Cannot (stat|open)|Invalid (owner|group)"
)
# With --strip-components some names become empty.
_EMPTY = re.compile(r": : Warning: Cannot stat: No such file or directory$")


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    src, dest = args["src"], args["dest"]
    fetched = None
    if args["_blob"]:
        path = context.blob(args["_blob"])
    elif args["remote_src"] and "://" in src:
        path = fetched = _download(args, context)
    else:
        path = src
    try:
        return _unpacked(args, path, fetched or src, dest, context)
    finally:
        if fetched:
            os.unlink(fetched)


def _unpacked(args: Dict[str, Any], path: str, shown: str, dest: str, context: Context) -> Dict[str, Any]:
    if not os.path.exists(path):
        raise ModuleFailed("Source '%s' does not exist" % shown)
    if not os.access(path, os.R_OK):
        raise ModuleFailed("Source '%s' not readable" % shown)
    if os.path.getsize(path) == 0:
        raise ModuleFailed("Invalid archive '%s', the file is 0 bytes" % shown)
    if not os.path.isdir(dest):
        raise ModuleFailed("Destination '%s' is not a directory" % dest)
    if os.path.isdir(path):
        raise ModuleFailed('Failed to find handler for "%s". It is a folder, and an archive is what can be unpacked.' % shown)
    archive: Any = _Zip(args, path, context) if zipfile.is_zipfile(path) else _Tar(args, path, context)
    if context.check and archive.name != "ZipArchive":
        msg = "remote module (ansible.legacy.unarchive) does not support check mode when using gtar"
        return {"changed": False, "skipped": True, "msg": msg}
    result: Dict[str, Any] = {"handler": archive.name, "dest": dest, "src": shown, "changed": archive.differs()}
    if archive.prepared:
        result["diff"] = {"prepared": archive.prepared}
    if result["changed"] and not context.check:
        result["extract_results"] = archive.extract()
        if result["extract_results"]["rc"] != 0:
            raise ModuleFailed("failed to unpack %s to %s" % (shown, dest), **dict(result, changed=False))
    if not context.check:
        result["changed"] = _attributes(args, archive.names, context) or result["changed"]
    result.update(attributes.describe(dest))
    if args["list_files"]:
        result["files"] = archive.names
    return result


def _download(args: Dict[str, Any], context: Context) -> str:
    answer = web.ask({"validate_certs": args["validate_certs"]}, context, url=args["src"])
    try:
        if answer.status not in (200, None):
            raise ModuleFailed("Failure downloading %s, %s" % (args["src"], answer.msg))
        handle, path = tempfile.mkstemp(prefix="provision-", suffix="-" + web.file_name(args["src"]))
        with os.fdopen(handle, "wb") as out:
            answer.save(out)
        return path
    finally:
        answer.close()


def _attributes(args: Dict[str, Any], names: List[str], context: Context) -> bool:
    """Owner, group and mode of all that the archive holds, and of the folders above."""
    tops = [name.split("/")[0] for name in names if "/" in name]
    changed = False
    for name in [*names, *dict.fromkeys(tops)]:
        path = os.path.join(args["dest"], name)
        try:
            changed = attributes.apply(path, args, context) or changed
        except OSError as error:
            raise ModuleFailed("Unexpected error when accessing exploded file: %s" % error)
    return changed


class _Tar:
    """An archive that tar unpacks; it finds the compression itself."""

    prepared = ""

    def __init__(self, args: Dict[str, Any], path: str, context: Context) -> None:
        self._args, self._path, self._context = args, path, context
        with open(path, "rb") as file:
            packed = file.read(2) == _GZIP
        self.name = "TgzArchive" if packed else "TarArchive"
        self._flags = ["-z"] if packed else []
        self._program = _gnu_tar(context)
        self.names = self._list()

    def _command(self, verb: str) -> List[str]:
        args = self._args
        command = [self._program, verb, "-C", args["dest"], *self._flags]
        if verb == "--list" or args["extra_opts"]:
            command.append("--show-transformed-names")
        if verb == "--extract":
            command += ["--owner=%s" % args["owner"]] if args["owner"] else []
            command += ["--group=%s" % args["group"]] if args["group"] else []
            command += ["--keep-newer-files"] if args["keep_newer"] else []
        command += args["extra_opts"]
        command += ["--exclude=%s" % pattern for pattern in args["exclude"]]
        return [*command, "-f", self._path, *args["include"]]

    def _list(self) -> List[str]:
        code, out, err = self._context.run(self._command("--list"))
        if code != 0:
            reason = 'Command "%s" could not handle archive: Unable to list files in the archive: %s' % (self._program, err)
            raise ModuleFailed(_NO_HANDLER % (self._args["src"], reason))
        names = []
        for line in out.splitlines():
            # tar quotes what is not printable.
            raw: Any = codecs.escape_decode(line.encode("utf-8", "surrogateescape"))[0]
            name = raw.decode("utf-8", "replace").lstrip("/")
            if name and not any(fnmatch.fnmatch(name, pattern) for pattern in self._args["exclude"]):
                names.append(name)
        if not names:
            reason = 'Command "%s" found no files in archive. Empty archive files are not supported.' % self._program
            raise ModuleFailed(_NO_HANDLER % (self._args["src"], reason))
        return names

    def differs(self) -> bool:
        args = self._args
        _, out, err = self._context.run(self._command("--diff"))
        counted = [_OTHER, _TIME] + ([] if args["mode"] else [_MODE])
        if os.geteuid() == 0:
            counted += ([] if args["owner"] else [_OWNER]) + ([] if args["group"] else [_GROUP])
        lines = [line for line in (out + err).splitlines() if not _EMPTY.search(line)]
        return any(pattern.search(line) for pattern in counted for line in lines)

    def extract(self) -> Dict[str, Any]:
        command = self._command("--extract")
        code, out, err = self._context.run(command)
        return {"cmd": command, "rc": code, "out": out, "err": err}


def _gnu_tar(context: Context) -> str:
    try:
        return context.which("gtar")
    except ModuleFailed:
        return context.which("tar")


class _Zip:
    """A zip archive: compared here, unpacked by unzip where there is one."""

    name = "ZipArchive"

    def __init__(self, args: Dict[str, Any], path: str, context: Context) -> None:
        self._args, self._path, self._context = args, path, context
        self.prepared = ""
        with zipfile.ZipFile(path) as archive:
            held = zip_tree.entries(archive)
        self.names = [name for name in held if self._chosen(name)]
        # unzip answers with an error when there is nothing of a name it was asked for.
        self._nothing_of = any(not fnmatch.filter(held, pattern) for pattern in args["include"])

    def _chosen(self, name: str) -> bool:
        include = self._args["include"]
        if include and not any(fnmatch.fnmatch(name, pattern) for pattern in include):
            return False
        return not any(fnmatch.fnmatch(name, pattern) for pattern in self._args["exclude"])

    def differs(self) -> bool:
        newer: List[str] = []
        with zipfile.ZipFile(self._path) as archive:
            held = zip_tree.entries(archive)
            lines = zip_tree.compared([held[name] for name in self.names], self._args, newer)
        if newer:
            self._args = dict(self._args, exclude=[*self._args["exclude"], *newer])
        self.prepared = "".join(line + "\n" for line in lines)
        return bool(lines) or self._nothing_of

    def extract(self) -> Dict[str, Any]:
        program: Optional[str] = None
        try:
            program = self._context.which("unzip")
        except ModuleFailed:
            if self._args["extra_opts"]:
                raise
        if program is None:
            with zipfile.ZipFile(self._path) as archive:
                held = zip_tree.entries(archive)
                zip_tree.extract(archive, [held[name] for name in self.names if self._chosen(name)], self._args["dest"])
            return {"cmd": [], "rc": 0, "out": "", "err": ""}
        command = [program, "-o", *self._args["extra_opts"], self._path, *self._args["include"]]
        command += ["-x", *self._args["exclude"]] if self._args["exclude"] else []
        command += ["-d", self._args["dest"]]
        code, out, err = self._context.run(command)
        return {"cmd": command, "rc": code, "out": out, "err": err}
