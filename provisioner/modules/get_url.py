"""get_url: a file from a server into place, when it isn't there already as the server, or a checksum, has it."""

import hashlib
import os
import re
import tempfile
import time
from typing import Any, Dict, Optional, Tuple

from provisioner.agent import attributes, contents, web
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS = dict(
    attributes.FILE_ARGUMENTS,
    **dict(
        web.URL_ARGUMENTS,
        url={"required": True},
        url_username={"aliases": ["username"]},
        url_password={"aliases": ["password"], "no_log": True},
        dest={"type": "path", "required": True},
        backup={"type": "bool", "default": False},
        checksum={"default": ""},
        timeout={"type": "int", "default": 10},
        headers={"type": "dict"},
        tmp_dest={"type": "path"},
    ),
)


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    dest, force, since = args["dest"], args["force"], None
    result: Dict[str, Any] = {"changed": False, "checksum_dest": None, "checksum_src": None, "dest": dest, "elapsed": 0, "url": args["url"]}
    is_folder = os.path.isdir(dest)
    algorithm, checksum = _checksum(args, context, result)
    if not is_folder and os.path.exists(dest):
        if not force and checksum:
            if hash_of(dest, algorithm) == checksum:
                changed = attributes.apply(dest, args, context)
                msg = "file already exists but file attributes changed" if changed else "file already exists"
                return dict(result, changed=changed, msg=msg, **attributes.describe(dest))
            # The server may well have an older file than the wrong one here.
            force = True
        since = os.path.getmtime(dest)
    answer, path = _download(dict(args, force=force), context, result, since)
    if path is None:
        told = {"changed": False, "url": args["url"], "dest": dest, "msg": answer.msg, "status_code": answer.status}
        return dict(told, elapsed=result["elapsed"], **attributes.describe(dest))
    if is_folder:
        dest = os.path.join(dest, web.name_from_headers(answer.headers) or web.file_name(answer.url))
    result.update(dest=dest, src=path, checksum_src=contents.sha1_of(path))
    try:
        _check_place(dest, result)
        if context.check:
            changed = result["checksum_src"] != result["checksum_dest"]
            return dict(result, changed=changed, msg=answer.msg, **attributes.describe(dest))
        if checksum and hash_of(path, algorithm) != checksum:
            told_of = (dest, checksum, hash_of(path, algorithm))
            raise ModuleFailed("The checksum for %s did not match %s; it was %s." % told_of, **result)
        changed = _place(path, dest, args, result)
    finally:
        os.unlink(path)
    changed = attributes.apply(dest, args, context) or changed
    result.update(attributes.describe(dest), changed=changed, msg=answer.msg, status_code=answer.status, md5sum=hash_of(dest, "md5"))
    return result


def _place(path: str, dest: str, args: Dict[str, Any], result: Dict[str, Any]) -> bool:
    if result["checksum_src"] == result["checksum_dest"]:
        return False
    if args["backup"] and os.path.exists(dest):
        result["backup_file"] = contents.backup(dest)
    contents.move_into_place(path, dest, through_links=False)
    return True


def _check_place(dest: str, result: Dict[str, Any]) -> None:
    """Notes what is there; refuses what can't be replaced."""
    if os.path.exists(dest):
        if not os.access(dest, os.W_OK):
            raise ModuleFailed("Destination %s is not writable" % dest, **result)
        if not os.access(dest, os.R_OK):
            raise ModuleFailed("Destination %s is not readable" % dest, **result)
        result["checksum_dest"] = contents.sha1_of(dest)
        return
    folder = os.path.dirname(dest) or "."
    if not os.path.exists(folder):
        raise ModuleFailed("Destination %s does not exist" % folder, **result)
    if not os.access(folder, os.W_OK):
        raise ModuleFailed("Destination %s is not writable" % folder, **result)


def _download(
    args: Dict[str, Any], context: Context, result: Dict[str, Any], since: Optional[float], url: Optional[str] = None, method: str = ""
) -> Tuple[web.Answer, Optional[str]]:
    """(answer, temporary file); no file where the server says that ours is as new as its own. Check mode asks for headers alone."""
    folder = args["tmp_dest"] or None
    if folder and not os.path.isdir(folder):
        is_file = os.path.exists(folder)
        raise ModuleFailed("%s is a file but should be a directory." % folder if is_file else "%s directory does not exist." % folder)
    started = time.monotonic()
    method = method or ("HEAD" if context.check else "GET")
    answer = web.ask(args, context, url=url, method=method, headers=args["headers"], modified_since=since)
    result["elapsed"] = int(time.monotonic() - started)
    try:
        return answer, _saved(answer, url or args["url"], args, result)
    finally:
        answer.close()


def _saved(answer: web.Answer, asked: str, args: Dict[str, Any], result: Dict[str, Any]) -> Optional[str]:
    told = {"url": asked, "dest": args["dest"], "elapsed": result["elapsed"]}
    if answer.status == 304:
        return None
    if answer.status == -1:
        raise ModuleFailed(answer.msg, **told)
    if answer.status != 200 and not asked.startswith(("file:/", "ftp:/")):
        raise ModuleFailed("Request failed", status_code=answer.status, response=answer.msg, **told)
    handle, path = tempfile.mkstemp(prefix="provision-get-", dir=args["tmp_dest"] or None)
    try:
        with os.fdopen(handle, "wb") as out:
            answer.save(out)
    except BaseException:
        os.unlink(path)
        raise
    return path


def _checksum(args: Dict[str, Any], context: Context, result: Dict[str, Any]) -> Tuple[str, str]:
    """(algorithm, digest) that the file must have; the digest may stand in a file of the server's. ("", "") for any."""
    if not args["checksum"]:
        return "", ""
    algorithm, colon, wanted = args["checksum"].partition(":")
    if not colon:
        raise ModuleFailed("The checksum parameter has to be in format <algorithm>:<checksum>", **result)
    if wanted.startswith(("http://", "https://", "ftp://", "file://")):
        wanted = _listed(args, context, wanted)
    wanted = re.sub(r"\W+", "", wanted).lower()
    try:
        int(wanted, 16)
    except ValueError:
        raise ModuleFailed("The checksum format is invalid", **result)
    if algorithm not in hashlib.algorithms_available:
        known = ", ".join(sorted(hashlib.algorithms_guaranteed))
        raise ModuleFailed("Could not hash file '%s' with algorithm '%s'. Available algorithms: %s" % (args["dest"], algorithm, known))
    return algorithm, wanted


def _listed(args: Dict[str, Any], context: Context, url: str) -> str:
    """The digest of our file in a list as sha256sum writes it, or in a file that holds nothing else."""
    _, path = _download(args, context, {}, None, url=url, method="GET")
    assert path is not None
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = [line.rstrip("\n") for line in file]
    finally:
        os.unlink(path)
    name = web.file_name(args["url"])
    if len(lines) == 1 and len(lines[0].split()) == 1:
        return lines[0]
    for line in lines:
        digest, space, listed = line.partition(" ")
        # One character tells text from binary.
        listed = listed[1:] if listed.startswith((" ", "*")) else listed
        if space and re.sub(r"^(\./)+", "", listed) == name:
            return digest
    raise ModuleFailed("Unable to find a checksum for file '%s' in '%s'" % (name, url))


def hash_of(path: str, algorithm: str) -> Optional[str]:
    """A file's digest; None where this Python may not compute it (md5 under FIPS)."""
    try:
        found = hashlib.new(algorithm)
    except ValueError:
        return None
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            found.update(chunk)
    return found.hexdigest()
