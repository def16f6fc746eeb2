"""authorized_key: public keys that may log in as a user."""

import os
import pwd
import re
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from provisioner.agent import attributes, contents, web
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = {
    "user": {"required": True},
    "key": {"required": True},
    "path": {"type": "path"},
    "manage_dir": {"type": "bool", "default": True},
    "state": {"default": "present", "choices": ["absent", "present"]},
    "key_options": {},
    "exclusive": {"type": "bool", "default": False},
    "validate_certs": {"type": "bool", "default": True},
    "comment": {},
    "follow": {"type": "bool", "default": False},
}
_KINDS = re.compile(r"^(ssh-(ed25519|rsa|dss)|ecdsa-sha2-nistp(256|384|521)|sk-[a-z0-9-]+@openssh\.com|[a-z0-9-]+-cert-v01@openssh\.com)$")
# Words apart by blanks, where quoted text keeps its blanks; a quote may be escaped within one.
_OPTION = re.compile(r'(?:[^",]|"(?:\\.|[^"\\])*")+')
_WORD = re.compile(r'(?:"(?:\\.|[^"\\])*"|[^\s"]|")+')


class Key(NamedTuple):
    options: str
    kind: str
    data: str
    comment: str

    def line(self) -> str:
        return " ".join(part for part in self if part)


class Line(NamedTuple):
    """A line of the file; what is no key stays as it is."""

    text: str
    key: Optional[Key]


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    wanted = _wanted(args, context)
    path = _path(args, context)
    result: Dict[str, Any] = {name: args[name] for name in ARGUMENTS}
    result["keyfile"] = path
    before = _read(path)
    after = changed_lines(before, wanted, args)
    old, new = _text(before), _text(after)
    result["changed"] = old != new or [line.text for line in before] != [line.text for line in after]
    if result["changed"] and context.diff:
        result["diff"] = {"before_header": path, "after_header": path, "before": old, "after": new}
    if not context.check:
        _place(path, new if result["changed"] else None, args)
    if args["path"] and os.path.lexists(path):
        result.update(attributes.describe(path))
    return result


def parsed(text: str) -> Optional[Key]:
    """A key with its options and comment (sshd(8), AUTHORIZED_KEYS FILE FORMAT); None for what is none."""
    words = [(found.group(), found.end()) for found in _WORD.finditer(text)]
    for number in (0, 1):
        if len(words) > number + 1 and _KINDS.match(words[number][0]):
            options = words[0][0] if number else ""
            return Key(options, words[number][0], words[number + 1][0], text[words[number + 1][1] :].strip())
    return None


def _wanted(args: Dict[str, Any], context: Context) -> List[Key]:
    found = []
    for text in _source(args, context).splitlines():
        text = text.strip()
        if not text or text.startswith("#"):
            continue
        key = parsed(text)
        if key is None:
            raise ModuleFailed("invalid key specified: %s" % text)
        if args["key_options"] is not None:
            key = key._replace(options=args["key_options"])
        if args["comment"] is not None:
            key = key._replace(comment=args["comment"])
        found.append(key)
    return found


def _source(args: Dict[str, Any], context: Context) -> str:
    key: str = args["key"]
    if key.startswith("file://"):
        path = key[len("file://") :]
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                return file.read()
        except FileNotFoundError:
            raise ModuleFailed("Path to a key file not found: %s" % path)
        except OSError as error:
            raise ModuleFailed("Path to a key file can't be read: %s: %s" % (path, error.strerror))
    if key.startswith(("http://", "https://")):
        answer = web.ask({"validate_certs": args["validate_certs"]}, context, url=key)
        if answer.status != 200:
            raise ModuleFailed("Error getting key from: %s" % key)
        return answer.read().decode("utf-8", "surrogateescape")
    return key


def _path(args: Dict[str, Any], context: Context) -> str:
    if args["path"] and context.check:
        return str(args["path"])
    try:
        home = pwd.getpwnam(args["user"]).pw_dir
    except KeyError as error:
        if context.check:
            raise ModuleFailed("Either user must exist or you must provide full path to key file in check mode")
        raise ModuleFailed("Failed to lookup user %s: %s" % (args["user"], error))
    return args["path"] or os.path.join(home, ".ssh", "authorized_keys")


def _read(path: str) -> List[Line]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ModuleFailed("can't read %s: %s" % (path, error.strerror))
    return [Line(text, None if text.lstrip().startswith("#") else parsed(text)) for text in lines]


def _text(lines: List[Line]) -> str:
    return "".join(line.text + "\n" for line in lines)


def _same(there: Optional[Key], wanted: Key) -> bool:
    """Options mean the same in any order."""
    return (
        there is not None and there._replace(options="") == wanted._replace(options="") and _parts(there.options) == _parts(wanted.options)
    )


def _parts(options: str) -> List[str]:
    return sorted(_OPTION.findall(options))


def changed_lines(lines: List[Line], wanted: List[Key], args: Dict[str, Any]) -> List[Line]:
    if args["state"] == "absent":
        gone = {key.data for key in wanted}
        return [line for line in lines if line.key is None or line.key.data not in gone]
    made, changed = list(lines), False
    for key in wanted:
        there = [n for n, line in enumerate(made) if line.key is not None and line.key.data == key.data]
        if there and _same(made[there[-1]].key, key) and (not args["exclusive"] or len(there) == 1):
            continue
        changed = True
        fresh = Line(key.line(), key)
        if there:
            made[there[-1]] = fresh
        else:
            made.append(fresh)
    if args["exclusive"]:
        data = {key.data for key in wanted}
        kept = [line for line in made if line.key is not None and line.key.data in data]
        changed = changed or len(kept) != len([line for line in made if line.key is not None])
        made = kept if changed else made
    return _single(made) if changed else lines


def _single(lines: List[Line]) -> List[Line]:
    """Once the file is written, each key stands there once: where it stood last."""
    last = {line.key.data: n for n, line in enumerate(lines) if line.key is not None}
    return [line for n, line in enumerate(lines) if line.key is None or last[line.key.data] == n]


def _owner(args: Dict[str, Any]) -> Tuple[int, int]:
    found = pwd.getpwnam(args["user"])
    return found.pw_uid, found.pw_gid


def _place(path: str, text: Optional[str], args: Dict[str, Any]) -> None:
    """The folder and, with a text, the file; both are the user's and nobody else's."""
    uid, gid = _owner(args)
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder) and (args["manage_dir"] or text is not None):
        try:
            os.makedirs(folder, 0o700)
        except OSError as error:
            raise ModuleFailed("Failed to create directory %s : %s" % (folder, error.strerror))
    if args["manage_dir"] and os.path.isdir(folder):
        os.chown(folder, uid, gid)
        os.chmod(folder, 0o700)
    if text is not None:
        if os.path.islink(path) and not args["follow"]:
            os.unlink(path)
        contents.write(path, text.encode("utf-8", "surrogateescape"))
    if os.path.exists(path):
        real = os.path.realpath(path) if args["follow"] else path
        os.chown(real, uid, gid)
        os.chmod(real, 0o600)
