"""The git module's archive of a version: written anew only when its content differs."""

import hashlib
import os
import shutil
import tarfile
import tempfile
import zipfile
from typing import Any, Dict, Tuple

from provisioner.agent import contents
from provisioner.agent.context import Context, ModuleFailed
from provisioner.agent.git_commands import Git

KINDS = ["tar", "tar.gz", "zip", "tgz"]


def kind_of(path: str) -> str:
    for kind in sorted(KINDS, key=len, reverse=True):
        if path.endswith("." + kind):
            return kind
    raise ModuleFailed(
        "Unable to get file extension from archive file name : %s" % path,
        details="Please specify archive as filename with extension. File extension can be one of %s" % KINDS,
    )


def make(git: Git, args: Dict[str, Any], context: Context) -> bool:
    """Whether the archive changes, or would."""
    path, kind = args["archive"], kind_of(args["archive"])
    folder = tempfile.mkdtemp(prefix="provision-git-")
    try:
        fresh = os.path.join(folder, "archive." + kind)
        prefix = ["--prefix", args["archive_prefix"]] if args["archive_prefix"] else []
        git.run(["archive", "--format", kind, "--output", fresh, *prefix, args["version"]], msg="Failed to perform archive operation")
        if os.path.exists(path) and _content(path) == _content(fresh):
            return False
        if not context.check:
            os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
            contents.move_into_place(fresh, path)
        return True
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _content(path: str) -> Dict[str, Tuple[int, str]]:
    """By name: mode and hash. Times and compression say nothing about what is in it."""
    found: Dict[str, Tuple[int, str]] = {}
    try:
        if path.endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                for info in archive.infolist():
                    found[info.filename] = (info.external_attr >> 16, hashlib.sha256(archive.read(info)).hexdigest())
        else:
            with tarfile.open(path) as opened:
                for member in opened.getmembers():
                    file = opened.extractfile(member) if member.isreg() else None
                    text = file.read() if file is not None else member.linkname.encode()
                    found[member.name] = (member.mode, hashlib.sha256(text).hexdigest())
    except (OSError, tarfile.TarError, zipfile.BadZipFile):
        return {}
    return found
