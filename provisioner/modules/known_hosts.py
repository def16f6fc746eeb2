"""known_hosts: the key of a host in a file of keys that ssh trusts. One key of each type for a name, plain or hashed."""

import base64
import contextlib
import fnmatch
import hashlib
import hmac
import os
import re
from typing import Any, Dict, NamedTuple, Optional

from provisioner.agent import attributes, contents
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = {
    "name": {"required": True, "aliases": ["host"]},
    "key": {},
    "path": {"type": "path", "default": "~/.ssh/known_hosts"},
    "hash_host": {"type": "bool", "default": False},
    "state": {"default": "present", "choices": ["absent", "present"]},
}
_HASHED = "|1|"
_SALT_BYTES = 20


class Entry(NamedTuple):
    """A line of the file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""

    marker: str
    hosts: str
    kind: str
    key: str
    comment: str


class Found(NamedTuple):
    """What a file says of a host."""

    known: bool
    """Whether it has any key for the host."""
    replaced: bool
    """Whether the wanted key is another than is there."""
    line: Optional[int]
    """Which line (from 0) has the key, or another of its type."""


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    name, path, present = args["name"], args["path"], args["state"] == "present"
    if "," in name:
        raise ModuleFailed("Comma separated list of names is not supported. Please pass a single name to lookup in the known_hosts file.")
    key = _checked_key(args["key"], name, present, args["hash_host"])
    before = _read(path)
    found = looked_up(before or "", name, key)
    after = changed_text(before or "", found, key, present)
    header = path if os.path.exists(path) else "/dev/null"
    result: Dict[str, Any] = {
        "changed": found.replaced or found.known != present,
        "diff": {"before_header": header, "after_header": path, "before": before or "", "after": after},
    }
    if not present and key and found.line is None:
        result["changed"] = False
    elif context.check:
        return result
    elif found.known and not key:
        left = without_host(before or "", name)
        if left != before:
            _keep_old(path)
            _write(path, left)
    elif result["changed"]:
        _write(path, after)
    result.update({each: args[each] for each in ("name", "key", "path", "hash_host", "state")})
    return dict(result, state=attributes.state_of(path), **{k: v for k, v in attributes.describe(path).items() if k != "state"})


def _read(path: str) -> Optional[str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModuleFailed("Failed to read %s: %s" % (path, error))


def _write(path: str, text: str) -> None:
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise ModuleFailed("Failed to write to file %s: the folder %s does not exist" % (path, os.path.dirname(path)))
    contents.write(path, text.encode("utf-8", "surrogateescape"))


def _keep_old(path: str) -> None:
    """What ssh-keygen leaves of the file that hosts are taken out of."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path + ".old")
    os.link(path, path + ".old")


def parsed(line: str) -> Optional[Entry]:
    words = line.split()
    if not words or words[0].startswith("#"):
        return None
    marker = words.pop(0) if words[0].startswith("@") else ""
    if len(words) < 3:
        return None
    return Entry(marker, words[0], words[1], words[2], " ".join(words[3:]))


def names_host(hosts: str, name: str) -> bool:
    """Whether the first field of a line means this host: hashed, or a list with wildcards and exceptions."""
    wanted = name.lower()
    if hosts.startswith(_HASHED):
        try:
            salt, digest = (base64.b64decode(part) for part in hosts[len(_HASHED) :].split("|", 1))
        except ValueError:
            return False
        return hmac.compare_digest(hmac.new(salt, wanted.encode(), hashlib.sha1).digest(), digest)
    found = False
    for pattern in hosts.lower().split(","):
        without = pattern.startswith("!")
        # In a name, brackets stand around a host with a port; they are no wildcards.
        if fnmatch.fnmatchcase(wanted, re.sub(r"\[", "[[]", pattern.lstrip("!"))):
            if without:
                return False
            found = True
    return found


def hashed(name: str) -> str:
    salt = os.urandom(_SALT_BYTES)
    digest = hmac.new(salt, name.lower().encode(), hashlib.sha1).digest()
    return "%s%s|%s" % (_HASHED, base64.b64encode(salt).decode(), base64.b64encode(digest).decode())


def _checked_key(key: Optional[str], name: str, present: bool, hash_host: bool) -> str:
    """The text of the key as it goes into the file. Raises ModuleFailed when it is not for this host."""
    if not key:
        if present:
            raise ModuleFailed("No key specified when adding a host")
        return ""
    first = parsed(key)
    if hash_host and first is not None:
        key = " ".join(part for part in first._replace(hosts=hashed(name)) if part)
    key = key if key.endswith("\n") else key + "\n"
    if not any(entry is not None and names_host(entry.hosts, name) for entry in map(parsed, key.splitlines())):
        raise ModuleFailed("Host parameter does not match hashed host field in supplied key")
    return key


def looked_up(text: str, name: str, key: str) -> Found:
    """Where the file has the key, or one of its type; a line for several hosts is another line than one for this host alone."""
    wanted = parsed(key)
    known = False
    for number, line in enumerate(text.splitlines()):
        entry = parsed(line)
        if entry is None or not names_host(entry.hosts, name):
            continue
        known = True
        if wanted is None:
            continue
        if not entry.marker and wanted.hosts.startswith(_HASHED) and entry.hosts.startswith(_HASHED):
            wanted = wanted._replace(hosts=entry.hosts)  # hashed already: with which salt doesn't matter
        if entry[:4] == wanted[:4]:
            return Found(True, False, number)
        if not entry.marker and entry.kind == wanted.kind:
            return Found(True, True, number)
    return Found(known, known and wanted is not None, None)


def changed_text(text: str, found: Found, key: str, present: bool) -> str:
    """The file with the key at its end, and without the line that it replaces; where not `present`, without the line that has it."""
    lines = text.splitlines(keepends=True)
    if (found.replaced or not present) and found.line is not None:
        del lines[found.line]
    if present and (found.replaced or found.line is None):
        lines.append(key)
    return "".join(lines)


def without_host(text: str, name: str) -> str:
    """The file without a host, as `ssh-keygen -R` leaves it: what is marked (@cert-authority, @revoked) stays."""
    left = []
    for line in text.splitlines(keepends=True):
        entry = parsed(line)
        if entry is None or entry.marker or not names_host(entry.hosts, name):
            left.append(line)
    return "".join(left)
