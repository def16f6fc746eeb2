"""rpm_key: keys in RPM's own database, where it keeps them as packages named gpg-pubkey."""

import os
import re
import tempfile
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List

from provisioner.agent import web
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = {
    "key": {"required": True, "type": "str"},
    "state": {"default": "present", "choices": ["absent", "present"]},
    "fingerprint": {"type": "list", "elements": "str"},
    "validate_certs": {"type": "bool", "default": True},
}
_ID = re.compile(r"(?:0x)?[0-9a-f]{8}", re.IGNORECASE)
_LISTING = ["--no-tty", "--batch", "--with-colons", "--fixed-list-mode"]


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    with _file_of(args, context) as path:
        identity = _short(args["key"]) if path is None else _short(_listed(path, context, "pub", 4)[0])
        present = args["state"] == "present"
        if _is_known(identity, context) == present:
            return {"changed": False}
        if present and path is None:
            raise ModuleFailed("When importing a key, a valid file must be given")
        if present and args["fingerprint"]:
            _check_fingerprint(args["fingerprint"], str(path), context)
        if not context.check:
            rpm = [context.which("rpm")]
            _output(
                rpm + (["--import", str(path)] if present else ["--erase", "--allmatches", "gpg-pubkey-%s" % identity[-8:].lower()]),
                context,
            )
    return {"changed": True}


@contextmanager
def _file_of(args: Dict[str, Any], context: Context) -> Iterator[Any]:
    """The path of the key's file, fetched where it is elsewhere; None for a key that is named by its id."""
    key = args["key"]
    if "://" not in key:
        if _ID.match(key):
            yield None
        elif os.path.isfile(key):
            yield key
        else:
            raise ModuleFailed("Not a valid key %s" % key)
        return
    answer = web.ask({"validate_certs": args["validate_certs"]}, context, url=key)
    if answer.status not in (200, None):
        raise ModuleFailed("failed to fetch key at %s , error was: %s" % (key, answer.msg))
    with tempfile.NamedTemporaryFile() as file:
        file.write(answer.read())
        file.flush()
        yield file.name


def _short(identity: str) -> str:
    """Without blanks and 0x, in capitals."""
    found = identity.strip().upper()
    return found[2:] if found.startswith("0X") else found


def _gpg(context: Context) -> str:
    try:
        return context.which("gpg")
    except ModuleFailed:
        return context.which("gpg2")


def _listed(path: str, context: Context, kind: str, column: int) -> List[str]:
    """One column of gpg's lines of a kind about a key's file, never nothing."""
    lines = _output([_gpg(context), *_LISTING, path], context).splitlines()
    found = [line.split(":")[column] for line in lines if line.startswith(kind + ":")]
    if not found:
        raise ModuleFailed("Unexpected gpg output")
    return found


def _is_known(identity: str, context: Context) -> bool:
    rpm = context.which("rpm")
    code, _, _ = context.run([rpm, "-q", "gpg-pubkey"])
    if code != 0:
        return False  # no key at all
    keys = _output([rpm, "-q", "--qf", "%{description}", "gpg-pubkey"], context)
    listed = _output([_gpg(context), *_LISTING, "-"], context, keys.encode("utf-8", "surrogateescape"))
    return any(identity in line.split(":")[4] for line in listed.splitlines() if line.startswith("pub:"))


def _check_fingerprint(wanted: List[str], path: str, context: Context) -> None:
    wanted = ["".join(text.split()).upper() for text in wanted]
    if not set(wanted) & set(_listed(path, context, "fpr", 9)):
        names = "', '".join(wanted)
        raise ModuleFailed("The specified fingerprint, '%s', does not match any key fingerprints in '%s'" % (names, path))


def _output(command: List[str], context: Context, data: Any = None) -> str:
    code, out, err = context.run(command, data=data)
    if code != 0:
        raise ModuleFailed((err or out).strip() or "%s failed" % command[0], rc=code, stdout=out, stderr=err)
    return out
