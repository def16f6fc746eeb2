"""known_hosts: the key of a host in a file of keys that ssh trusts. One key of each type for a name, plain or hashed."""

import base64
import fnmatch
import hashlib
import hmac
import os
import re
from typing import Any, Dict, List, NamedTuple, Optional

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


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    name, path, present = args["name"], args["path"], args["state"] == "present"
    if "," in name:
        raise ModuleFailed("Comma separated list of names is not supported. Please pass a single name to lookup in the known_hosts file.")
    key = _checked_key(args["key"], name, present)
    before = _read(path)
    after = changed_text(before, name, key, present, args["hash_host"])
    changed = before != after
    header = path if os.path.exists(path) else "/dev/null"
    result: Dict[str, Any] = {
        "changed": changed,
        "diff": {"before_header": header, "after_header": path, "before": before or "", "after": after or ""},
    }
    if context.check:
        return result
    if changed:
        _write(path, after or "")
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


def _checked_key(key: Optional[str], name: str, present: bool) -> List[str]:
    """The lines of the key. Raises ModuleFailed when they are not for this host."""
    if key is None:
        if present:
            raise ModuleFailed("No key specified when adding a host")
        return []
    lines = [line.strip() for line in key.splitlines() if line.strip() and not line.strip().startswith("#")]
    entries = [parsed(line) for line in lines]
    if not lines or any(entry is None or not names_host(entry.hosts, name) for entry in entries):
        raise ModuleFailed("Host parameter does not match hashed host field in supplied key")
    return lines


def changed_text(text: Optional[str], name: str, key: List[str], present: bool, hash_host: bool) -> Optional[str]:
    """The file with these keys for the host; without `key` and not `present`: with none for it."""
    lines = (text or "").splitlines()
    if not present:
        if not key:
            left = [line for line in lines if not _of_host(line, name)]
        else:
            left = [line for line in lines if not any(_same(line, each, name) for each in key)]
        return text if left == lines else "".join(line + "\n" for line in left)
    for each in key:
        lines = _with(lines, name, each, hash_host)
    joined = "".join(line + "\n" for line in lines)
    return text if text is not None and lines == text.splitlines() else joined


def _of_host(line: str, name: str) -> bool:
    entry = parsed(line)
    return entry is not None and names_host(entry.hosts, name)


def _same(line: str, key: str, name: str) -> bool:
    """Whether a line has this key for this host, whatever its comment."""
    entry, wanted = parsed(line), parsed(key)
    return (
        entry is not None
        and wanted is not None
        and (entry.marker, entry.kind, entry.key) == (wanted.marker, wanted.kind, wanted.key)
        and names_host(entry.hosts, name)
    )


def _with(lines: List[str], name: str, key: str, hash_host: bool) -> List[str]:
    wanted = parsed(key)
    assert wanted is not None
    there = [line for line in lines if _same(line, key, name)]
    if any(_is_hashed(line) == hash_host for line in there):
        return lines
    left = []
    for line in lines:
        entry = parsed(line)
        replaced = entry is not None and (entry.marker, entry.kind) == (wanted.marker, wanted.kind) and names_host(entry.hosts, name)
        if not replaced:
            left.append(line)
    if hash_host and not wanted.hosts.startswith(_HASHED):
        entry = wanted._replace(hosts=hashed(name))
        key = " ".join(part for part in entry if part)
    return [*left, key]


def _is_hashed(line: str) -> bool:
    entry = parsed(line)
    return entry is not None and entry.hosts.startswith(_HASHED)
