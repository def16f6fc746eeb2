"""archive: files and folders of the host packed into one file; it is written only when it would hold something else than it does."""

import bz2
import fnmatch
import glob
import gzip
import lzma
import os
import re
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from typing import Any, Dict, Iterator, List, Optional, Tuple

from provisioner.agent import attributes, contents
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS = dict(
    attributes.FILE_ARGUMENTS,
    path={"type": "list", "elements": "path", "required": True},
    dest={"type": "path"},
    exclude_path={"type": "list", "elements": "path", "default": []},
    exclusion_patterns={"type": "list", "elements": "path"},
    force_archive={"type": "bool", "default": False},
    format={"default": "gz", "choices": ["bz2", "gz", "tar", "xz", "zip"]},
    remove={"type": "bool", "default": False},
)
_PACKERS: Dict[str, Any] = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}
_ARCHIVE_NAME = re.compile(r"\.(tar|tar\.(gz|bz2|xz)|tgz|tbz2|zip)$", re.IGNORECASE)
CHUNK_BYTES = 1 << 20


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    work = _Work(args)
    result: Dict[str, Any] = {
        "archived": [],
        "dest": work.dest,
        "dest_state": "absent",
        "changed": False,
        "arcroot": work.root,
        "missing": work.missing,
        "expanded_paths": work.paths,
        "expanded_exclude_paths": work.excluded,
    }
    if not work.found:
        if os.path.exists(work.dest):
            result["dest_state"] = "archive" if _ARCHIVE_NAME.search(os.path.basename(work.dest)) else "compress"
    else:
        different = work.differs()
        result["changed"] = different
        if not context.check:
            if different:
                work.write()
            result["archived"] = work.archived() if work.whole else work.found
            packed = work.whole or args["format"] in ("tar", "zip")
            result["dest_state"] = "incomplete" if work.whole and work.missing else "archive" if packed else "compress"
            if args["remove"]:
                result["changed"] = True
                work.remove_sources()
    if os.path.exists(work.dest):
        result["changed"] = attributes.apply(work.dest, args, context) or result["changed"]
        result.update(attributes.describe(work.dest))
    return result


class _Work:
    """What is to be packed, and where. Raises ModuleFailed when that can't be."""

    def __init__(self, args: Dict[str, Any]) -> None:
        self._args = args
        given = [os.path.abspath(path) if not glob.has_magic(path) else path for path in args["path"]]
        self.paths, any_glob = _expanded(args["path"])
        self.excluded, _ = _expanded(args["exclude_path"])
        shown = {"path": ", ".join(args["path"])}
        targets = sorted(set(self.paths) - set(self.excluded))
        if not targets:
            told = {"expanded_paths": ", ".join(self.paths), "expanded_exclude_paths": ", ".join(self.excluded)}
            raise ModuleFailed("Error, no source paths were found", **dict(shown, **told))
        several = any_glob or len(self.paths) > 1 or any(os.path.isdir(path) for path in self.paths)
        self.whole = args["force_archive"] or several
        if not args["dest"] and several:
            raise ModuleFailed('Error, must specify "dest" when archiving multiple files or trees', dest="None", **shown)
        self.dest = args["dest"] or "%s.%s" % (given[0], args["format"])
        self.found = [path for path in targets if os.path.lexists(path)]
        self.missing = [path for path in targets if not os.path.lexists(path)]
        self.root = os.path.join(os.path.dirname(os.path.commonprefix([os.path.join(os.path.dirname(path), "") for path in targets])), "")
        if args["remove"] and any(_inside(self.dest, path) for path in self.paths if os.path.isdir(path)):
            raise ModuleFailed("Error, created archive can not be contained in source paths when remove=true", **shown)
        self.members = list(self._members())

    def archived(self) -> List[str]:
        """What is told to be in the archive: of a zip no folders (Ansible)."""
        told = [path for path, _ in self.members]
        return [path for path in told if not os.path.isdir(path)] if self._args["format"] == "zip" else told

    def _members(self) -> Iterator[Tuple[str, str]]:
        """(path, name in the archive), folders before what they hold."""
        for target in self.found:
            if not os.path.isdir(target) or os.path.islink(target):
                yield from self._one(target)
                continue
            for folder, folders, files in os.walk(target):
                for name in folders + files:
                    yield from self._one(os.path.join(folder, name))

    def _one(self, path: str) -> Iterator[Tuple[str, str]]:
        name = path[len(self.root) :] if path.startswith(self.root) else path.lstrip("/")
        same = os.path.exists(self.dest) and os.path.exists(path) and os.path.samefile(path, self.dest)
        patterns = self._args["exclusion_patterns"] or []
        if not same and not any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
            yield path, name

    def differs(self) -> bool:
        if not os.path.exists(self.dest):
            return True
        form = self._args["format"]
        try:
            if form == "zip":
                return _zip_entries(self.dest) != {_zip_name(path, name): _crc_of(path) for path, name in self.members}
            if self.whole or form == "tar":
                return _tar_entries(self.dest) != self._tar_wanted()
            with _PACKERS[form](self.dest, "rb") as packed:
                return bool(_crc(packed) != _crc_of(self.found[0]))
        except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error):
            if os.path.isdir(self.dest):
                raise ModuleFailed("Error, dest %s is a directory: it must be the name of a file" % self.dest)
            return True

    def _tar_wanted(self) -> Dict[str, Tuple[Any, ...]]:
        wanted = {}
        with tarfile.open(os.devnull, "w") as scratch:
            for path, name in self.members:
                info = scratch.gettarinfo(path, name)
                if info is not None:
                    wanted[info.name] = _facts(info, _crc_of(path) if info.isreg() else 0)
        return wanted

    def write(self) -> None:
        folder = os.path.dirname(self.dest) or "."
        if not os.path.isdir(folder):
            raise ModuleFailed("Error, the folder of dest %s does not exist" % self.dest)
        try:
            with tempfile.TemporaryDirectory(prefix=".provision-", dir=folder) as beside:
                packed = os.path.join(beside, "archive")
                self._pack(packed)
                contents.move_into_place(packed, self.dest)
        except OSError as error:
            raise ModuleFailed("Error when writing %s archive at %s: %s" % (self._args["format"], self.dest, error))

    def _pack(self, path: str) -> None:
        form = self._args["format"]
        if form == "zip":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as made:
                for source, name in self.members:
                    made.write(source, name)
            return
        with open(path, "wb") as raw, self._packer(raw) as out:
            if self.whole or form == "tar":
                with tarfile.open(fileobj=out, mode="w") as packed:
                    for source, name in self.members:
                        packed.add(source, name, recursive=False)
            else:
                with open(self.found[0], "rb") as source_file:
                    shutil.copyfileobj(source_file, out, CHUNK_BYTES)

    def _packer(self, raw: Any) -> Any:
        form = self._args["format"]
        if form == "tar":
            return raw
        # gzip writes the file's name down: not that of the temporary one.
        return gzip.GzipFile(os.path.basename(self.dest), "wb", fileobj=raw) if form == "gz" else _PACKERS[form](raw, "wb")

    def remove_sources(self) -> None:
        for path in self.found:
            try:
                if os.path.isdir(path) and not os.path.islink(path.rstrip("/")):
                    shutil.rmtree(path)
                elif os.path.lexists(path):
                    os.unlink(path)
            except OSError as error:
                raise ModuleFailed("Unable to remove source file: %s" % error, path=path)


def _expanded(paths: List[str]) -> Tuple[List[str], bool]:
    """(what they stand for, whether there was a pattern)"""
    found: List[str] = []
    patterns = False
    for path in paths:
        if glob.has_magic(path):
            patterns = True
            found += glob.glob(path)
        else:
            # With a slash at its end, a folder is the root of the archive.
            found.append(os.path.join(os.path.abspath(path), "") if path.endswith("/") else os.path.abspath(path))
    return found, patterns


def _inside(path: str, folder: str) -> bool:
    return os.path.realpath(path).startswith(os.path.join(os.path.realpath(folder), ""))


def _zip_name(path: str, name: str) -> str:
    return name + "/" if os.path.isdir(path) else name


def _zip_entries(path: str) -> Dict[str, int]:
    with zipfile.ZipFile(path) as archive:
        return {info.filename: info.CRC for info in archive.infolist()}


def _tar_entries(path: str) -> Dict[str, Tuple[Any, ...]]:
    entries = {}
    with tarfile.open(path) as archive:
        for info in archive:
            content: Optional[Any] = archive.extractfile(info) if info.isreg() else None
            entries[info.name] = _facts(info, _crc(content) if content is not None else 0)
    return entries


def _facts(info: tarfile.TarInfo, crc: int) -> Tuple[Any, ...]:
    return info.type, info.mode & 0o7777, info.uid, info.gid, int(info.mtime), info.size, info.linkname, crc


def _crc_of(path: str) -> int:
    if os.path.isdir(path):
        return 0
    with open(path, "rb") as file:
        return _crc(file)


def _crc(file: Any) -> int:
    value = 0
    for chunk in iter(lambda: file.read(CHUNK_BYTES), b""):
        value = zlib.crc32(chunk, value)
    return value
